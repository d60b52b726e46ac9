"""What devices have in common: unit, labels of the registry, and metrics that say the same of the device. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from alerts.explaining import Shared
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device


class Neighbours:
    """Attributes of the devices as known now; a label of the registry holds before the metric of that name."""

    def __init__(
        self, fleet: Fleet, families: Mapping[str, Family], *, by: Sequence[str], state_of: Callable[[str], Liveness | None]
    ) -> None:
        self._fleet = fleet
        self._by = tuple(by)
        self._state_of = state_of
        self._told = {name: [one for one in by if one in family.index] for name, family in families.items()}
        """Family → attributes that its devices tell themselves."""

    def attributes(self, device: str) -> dict[str, str]:
        """Attribute → value, of those that are known."""
        known = self._fleet.device(device)
        return {} if known is None else self._of(known)

    def label(self, device: str, key: str) -> str | None:
        """What a device's unit, label or metric says; None = nothing."""
        known = self._fleet.device(device)
        if known is None:
            return None
        value = known.unit if key == "unit" else known.labels.get(key) or self._fleet.value(device, key)
        return None if value in {None, ""} else str(value)

    def standing(self) -> Mapping[Shared, int]:
        """How many approved devices that are not offline have each value."""
        counts: Counter[Shared] = Counter()
        for device in self._fleet.devices():
            if device.approved and self._state_of(device.device) is not Liveness.OFFLINE:
                counts.update(self._of(device).items())
        return counts

    def _of(self, device: Device) -> dict[str, str]:
        told = {name: self._fleet.value(device.device, name) for name in self._told.get(device.family, ())}
        found = {**told, **device.labels, "unit": device.unit, "family": device.family}
        return {name: str(found[name]) for name in self._by if found.get(name) not in {None, ""}}
