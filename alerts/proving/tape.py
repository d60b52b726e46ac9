"""What a server's rules and routes were told, in order, with our clock's `now`: entries, and the frames of a file that hold them.

A file begins with `MAGIC`; frames follow: four bytes of length (big-endian), then zlib over a msgpack array of entries. A frame that
is cut off at the end, as after a crash, is left out.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from alerts.inputs import ClockStep, Input, OwnCondition, Tick
from alerts.lifecycle import Act
from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage, RuleState, Transition
from ioc.domain.liveness_change import LivenessChange
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import ClockOffset, DeviceEvent, Sample, Value
from ioc.domain.service import ServiceOrder
from ioc.domain.silence import Silence

MAGIC = b"IOC-RECORD 1\n"
"""The number is the format's version."""
FRAME_MOST = 64 * 1024 * 1024
"""Bytes of one frame, before compression."""
_LENGTH = 4
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Sample, DeviceEvent, ClockOffset, LivenessChange, OwnCondition, ClockStep, Tick)
}
_decoders = {name: msgspec.msgpack.Decoder(kind) for name, kind in _KINDS.items()}
encode = msgspec.msgpack.Encoder().encode


class TapeError(Exception):
    """A file is no recording, or a damaged one; the text says what and where."""


class _Entry(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


class Opened(_Entry, frozen=True):
    """The site as it is declared, as JSON: its `site`, `families`, `rules`, `routes`, and whether rules about clocks hold."""

    document: bytes


class Started(_Entry, frozen=True):
    """An engine and a notifier begin, with these devices and rows of units; what they are restored from follows."""

    devices: tuple[Device, ...]
    units: tuple[Unit, ...]
    told: dict[str, dict[str, Value]]
    """Device → metric → what it told last, of what devices may have in common."""


class Placed(_Entry, frozen=True):
    """The registry's word on a device."""

    device: Device


class UnitsKnown(_Entry, frozen=True):
    """All rows of units from now on."""

    units: tuple[Unit, ...]


class EngineRestored(_Entry, frozen=True):
    """`Engine.restore`."""

    alarms: tuple[Alarm, ...]
    rule_states: tuple[RuleState, ...]
    latest: dict[str, dict[str, tuple[int, Value]]]
    seq: int
    heard_until: int | None
    orders: tuple[ServiceOrder, ...]


class NotifierRestored(_Entry, frozen=True):
    """`Notifier.restore`."""

    groups: tuple[NotificationGroup, ...]
    alarms: tuple[Alarm, ...]
    position: int


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One input of the rules: the name of its type, and itself."""

    kind: str
    body: msgspec.Raw


class Stepped(_Entry, frozen=True):
    """`Engine.step`."""

    now: int
    inputs: tuple[Told, ...]


class Acted(_Entry, frozen=True):
    """`Engine.act`: a person's act."""

    now: int
    alarm: Alarm
    act: Act


class Reconciled(_Entry, frozen=True):
    """`Engine.reconcile`."""

    now: int


class TakenOut(_Entry, frozen=True):
    """`Engine.take_out`."""

    now: int
    order: ServiceOrder


class GivenBack(_Entry, frozen=True):
    """`Engine.give_back`."""

    now: int
    order: str
    by: str
    reason: str


class DeviceChanged(_Entry, frozen=True):
    """`Engine.device_changed`."""

    now: int
    device: str


class Withdrawn(_Entry, frozen=True):
    """`Engine.withdraw`."""

    now: int
    rule: str | None
    device: str | None


class Silenced(_Entry, frozen=True):
    """`Notifier.silence`."""

    silence: Silence


class Lifted(_Entry, frozen=True):
    """`Notifier.lift`."""

    silence: str


class Noticed(_Entry, frozen=True):
    """`Notifier.step` with what the engine has decided since the last one."""

    now: int


class Decided(_Entry, frozen=True):
    """What followed from the entries since the last `Decided`; this is what a replay must come to, byte by byte."""

    transitions: tuple[Transition, ...]
    alarms: tuple[Alarm, ...]
    messages: tuple[OutboxMessage, ...]


class Ended(_Entry, frozen=True):
    """Nothing more was recorded, and why."""

    now: int
    why: str


Entry = (
    Opened
    | Started
    | Placed
    | UnitsKnown
    | EngineRestored
    | NotifierRestored
    | Stepped
    | Acted
    | Reconciled
    | TakenOut
    | GivenBack
    | DeviceChanged
    | Withdrawn
    | Silenced
    | Lifted
    | Noticed
    | Decided
    | Ended
)
Call = Stepped | Acted | Reconciled | TakenOut | GivenBack | DeviceChanged | Withdrawn
"""What makes an engine decide."""
_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode


def told(inputs: Iterable[Input]) -> tuple[Told, ...]:
    """Inputs as an entry holds them."""
    return tuple([Told(type(one).__name__, msgspec.Raw(encode(one))) for one in inputs])


def inputs_of(entry: Stepped) -> list[Input]:
    """The inputs again. TapeError for one of a type that this program doesn't know."""
    try:
        return [_decoders[one.kind].decode(one.body) for one in entry.inputs]
    except (KeyError, msgspec.DecodeError) as error:
        msg = f"the recording holds an input that can't be read: {error}; it may be of another version of the program"
        raise TapeError(msg) from None


def frame(entries: Iterable[bytes]) -> bytes:
    """Encoded entries as one frame."""
    body = zlib.compress(encode([msgspec.Raw(one) for one in entries]))
    return len(body).to_bytes(_LENGTH, "big") + body


def read_entries(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a file that is open at its beginning, a frame at a time. TapeError says what is wrong with it."""
    _check_magic(file)
    while (body := _frame_body(file)) is not None:
        at = file.tell() - len(body)
        try:
            unpacked = zlib.decompressobj()
            payload = unpacked.decompress(body, FRAME_MOST)
            if unpacked.unconsumed_tail:
                msg = f"the frame at byte {at} is larger than {FRAME_MOST >> 20} MiB"
                raise TapeError(msg)
            entries = _decode_entries(payload)
        except (zlib.error, msgspec.DecodeError) as error:
            msg = f"the frame at byte {at} can't be read: {error}; the file is damaged, or of another version of the program"
            raise TapeError(msg) from None
        yield from entries


def whole_until(file: BinaryIO) -> int:
    """Up to which byte a file holds whole frames; to go on writing there after a crash. TapeError where it is no recording."""
    _check_magic(file)
    until = file.tell()
    while _frame_body(file) is not None:
        until = file.tell()
    return until


def _check_magic(file: BinaryIO) -> None:
    found = file.read(len(MAGIC))
    if found != MAGIC:
        name = MAGIC.split()[0]
        what = f"another version of the format ({found!r})" if found.startswith(name) else "no recording"
        msg = f"the file is {what}; this program reads what begins with {MAGIC!r}"
        raise TapeError(msg)


def _frame_body(file: BinaryIO) -> bytes | None:
    """The next frame; None at the end, also where the last one is cut off."""
    head = file.read(_LENGTH)
    length = int.from_bytes(head, "big")
    if len(head) < _LENGTH:
        return None
    body = file.read(length) if length <= FRAME_MOST else b""
    return body if len(body) == length else None
