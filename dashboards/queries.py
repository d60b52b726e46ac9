"""The InfluxQL behind the panels. Names come from declarations ([a-z0-9_]) only, never from devices or people. Pure."""

from collections.abc import Sequence

from ioc.domain.family import Family, Metric
from ioc.domain.ledger import OUTCOMES

COUNTS = ("devices", "online", "working", "unknown", "critical", "major", "minor")
"""A unit's counts that the board shows, fields of `unit_status`."""
_CHOSEN_UNITS = '"unit" =~ /^${unit:regex}$/'
_PERIOD = "$timeFilter"
_MONTH = "time > now() - 30d"
_BY_UNIT = '"unit", "family"'
_EACH_INTERVAL = "time($__interval)"


def select(columns: str, source: str, where: str, by: str = "") -> str:
    """A query over a quoted measurement or another query in parentheses; grouped by time it leaves empty intervals out."""
    grouped = f" GROUP BY {by}" if by else ""
    filled = " fill(none)" if "time(" in by else ""
    return f"SELECT {columns} FROM {source} WHERE {where}{grouped}{filled}"  # noqa: S608  built from declared names


def devices_of(family: Family) -> str:
    """The devices that ever sent data of the family."""
    return f'SHOW TAG VALUES FROM "{family.family}" WITH KEY = "device"'


def units() -> str:
    """The units that the store knows."""
    return 'SHOW TAG VALUES FROM "unit_status" WITH KEY = "unit"'


def total(count: str, family: str | None) -> str:
    """The newest count of every chosen unit, summed; of one family or of all."""
    newest = select(f'last("{count}") AS "n"', '"unit_status"', _of(family), _BY_UNIT)
    return select('sum("n")', f"({newest})", _PERIOD)


def total_over_time(count: str) -> str:
    """The same for all families, interval by interval."""
    newest = select(f'last("{count}") AS "n"', '"unit_status"', _of(None), f"{_EACH_INTERVAL}, {_BY_UNIT}")
    return select('sum("n")', f"({newest})", _PERIOD, _EACH_INTERVAL)


def share(family: str | None) -> str:
    """Working devices in % of all, newest."""
    newest = select('last("working") AS "w", last("devices") AS "d"', '"unit_status"', _of(family), _BY_UNIT)
    return select('sum("w") / sum("d") * 100', f"({newest})", _PERIOD)


def share_over_time() -> str:
    """Working devices in % of all, for each family."""
    newest = select('last("working") AS "w", last("devices") AS "d"', '"unit_status"', _of(None), f"{_EACH_INTERVAL}, {_BY_UNIT}")
    return select('sum("w") / sum("d") * 100', f"({newest})", _PERIOD, f'{_EACH_INTERVAL}, "family"')


def by_unit() -> str:
    """All counts, a row for each chosen unit."""
    newest = select(", ".join(f'last("{name}") AS "{name}"' for name in COUNTS), '"unit_status"', _of(None), _BY_UNIT)
    return select(", ".join(f'sum("{name}") AS "{name}"' for name in COUNTS), f"({newest})", _PERIOD, '"unit"')


def open_alarms() -> str:
    """The last step of every alarm of 30 days that has not ended; our own have no unit and always show."""
    kind = '"device", "unit", "rule", "severity"'
    where = f"({_CHOSEN_UNITS} OR \"unit\" = '') AND {_MONTH}"
    last = select('last("transition") AS "transition"', '"alarm"', where, kind)
    return select(f'"transition", {kind}', f"({last})", f"\"transition\" != 'cleared' AND \"transition\" != 'withdrawn' AND {_MONTH}")


def offline_devices() -> str:
    """The chosen units' devices whose last word is offline."""
    last = select('last("state") AS "state", "cause"', '"availability"', f"{_CHOSEN_UNITS} AND {_PERIOD}", '"device", "unit"')
    return select('"device", "unit", "state", "cause"', f"({last})", f"\"state\" = 'offline' AND {_PERIOD}")


def metric_over_time(family: Family, metric: Metric) -> str:
    """A metric of the chosen devices: mean, increase of a counter, or last state."""
    if not metric.is_number:
        value = f'last("{metric.name}")'
    elif metric.cumulative:
        value = f'non_negative_difference(max("{metric.name}"))'
    else:
        value = f'mean("{metric.name}")'
    return select(value, f'"{family.family}"', _chosen(family), f'{_EACH_INTERVAL}, "device"')


def latest(family: Family) -> str:
    """The last value of every metric, a row for each chosen device."""
    names = [metric.name for metric in family.metrics]
    last = select(", ".join(f'last("{name}") AS "{name}"' for name in names), f'"{family.family}"', _chosen(family), '"device"')
    return select(", ".join(f'"{name}"' for name in ("device", *names)), f"({last})", _PERIOD)


def ledger(terms: Sequence[str] = OUTCOMES) -> str:
    """Messages by where they went, interval by interval."""
    return select(", ".join(f'sum("{term}") AS "{term}"' for term in terms), '"ledger"', _PERIOD, _EACH_INTERVAL)


def ledger_total(term: str) -> str:
    """A term's sum over the period."""
    return select(f'sum("{term}")', '"ledger"', _PERIOD)


def ledger_difference() -> str:
    """Received minus all outcomes over the period: 0 in a closed ledger."""
    return select('sum("received") - ' + " - ".join(f'sum("{term}")' for term in OUTCOMES), '"ledger"', _PERIOD)


def _of(family: str | None) -> str:
    narrowed = "" if family is None else f" AND \"family\" = '{family}'"
    return f"{_CHOSEN_UNITS}{narrowed} AND {_PERIOD}"


def _chosen(family: Family) -> str:
    return f'"device" =~ /^${{{family.family}_device:regex}}$/ AND {_PERIOD}'
