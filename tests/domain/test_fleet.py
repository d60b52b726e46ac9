"""The latest state of every device, and how it is counted."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.family import Family
from ioc.domain.fleet import FRESH_CADENCES, Fleet, FleetViews
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import Sample, Value
from ioc.domain.views import FamilyCounts

NOW = 1_700_000_000_000
TEXT = {"vi": "x", "en": "x"}
CADENCE = 10_000
PUMP = Family.model_validate(
    {
        "family": "pump",
        "labels": TEXT,
        "cadence": "10s",
        "metrics": {
            "state": {"type": "enum", "values": ["idle", "fault"], "labels": TEXT},
            "temp_c": {"type": "float", "labels": TEXT, "max": "100"},
            "door_open": {"type": "bool", "labels": TEXT},
        },
    }
)


class Province:
    """A fleet with liveness and alarms set by hand."""

    def __init__(self) -> None:
        self.fleet = Fleet({"pump": PUMP})
        self.states: dict[str, Liveness] = {}
        self.seen: dict[str, int] = {}
        self.alarms: dict[str, dict[str, int]] = {}
        self.views = FleetViews(
            self.fleet,
            {"pump": PUMP},
            state_of=lambda name: self.states.get(name, Liveness.UNKNOWN),
            last_seen_of=self.seen.get,
            has_serious_alarm=lambda name: bool(self.alarms_of(name).keys() & {"critical", "major"}),
        )

    def alarms_of(self, name: str) -> Mapping[str, int]:
        return self.alarms.get(name, {})

    def add(self, name: str, *, unit: str | None = "u1", approved: bool = True, state: Liveness = Liveness.ONLINE) -> None:
        self.fleet.place(Device(device=name, family="pump", unit=unit, approved=approved, registered_at=NOW))
        self.states[name] = state

    def working(self, name: str, now: int = NOW) -> bool | None:
        view = self.views.device(name, now)
        assert view is not None
        return view.working


def sample(ts: int, *values: Value, device: str = "p1", arrival: int | None = None, **more: object) -> Sample:
    told = {"live": True, "refused": (), **more}
    return Sample("pump", device, ts, ts if arrival is None else arrival, values, 0, bool(told["live"]), told["refused"])  # type: ignore[arg-type]


def shown(province: Province) -> dict[str, float | int | str | bool]:
    view = province.views.device("p1", NOW)
    assert view is not None
    return view.sample


def test_value_holds_until_the_next_one_and_bool_shows_as_bool() -> None:
    """A message without a metric says nothing of it."""
    province = Province()
    province.add("p1")
    assert province.fleet.update(sample(NOW, "idle", 20.0, 1))
    assert province.fleet.update(sample(NOW + 1, None, 21.0, None))
    assert shown(province) == {"state": "idle", "temp_c": 21.0, "door_open": True}


def test_older_historical_and_foreign_samples_change_nothing() -> None:
    """Equal or older is no news; neither is another family's device of the same name."""
    province = Province()
    province.add("p1")
    province.fleet.update(sample(NOW, "idle", 20.0, 0))
    assert not province.fleet.update(sample(NOW - 1, "fault", 99.0, 1))
    assert not province.fleet.update(sample(NOW + 1, "fault", 99.0, 1, live=False))
    assert not province.fleet.update(Sample("valve", "p1", NOW + 1, NOW + 1, ("fault", 1.0, 1), 0, live=True))
    assert not province.fleet.update(sample(NOW + 1, "fault", device="stranger"))
    assert shown(province) == {"state": "idle", "temp_c": 20.0, "door_open": False}


def test_messages_of_one_instant_join_and_the_first_word_stays() -> None:
    """A metric that came earlier is replaced by the instant's, one that came at the instant itself is not."""
    province = Province()
    province.add("p1")
    province.fleet.update(sample(NOW, "idle", 20.0, 0))
    province.fleet.update(sample(NOW + 1, None, 30.0, None))
    province.fleet.update(sample(NOW + 1, "fault", 40.0, None))
    assert shown(province) == {"state": "fault", "temp_c": 30.0, "door_open": False}


def test_value_out_of_range_is_shown_until_a_good_one_comes() -> None:
    """Refused for storage, but shown."""
    province = Province()
    province.add("p1")
    province.fleet.update(sample(NOW, "idle", None, None, refused=(("temp_c", 140.0),)))
    view = province.views.device("p1", NOW)
    assert view is not None
    assert view.refused == {"temp_c": 140.0}
    province.fleet.update(sample(NOW + 1, None, 90.0, None))
    view = province.views.device("p1", NOW)
    assert view is not None
    assert view.refused == {}


