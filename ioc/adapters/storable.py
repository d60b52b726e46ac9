"""What both stores can hold, so that a point which one refuses is refused by the other too.

Each check raises ValueError with a sentence. The limits are InfluxDB's: line protocol has no way to say a newline or a
trailing backslash outside a string value, and takes some backslashes in a name for escapes; InfluxQL has no way to ask
for some control characters; integers and times (ns) have 64 bits.
"""

import re

from ioc.domain.point import FieldValue

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_TS_MOST_MS = 9_223_372_036_854
_STRING_MOST = 65_535
_RESERVED_TAGS = frozenset({"time", "_field", "_measurement"})
_NOT_IN_NAME = re.compile(r"[\x00-\x1f\x7f\\]")
_NOT_IN_TAG = re.compile(r"[\x00-\x1f\x7f]|\\\Z")


def check_series(measurement: str, tags: tuple[tuple[str, str], ...]) -> None:
    """Measurement and tags can be written; a tag without a value counts as absent."""
    _check_name("measurement", measurement)
    if measurement.startswith("#"):
        msg = f"measurement {measurement!r} would read as a comment"
        raise ValueError(msg)
    for name, value in tags:
        _check_name("tag", name)
        if name in _RESERVED_TAGS:
            msg = f"tag name {name!r} is reserved"
            raise ValueError(msg)
        if _NOT_IN_TAG.search(value):
            msg = f"tag {name}: a value with a control character or a backslash at its end can't be kept: {value[:80]!r}"
            raise ValueError(msg)
    if len(measurement.encode()) + sum(2 + len(name.encode()) + len(value.encode()) for name, value in tags) > _STRING_MOST:
        msg = f"measurement and tags exceed {_STRING_MOST} bytes"
        raise ValueError(msg)


def check_field(name: str) -> None:
    """A field can be called so."""
    _check_name("field", name)
    if name == "time":
        msg = "field name 'time' is reserved"
        raise ValueError(msg)


def check_value(name: str, value: FieldValue) -> None:
    """A field can hold this value."""
    if isinstance(value, float):
        if value - value != 0.0:  # infinite or NaN
            msg = f"field {name}: {value} is not a finite number"
            raise ValueError(msg)
    elif isinstance(value, int):
        if not INT64_MIN <= value <= INT64_MAX:
            msg = f"field {name}: {value} does not fit 64 bits"
            raise ValueError(msg)
    elif isinstance(value, str):
        value.encode()  # a lone surrogate is no text
    else:
        msg = f"field {name}: {type(value).__name__} is neither a number nor a string"
        raise ValueError(msg)  # noqa: TRY004 - every refusal of a point is a ValueError


def check_time(ts: int) -> None:
    """A time (Unix ms) fits 64-bit nanoseconds."""
    if not -_TS_MOST_MS <= ts <= _TS_MOST_MS:
        msg = f"time {ts} ms does not fit the store"
        raise ValueError(msg)


def _check_name(what: str, name: str) -> None:
    if not name or _NOT_IN_NAME.search(name):
        msg = f"{what} name {name[:80]!r}: empty, or with a control character or a backslash"
        raise ValueError(msg)
