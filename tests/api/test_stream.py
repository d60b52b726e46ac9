"""The ring and its readers."""

import json

import pytest

from ioc.api.documents import units_event
from ioc.api.stream import Hub, visible, wanted
from ioc.domain.views import FamilyCounts, UnitView


class Clock:
    """Set by hand."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(clock: Clock) -> Hub:
    return Hub(clock=clock, boot="b1", max_events=5, sample_every_ms=10_000)


def _numbers(hub: Hub, position: int, limit: int = 100) -> list[int]:
    return [event.number for event in hub.read(position, limit).events]


def test_gives_each_reader_what_it_has_not_read(hub: Hub) -> None:
    """Positions are the reader's own."""
    for number in range(4):
        hub.publish("alarm", {"n": number})
    assert _numbers(hub, 0) == [1, 2, 3, 4]
    assert _numbers(hub, 3) == [4]
    assert _numbers(hub, 4) == []


def test_gives_a_long_backlog_in_pieces(hub: Hub) -> None:
    """The position goes on where the piece ended."""
    for number in range(5):
        hub.publish("alarm", {"n": number})
    reading = hub.read(0, 2)
    assert ([event.number for event in reading.events], reading.position) == ([1, 2], 2)
    assert _numbers(hub, reading.position, 2) == [3, 4]


def test_resets_a_reader_that_fell_out_of_the_ring(hub: Hub) -> None:
    """What is gone is said, and the reader goes on from now."""
    for number in range(9):
        hub.publish("alarm", {"n": number})
    assert hub.read(3, 100).reset
    assert hub.read(3, 100).position == 9
    assert not hub.read(4, 100).reset


def test_bounds_the_ring_by_bytes_too(clock: Clock) -> None:
    """A few large documents push out the old ones; the newest always stays."""
    hub = Hub(clock=clock, boot="b1", max_bytes=1000)
    for _ in range(3):
        hub.publish("alarm", {"text": "x" * 600})
    assert hub.read(1, 100).reset
    assert _numbers(hub, 2) == [3]


@pytest.mark.parametrize(
    ("event_id", "position"),
    [("b1-9", 9), ("b1-4", 4), ("b1-3", None), ("b1-10", None), ("b0-9", None), ("b1-", None), ("9", None), ("", None), (None, None),
     ("b1-٩", None), ("b1-" + "9" * 40, None), ("b1--1", None)],
)  # fmt: skip
def test_finds_the_place_that_an_id_names(hub: Hub, event_id: str | None, position: int | None) -> None:
    """Only ids of this run that the ring still reaches back to."""
    for number in range(9):
        hub.publish("alarm", {"n": number})
    assert hub.find(event_id) == position


def test_thins_samples_by_device(hub: Hub, clock: Clock) -> None:
    """At most one per device in ten seconds; other kinds are never thinned."""
    for device in ("a", "a", "b"):
        hub.publish("sample", {"device": device}, device=device)
    assert hub.position == 2
    clock.now += 9_999
    hub.publish("sample", {"device": "a"}, device="a")
    assert hub.position == 2
    clock.now += 1
    hub.publish("sample", {"device": "a"}, device="a")
    hub.publish("liveness", {"device": "a"}, device="a")
    assert hub.position == 4


def test_remembers_a_bounded_number_of_devices(clock: Clock) -> None:
    """A flood of invented names does not grow the hub."""
    hub = Hub(clock=clock, boot="b1", max_devices=3)
    for number in range(10):
        hub.publish("sample", {}, device=str(number))
    assert len(hub._sample_sent) == 3


def _unit(name: str) -> UnitView:
    return UnitView(unit=name, code="1", name=name, type="xã", parent=None, lat=None, lon=None, families={}, data_at=None)


def test_tells_a_technician_of_its_units_only(hub: Hub) -> None:
    """Events of other units, other units' counts and the fleet's sums stay away; our own state is for everybody."""
    hub.publish("alarm", {"id": 1}, unit="here")
    hub.publish("alarm", {"id": 2}, unit="there")
    hub.publish("alarm", {"id": 3})
    hub.publish("own", {"hearing": True})
    hub.publish("units", units_event([_unit("here"), _unit("there")], {"speaker": FamilyCounts(devices=600)}, at=0))
    lines = [visible(event, frozenset({"here"})).decode() for event in hub.read(0, 100).events]
    assert [bool(line) for line in lines] == [True, False, False, True, True]
    units = json.loads(lines[4].split("data: ")[1])
    assert ([item["unit"] for item in units["items"]], units["totals"]) == (["here"], {})
    everything = [visible(event, None) for event in hub.read(0, 100).events]
    assert all(everything)


def test_names_a_kind_that_does_not_exist() -> None:
    """A misspelt kind is refused instead of never arriving."""
    assert wanted("alarm, units") == {"alarm", "units"}
    with pytest.raises(ValueError, match="alarms"):
        wanted("alarms")
