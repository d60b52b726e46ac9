"""What a message becomes: Samples, events, status, or a refusal. All times are Unix milliseconds, UTC."""

from enum import StrEnum

import msgspec

Value = float | int | str | None
"""A metric's value; bool metrics hold int 0 or 1, an absent metric None."""


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One device, one instant, all fields of that message, aligned to its family's metric list."""

    family: str
    device: str
    ts: int
    """Time under which it is stored."""
    arrival: int
    values: tuple[Value, ...]
    lag_ms: int
    """arrival − the device's own ts (0 where the device sent none)."""
    live: bool
    """False for historical samples: stored, but they change no live state."""
    refused: tuple[tuple[str, float], ...] = ()
    """Values out of the declared range, (metric, value): shown, not stored."""
    heard: bool = False
    """Whether the device was heard by it just now: then it is an `Arrival` too."""


class DeviceEvent(msgspec.Struct, frozen=True, gc=False):
    """A named happening on a device; `body` is its JSON, at most 4 KiB."""

    family: str
    device: str
    ts: int
    arrival: int
    name: str
    body: str
    lag_ms: int
    live: bool


class ClockOffset(msgspec.Struct, frozen=True, gc=False):
    """How far a device's clock is off, borne out by three arrivals that agree."""

    family: str
    device: str
    offset_ms: int
    """Our clock less the device's: positive = its clock is slow, negative = fast."""
    arrival: int
    """Of the message that bore it out; the device's own time is what is in doubt."""


class DeviceStatus(msgspec.Struct, frozen=True, gc=False):
    """A birth (`online: true`), or the broker's Will in the device's name (`online: false`)."""

    family: str
    device: str
    arrival: int
    online: bool
    retained: bool = False


class Reason(StrEnum):
    """Why a message, or a field of it, was not stored; each has a text for people in the catalogue."""

    TOPIC = "topic"
    UNKNOWN_FAMILY = "unknown_family"
    UNKNOWN_CHANNEL = "unknown_channel"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    NOT_LINES = "not_lines"
    """No Influx line protocol."""
    SEVERAL = "several"
    """Several instants in one message."""
    TOO_DEEP = "too_deep"
    TOO_MANY_KEYS = "too_many_keys"
    NO_KNOWN_METRIC = "no_known_metric"
    NO_USABLE_FIELD = "no_usable_field"
    BAD_DEVICE = "bad_device"
    BAD_TIME = "bad_time"
    BAD_EVENT = "bad_event"
    BAD_STATUS = "bad_status"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_VALUE = "unknown_value"
    TOO_LONG = "too_long"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    STORE_REFUSED = "store_refused"
    FAULT = "fault"
    """An error of our own, not the message's."""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why, in detail: `field` is None when the whole message is meant."""

    reason: Reason
    detail: str
    field: str | None = None


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A device was heard: a live PUBLISH of its own that told no Sample, whatever its payload was worth."""

    family: str
    device: str
    at: int
