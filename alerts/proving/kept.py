"""The last samples of devices that were not told."""

from alerts.proving.strip import Strip, Strips
from ioc.domain.sample import Sample

_BLOCKS = 2
"""The present one and the one before: of a device that is in both, no more need be known."""


class Kept:
    """Of each device all samples of the strips that were put in last, and the last one before."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Strips, set[str]]] = []
        self._older: dict[str, Strip] = {}
        """Of devices that are not in the block before."""

    def put(self, strips: Strips, devices: set[str]) -> None:
        """Keeps the strips of these devices."""
        self._blocks.append((strips, devices))
        if len(self._blocks) > _BLOCKS:
            self._let_go(*self._blocks.pop(0))

    def take(self, device: str) -> Strip | None:
        """A device's last sample; nothing of it is kept any longer. None where there is none."""
        kept = self._older.pop(device, None)
        for strips, devices in self._blocks:
            if device in devices:
                kept = strips.of(device)
                devices.remove(device)
        return None if kept is None else kept.last()

    def before(self, device: str, until: int) -> Sample | None:
        """The last that a device said before a moment."""
        told = [strips.of(device) for strips, devices in reversed(self._blocks) if device in devices]
        if device in self._older:
            told.append(self._older[device])
        return next((sample for strip in told if (sample := strip.before(until)) is not None), None)

    def _let_go(self, strips: Strips, devices: set[str]) -> None:
        """A block that is too old; of what is not in the one after it the last sample stays."""
        _, newer = self._blocks[0]
        self._older.update((device, strips.of(device).last()) for device in devices - newer)
        for device in self._older.keys() & newer:
            del self._older[device]
