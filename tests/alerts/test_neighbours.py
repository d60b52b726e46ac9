"""What devices have in common, by registry and by what they tell."""

from alerts.neighbours import Neighbours
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device
from ruling.stage import FAMILIES, NOON, sample

BY = ("unit", "feeder", "carrier", "family")


def neighbours(*devices: Device, offline: tuple[str, ...] = ()) -> tuple[Neighbours, Fleet]:
    """Of these devices, some of them offline."""
    fleet = Fleet(FAMILIES)
    for device in devices:
        fleet.place(device)
    return Neighbours(fleet, FAMILIES, by=BY, state_of=lambda name: Liveness.OFFLINE if name in offline else Liveness.ONLINE), fleet


def test_label_of_the_registry_holds_before_what_the_device_tells() -> None:
    """Without one the metric of that name counts; what nobody knows is left out."""
    one = Device(device="d1", family="speaker", unit="u1", labels={"feeder": "471-E4"})
    two = Device(device="d2", family="speaker", labels={"carrier": "vinaphone", "colour": "red"})
    found, fleet = neighbours(one, two)
    for name in ("d1", "d2"):
        fleet.update(sample(NOON, name, carrier="viettel"))
    assert found.attributes("d1") == {"unit": "u1", "feeder": "471-E4", "carrier": "viettel", "family": "speaker"}
    assert found.attributes("d2") == {"carrier": "vinaphone", "family": "speaker"}
    assert found.attributes("nobody") == {}
    assert [found.label("d1", key) for key in ("unit", "feeder", "carrier", "colour", "volume")] == ["u1", "471-E4", "viettel", None, None]
    assert [found.label("d2", key) for key in ("unit", "carrier", "colour")] == [None, "vinaphone", "red"]
    assert found.label("nobody", "unit") is None


def test_counts_approved_devices_that_stand() -> None:
    """Held ones take no part, and what was offline before can't fall."""
    devices = [Device(device=f"d{n}", family="network_site", unit=f"u{n % 2}", approved=n != 0) for n in range(6)]
    found, _ = neighbours(*devices, offline=("d1",))
    assert found.standing() == {("unit", "u0"): 2, ("unit", "u1"): 2, ("family", "network_site"): 4}
