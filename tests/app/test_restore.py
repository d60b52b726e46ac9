"""Where the last run stopped: what is known of the devices before the first live message."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import pytest

from alerts.presence import Ears
from ioc.app import restore
from ioc.app.restore import Known, Latest, read_latest, restore_devices
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet, FleetViews
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.point import FieldValue, Point, StoreUnavailableError
from ioc.domain.registry import Device

NOW = 1_700_000_000_000
TEXT = {"vi": "x", "en": "x"}
PUMP = Family.model_validate({"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"temp_c": {"type": "float", "labels": TEXT}}})


class Row(msgspec.Struct):
    points: Sequence[Point]


class Past:
    """A store and a spool as the last run left them."""

    def __init__(self, stored: Mapping[str, Latest] | None = None, spooled: Sequence[Point] = ()) -> None:
        self.stored = stored
        self.spooled = spooled
        self.hangs = False
        self.asked: list[str] = []

    async def latest(self, measurement: str, *, since: int = 0) -> Latest:
        assert since < NOW
        self.asked.append(measurement)
        if self.hangs:
            await asyncio.Event().wait()
        if self.stored is None:
            msg = "connection refused"
            raise StoreUnavailableError(msg)
        return self.stored.get(measurement, {})

    async def since(self, row_id: int = 0) -> AsyncIterator[Row]:
        assert row_id == 0
        yield Row(self.spooled)

    async def read(self) -> Known:
        return await read_latest(self, self, ["pump", "availability"], NOW)


def availability(state: str, cause: str, at: int) -> dict[str, tuple[int, FieldValue]]:
    return {"online": (at, int(state == "online")), "state": (at, state), "cause": (at, cause)}


def bring_back(known: Known, *devices: Device) -> tuple[Fleet, Ears, list[LivenessChange]]:
    fleet, ears = Fleet({"pump": PUMP}), Ears(NOW)
    return fleet, ears, restore_devices(devices, fleet, [ears], {"pump": PUMP}, known)


P1 = Device(device="p1", family="pump", registered_at=NOW - 1_000)


async def test_values_come_from_the_store_and_newer_ones_from_the_spool() -> None:
    """What was accepted and not yet stored is known all the same."""
    spooled = [
        Point.of("pump", (("device", "p1"),), {"temp_c": 30.0}, NOW - 5),
        Point.of("pump", (("device", "p2"),), {"temp_c": 1.0}, NOW - 99),
    ]
    stored: dict[str, Latest] = {"pump": {"p1": {"temp_c": (NOW - 50, 20.0)}, "p2": {"temp_c": (NOW - 9, 2.0)}}}
    known = await Past(stored, spooled).read()
    assert known.complete
    assert known.latest["pump"] == {"p1": {"temp_c": (NOW - 5, 30.0)}, "p2": {"temp_c": (NOW - 9, 2.0)}}


async def test_device_that_the_store_could_not_tell_of_is_unknown_not_never_seen() -> None:
    """A start without the store must not report the whole province as never seen."""
    past = Past()
    known = await past.read()
    assert not known.complete
    assert past.asked == ["pump"]
    _, ears, said = bring_back(known, P1)
    assert said == []
    assert ears.liveness.state("p1") is Liveness.UNKNOWN


async def test_store_that_hangs_holds_up_the_start_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """And counts as away."""
    monkeypatch.setattr(restore, "READ_TIMEOUT_S", 0.02)
    past = Past({})
    past.hangs = True
    assert not (await past.read()).complete


async def test_device_that_was_offline_is_so_with_the_same_cause() -> None:
    """It stays offline until heard; what the board says of it does not change by our restart."""
    stored: dict[str, Latest] = {
        "pump": {"p1": {"temp_c": (NOW - 90_000, 20.0)}},
        "availability": {"p1": availability("offline", "will", NOW - 60_000)},
    }
    fleet, ears, said = bring_back(await Past(stored).read(), P1)
    assert said == [LivenessChange("p1", "pump", Liveness.OFFLINE, Cause.WILL, NOW - 60_000, NOW - 90_000)]
    assert (ears.liveness.state("p1"), ears.liveness.cause("p1")) == (Liveness.OFFLINE, Cause.WILL)
    views = FleetViews(fleet, {"pump": PUMP}, state_of=ears.liveness.state, last_seen_of=lambda _: None, has_serious_alarm=lambda _: False)
    view = views.device("p1", NOW)
    assert view is not None
    assert view.sample == {"temp_c": 20.0}


async def test_device_that_was_online_is_unknown_until_heard() -> None:
    """We have not listened since."""
    stored: dict[str, Latest] = {
        "pump": {"p1": {"temp_c": (NOW - 9_000, 20.0)}},
        "availability": {"p1": availability("online", "arrival", NOW - 60_000)},
    }
    _, ears, said = bring_back(await Past(stored).read(), P1)
    assert said == []
    assert (ears.liveness.state("p1"), ears.liveness.last_arrival("p1")) == (Liveness.UNKNOWN, NOW - 9_000)


async def test_registered_device_never_heard_is_offline_and_a_held_one_unknown() -> None:
    """Since its import; nothing is said of it before it could have been heard."""
    _, ears, said = bring_back(await Past({}).read(), P1, Device(device="x", family="pump", approved=False))
    assert said == []
    assert ears.liveness.state("p1") is Liveness.OFFLINE
    assert ears.liveness.state("x") is Liveness.UNKNOWN


async def test_devices_whose_family_is_declared_no_longer_are_left_out() -> None:
    """The others are there."""
    fleet, _, _ = bring_back(await Past({}).read(), Device(device="b1", family="boat"), P1)
    assert [device.device for device in fleet.devices()] == ["p1"]
