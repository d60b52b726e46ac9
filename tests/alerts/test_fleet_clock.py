"""Our own clock is set: devices that seem off by the same all at once are not."""

from alerts.fleet_clock import CLOCK_OFF, FleetClock
from alerts.inputs import ClockStep
from ioc.domain.sample import ClockOffset

NOW = 1_700_000_000_000
FLEET = [f"d{n}" for n in range(9)]


def told(fleet: FleetClock, offset: int, *, by: list[str], at: int = NOW) -> list[tuple[str, int | None]]:
    """What is said of our own clock while these devices tell their offset."""
    said = [fleet.take(ClockOffset("speaker", device, offset, at)) for device in by]
    return [(one.rule, one.since) for one in said if one is not None]


def test_step_is_ours_until_most_devices_agree_with_our_clock() -> None:
    """Set wrongly it is an alarm about us, and devices are judged without it; set back, it is over."""
    fleet = FleetClock()
    assert told(fleet, 0, by=FLEET) == [(CLOCK_OFF, None)]
    assert fleet.stepped(ClockStep(NOW, 3_600_000)).since == NOW
    assert told(fleet, 3_600_000, by=FLEET) == []
    assert fleet.ours == 3_600_000
    assert fleet.stepped(ClockStep(NOW + 9, -3_600_000)).since is None
    assert fleet.ours == 0


def test_step_that_mends_our_clock_is_forgotten_once_most_devices_agree() -> None:
    """All were off before, none is after; a few that tell first decide nothing."""
    fleet = FleetClock()
    told(fleet, -3_600_000, by=FLEET)
    fleet.stepped(ClockStep(NOW, 3_600_000))
    assert told(fleet, 0, by=FLEET[:4]) == []
    assert fleet.ours == 3_600_000
    assert told(fleet, 0, by=FLEET[4:5], at=NOW + 60_000) == [(CLOCK_OFF, None)]
    assert fleet.ours == 0


def test_small_step_is_no_alarm() -> None:
    """Below the limit of devices' clocks there is nothing to keep apart."""
    fleet = FleetClock()
    told(fleet, 0, by=FLEET)
    assert fleet.stepped(ClockStep(NOW, 6_000)).since is None
    assert fleet.ours == 0


def test_vendor_whose_devices_are_all_off_is_not_taken_for_our_clock() -> None:
    """Without a step of ours there is nothing of ours in it, however many agree."""
    fleet = FleetClock()
    told(fleet, 25_200_000, by=FLEET)
    assert fleet.ours == 0
    fleet.stepped(ClockStep(NOW, 3_600_000))
    told(fleet, 28_800_000, by=FLEET)
    assert fleet.ours == 3_600_000


def restarted(fleet: FleetClock) -> FleetClock:
    """A new one that takes up the row."""
    again = FleetClock()
    row = fleet.take_row()
    assert row is not None
    if row.phase != "inactive":
        again.restore(row)
    return again


def test_step_outlasts_a_restart() -> None:
    """It takes as many devices as before to outvote it, not the first one that is heard; what is forgotten stays so."""
    fleet = FleetClock()
    told(fleet, 0, by=FLEET)
    fleet.stepped(ClockStep(NOW, 3_600_000))
    fleet = restarted(fleet)
    assert told(fleet, 3_600_000, by=FLEET[:2]) == []
    assert fleet.ours == 3_600_000
    assert fleet.take_row() is None
    assert told(fleet, 0, by=FLEET[:5]) == [(CLOCK_OFF, None)]
    assert restarted(fleet).ours == 0