def test_device_works_while_online_fresh_approved_and_without_fault_or_serious_alarm() -> None:
    """Each of the conditions counts; unknown is neither yes nor no."""
    province = Province()
    province.add("p1")
    assert province.working("p1") is False
    province.fleet.update(sample(NOW, "idle", None, None))
    assert province.working("p1") is True
    assert province.working("p1", NOW + FRESH_CADENCES * CADENCE) is True
    assert province.working("p1", NOW + FRESH_CADENCES * CADENCE + 1) is False
    province.alarms["p1"] = {"minor": 1}
    assert province.working("p1") is True
    province.alarms["p1"] = {"major": 1}
    assert province.working("p1") is False
    province.alarms.clear()
    province.states["p1"] = Liveness.UNKNOWN
    assert province.working("p1") is None
    province.states["p1"] = Liveness.OFFLINE
    assert province.working("p1") is False
    province.states["p1"] = Liveness.ONLINE
    province.fleet.update(sample(NOW + 1, "fault", None, None))
    assert province.working("p1") is False
    province.add("p2", approved=False)
    province.fleet.update(sample(NOW, "idle", None, None, device="p2"))
    assert province.working("p2") is False


def test_device_whose_clock_is_slow_works() -> None:
    """How old its last sample is, is judged by when it came."""
    province = Province()
    province.add("p1")
    province.fleet.update(sample(NOW - 300_000, "idle", None, None, arrival=NOW))
    assert province.working("p1") is True


def test_values_survive_what_the_registry_says_anew_but_not_another_family() -> None:
    """A new name or unit is no new device."""
    province = Province()
    province.add("p1")
    province.fleet.update(sample(NOW, "idle", 20.0, None))
    province.add("p1", unit="u2")
    assert shown(province)["temp_c"] == 20.0
    province.fleet.place(Device(device="p1", family="boat", unit="u1"))
    assert province.fleet.device("p1") is not None
    assert len(province.fleet) == 1


def test_restored_values_are_older_than_any_live_one() -> None:
    """From the store, metric by metric; names that the family lost are left out."""
    province = Province()
    province.add("p1")
    province.fleet.restore("p1", {"temp_c": (NOW - 5, 19.0), "state": (NOW - 9, "idle"), "lag_ms": (NOW, 0)})
    province.fleet.restore("nobody", {"temp_c": (NOW, 1.0)})
    assert shown(province) == {"state": "idle", "temp_c": 19.0}
    assert not province.fleet.update(sample(NOW - 6, None, 1.0, None))
    assert province.fleet.update(sample(NOW - 4, None, 2.0, None))


def test_selection_is_by_id_after_a_cursor_and_limited() -> None:
    """As a page of a list wants it."""
    province = Province()
    for name in ("c", "a", "d", "b"):
        province.add(name, state=Liveness.OFFLINE if name == "b" else Liveness.ONLINE)

    def names(after: str | None, limit: int) -> list[str]:
        found = province.views.select(lambda _, state: state is Liveness.ONLINE, after=after, limit=limit, now=NOW)
        return [view.id for view in found]

    assert names(None, 9) == ["a", "c", "d"]
    assert names(None, 2) == ["a", "c"]
    assert names("a", 1) == ["c"]
    assert names("d", 5) == []


DEVICES = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", None, "gone"]),
        st.booleans(),
        st.sampled_from(list(Liveness)),
        st.booleans(),
        st.sampled_from([{}, {"major": 1}, {"minor": 2}, {"critical": 1, "info": 3}]),
    ),
    max_size=30,
)


@given(DEVICES)
def test_counts_agree_with_the_devices_own_views(devices: list[tuple[str | None, bool, Liveness, bool, dict[str, int]]]) -> None:
    """unit_status, the wall and the device list tell the same story; held devices are not counted."""
    province = Province()
    for number, (unit, approved, state, fresh, alarms) in enumerate(devices):
        name = f"p{number}"
        province.add(name, unit=unit, approved=approved, state=state)
        province.alarms[name] = alarms
        province.seen[name] = NOW + number
        if fresh:
            province.fleet.update(sample(NOW, "idle", None, None, device=name))
    census = province.views.count(NOW, province.alarms_of)
    everyone = province.views.select(lambda _device, _state: True, after=None, limit=100, now=NOW)
    views = [view for view in everyone if view.approved]

    def expected(unit: str | None, *, any_unit: bool = False) -> dict[str, FamilyCounts]:
        mine = [view for view in views if any_unit or view.unit == unit]
        counts = FamilyCounts(
            devices=len(mine),
            online=sum(view.state is Liveness.ONLINE for view in mine),
            working=sum(view.working is True for view in mine),
            unknown=sum(view.state is Liveness.UNKNOWN for view in mine),
            **{severity: sum(province.alarms[view.id].get(severity, 0) for view in mine) for severity in ("critical", "major", "minor")},
        )
        return {"pump": counts} if mine else {}

    units = census.unit_views([Unit(unit=name, code=name, valid_from="2025-07-01", name=name) for name in ("u1", "u2", "u3")])
    assert [view.families for view in units] == [expected("u1"), expected("u2"), {}]
    assert [view.data_at for view in units] == [
        max((view.last_seen or 0 for view in everyone if view.unit == unit), default=None) for unit in ("u1", "u2", "u3")
    ]
    assert census.totals == expected(None, any_unit=True)
    assert {device.device for device, _ in province.views.lives()} == {view.id for view in views}
