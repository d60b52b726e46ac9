"""Guesses from names and ranges: which place is a time, a counter, which unit a number has, how a metric may be called."""

import re
import unicodedata
from collections.abc import Container

from ioc.cli.seen import Seen
from ioc.domain.dialect import TimeUnit
from ioc.domain.family import RESERVED_METRICS
from ioc.domain.payload_path import Path

_FROM_S, _TO_S = 1_420_070_400, 2_208_988_800
"""2015 to 2040, Unix seconds: a number in it is taken for a time where its name allows."""
_TIME_NAMES = frozenset({"t", "ts", "time", "timestamp", "at", "date", "datetime", "epoch", "utc", "clock", "tm", "thoigian"})
_COUNTER_NAMES = frozenset({"id", "seq", "n", "no", "msgid", "mid", "counter", "cnt", "msg", "packet"})
_IDENTITY_NAMES = frozenset({"sn", "serial", "imei", "mac", "host", "hostname", "device", "deviceid", "dev", "node", "uid", "uuid", "name"})
_TEXT_NAMES = frozenset({"fw", "ver", "version", "firmware", "model", "sw", "hw", "sim", "iccid", "phone", "code", "rev"}) | _IDENTITY_NAMES
_UNITS: tuple[tuple[frozenset[str], str, float, float], ...] = (
    (frozenset({"temp", "tmp", "temperature", "nhietdo", "c", "degc"}), "°C", -60, 200),
    (frozenset({"vol", "volume", "pct", "percent", "battery", "bat", "soc", "humidity", "hum", "load", "amluong"}), "%", 0, 100),
    (frozenset({"rssi", "rsrp", "dbm"}), "dBm", -200, 0),
    (frozenset({"dbfs", "db"}), "dBFS", -160, 0),
    (frozenset({"mv", "millivolt"}), "mV", 0, 1e6),
    (frozenset({"v", "volt", "volts", "voltage", "mains", "dienap"}), "V", 0, 1000),
    (frozenset({"a", "amp", "amps", "current", "dongdien"}), "A", 0, 10_000),
    (frozenset({"kwh", "energy"}), "kWh", 0, 1e12),
    (frozenset({"kw", "power"}), "kW", 0, 1e6),
    (frozenset({"uptime", "sec", "secs", "seconds"}), "s", 0, 1e10),
    (frozenset({"lat", "lon", "lng", "latitude", "longitude"}), "°", -180, 180),
    (frozenset({"mb"}), "MB", 0, 1e9),
    (frozenset({"bytes", "octets"}), "B", 0, 1e18),
    (frozenset({"rtt", "latency", "ms"}), "ms", 0, 1e7),
    (frozenset({"hz", "freq", "frequency"}), "Hz", 0, 1e11),
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def words(path: Path) -> tuple[str, ...]:
    """The words of a place's last name, in lower case: `ampTemp_C` is amp, temp, c."""
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", last)
    return tuple(re.findall(r"[a-z]+|[0-9]+", _plain(apart)))


def time_unit(path: Path, seen: Seen) -> TimeUnit | None:
    """The unit in which a place tells a time of our years; None where it tells none."""
    if not _TIME_NAMES & {*words(path), "".join(words(path))}:
        return None
    if seen.kind == "string":
        told = all(isinstance(value, str) and _RFC3339.fullmatch(value) for value in seen.values)
        return TimeUnit.RFC3339 if told else None
    if seen.kind not in {"int", "float"}:
        return None
    units = (unit for unit in TimeUnit if unit.per_second)
    return next((unit for unit in units if seen.low / unit.per_second >= _FROM_S and seen.high / unit.per_second <= _TO_S), None)


def is_counter(path: Path, seen: Seen) -> bool:
    """Whether a place numbers the messages."""
    return seen.kind == "int" and (words(path)[-1:] or ("",))[0] in _COUNTER_NAMES


def is_identity(path: Path) -> bool:
    """Whether a place is called as devices' names are."""
    return bool(_IDENTITY_NAMES & {*words(path), "".join(words(path))})


def type_of(path: Path, seen: Seen) -> str:
    """The type of a metric; a version that happens to look like a number stays text."""
    texts = all(isinstance(value, str) for value in seen.values)
    return "string" if texts and seen.kind in {"int", "float"} and _TEXT_NAMES & set(words(path)) else seen.kind


def unit_of(path: Path, seen: Seen) -> str:
    """The unit of a number, guessed by its name where its range allows it."""
    named = set(words(path))
    return next((unit for names, unit, low, high in _UNITS if names & named and low <= seen.low and seen.high <= high), "")


def metric_name(path: Path, taken: Container[str]) -> str:
    """A name for a metric: the place's last name, with those above it or a number where another has it already."""
    names = [slug(str(step)) for step in path if step != ""]
    tries = ["_".join(names[-depth:]) for depth in range(1, len(names) + 1)] if isinstance(path[-1], str) else ["_".join(names)]
    for text in tries:
        name = _metric(text)
        if name not in taken:
            return name
    number = next(number for number in range(2, 10_000) if _metric(f"{tries[-1][:56]}_{number}") not in taken)
    return _metric(f"{tries[-1][:56]}_{number}")


def slug(text: str) -> str:
    """Lower-case letters, digits and single underscores; empty where nothing is left."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"[^a-z0-9]+", "_", _plain(apart)).strip("_")


def _metric(text: str) -> str:
    name = text[:64].strip("_") or "value"
    return f"v_{name}"[:64] if not name[0].isalpha() or name in RESERVED_METRICS else name


def _plain(text: str) -> str:
    """Without the marks of Vietnamese letters."""
    split = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in split if not unicodedata.combining(sign)).lower()
