"""`ioc rules backtest` and `ioc rules diff`: stored history run through rules and routes, and what came of it."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from alerts.notify_file import NotifyPlan
from alerts.proving.backdrop import Backdrop
from alerts.proving.backtest import PIECE_MS, Span, run, warm_up
from alerts.proving.chronicle import TooMuchError
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.proving.report import Report, report
from alerts.rule import Rule
from ioc.cli.action import act
from ioc.cli.failure import Exit, Failure
from ioc.cli.output import errors_only
from ioc.cli.place import Place, instant
from ioc.cli.stores import open_store
from ioc.config.families import load_families
from ioc.config.problem import ConfigError, Problem
from ioc.config.rules import load_rules
from ioc.config.settings import Site
from ioc.domain.family import Family
from ioc.domain.point import StoreUnavailableError
from ioc.domain.registry import Device, Unit
from ioc.domain.units import UnitTree

_FOR_EVER_MS = 2**62
_SHORTEST_STEP_MS, _LONGEST_STEP_MS = 1_000, 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A history run through one or more sets of rules."""

    span: Span
    history: History
    reports: Sequence[Report]
    devices: int
    seconds: float
    site: Site

    @property
    def times_real_time(self) -> float:
        """How much faster than it happened, the warm-up included."""
        return (self.span.end - self.span.start + self.span.warm_up) / 1000 / max(self.seconds, 1e-3)

    @property
    def headline(self) -> str:
        """For people."""
        begin, end = (local(at, self.site) for at in (self.span.start, self.span.end))
        return (
            f"{begin} – {end}: {self.history.samples} samples of {self.devices} devices in {self.seconds:.1f} s, "
            f"{self.times_real_time:,.0f} × real time."
        )


def span_of(where: Place, start: str, end: str | None, step: int, now: int) -> Span:
    """The span that a person asked for, up to `now` (Unix ms) where no end is given; Failure for one that can't be run."""
    if not _SHORTEST_STEP_MS <= step <= _LONGEST_STEP_MS:
        msg = "--step lies between 1s and 60s; 5s is how often live decisions are made"
        raise Failure(msg, Exit.USAGE)
    begin, until = instant(start, where) or 0, instant(end, where)
    until = now if until is None else min(until, now)
    begin, until = begin - begin % step, until - until % step
    if begin >= until:
        msg = "--from lies after --to, or in the future"
        raise Failure(msg, Exit.USAGE)
    return Span(start=begin, end=until, step=step)


def rule_sets(
    where: Place, paths: Sequence[Sequence[Path] | None], *, shipped: bool | None
) -> tuple[dict[str, Family], list[tuple[Rule, ...]]]:
    """The families, and for each entry the rules of those files; None = those of the configuration. ConfigError for mistakes in them."""
    problems: list[Problem] = []
    config = where.config
    families = config.families if config else load_families((), cadence={}, retention=_FOR_EVER_MS, problems=problems)
    with_pack = shipped if shipped is not None else config is None or config.settings.shipped_rules
    days = config.calendar.calendar if config else ()
    sets = []
    for files in paths:
        if files is None and config is not None:
            sets.append(config.rules)
        else:
            sets.append(load_rules(files or (), shipped=with_pack, families=families, problems=problems, doubts=[], days=days))
    if problems:
        raise ConfigError(problems)
    return families, sets


def run_all(where: Place, span: Span, families: Mapping[str, Family], sets: Sequence[Sequence[Rule]]) -> Ran:
    """Every set over the same history. Failure says why it can't be done."""
    devices = {one.device: one for one in _devices(where)}
    site = where.config.settings.site if where.config else Site()
    rules = [rule for some in sets for rule in some]
    span = msgspec.structs.replace(span, warm_up=warm_up(rules, families.values()))
    units = {unit.unit: unit for unit in _units(where, span.end, site)}
    plan = where.config.plan if where.config else NotifyPlan()
    courses = [
        Course(
            Backdrop(
                site=site.id,
                language=site.language,
                zone=site.zone,
                families=families,
                rules=some,
                clock_rules=(),
                plan=plan,
                unit=units.get,
            ),
            devices.values(),
        )
        for some in sets
    ]
    history = History(families, devices)
    began = time.monotonic()
    with errors_only():
        asyncio.run(_read(where, history, courses, span))
    seconds = time.monotonic() - began
    reports = [report(course.chronicle, span.start, site.zone) for course in courses]
    return Ran(span=span, history=history, reports=reports, devices=len(devices), seconds=seconds, site=site)


async def _read(where: Place, history: History, courses: Sequence[Course], span: Span) -> None:
    store = await open_store(where)
    try:
        await run(store, history, courses, span, reached=_progress(span))
    except StoreUnavailableError as error:
        raise Failure(str(error), Exit.UNREACHABLE) from None
    except TooMuchError as error:
        raise Failure(str(error)) from None
    finally:
        await store.close()


def _progress(span: Span) -> Any:  # noqa: ANN401  a function of the moment that was reached
    """Says on a terminal how far it is, an hour of history at a time."""
    shown = sys.stderr.isatty()

    def reached(at: int) -> None:
        if shown and (at % 3_600_000 < PIECE_MS or at >= span.end):
            print(f"\r{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC", end="\n" if at >= span.end else "", file=sys.stderr)

    return reached


def _devices(where: Place) -> list[Device]:
    known = set(Device.__struct_fields__) - {"registered_at"}
    items = act(where, "devices.list")["items"]
    return [msgspec.convert({key: value for key, value in item.items() if key in known}, Device) for item in items]


def _units(where: Place, at: int, site: Site) -> list[Unit]:
    rows = msgspec.convert(act(where, "units.list", all=True)["items"], list[Unit])
    return UnitTree(rows).on(datetime.fromtimestamp(at / 1000, site.zone).date().isoformat())


def local(at: int, site: Site) -> str:
    """A moment in the site's time, as the commands read it."""
    return datetime.fromtimestamp(at / 1000, site.zone).strftime("%Y-%m-%dT%H:%M:%S")
