"""Which points are surely points of their own, where several may tell of one device.

Two sources that hear one device give one point twice; so do two families of one device id with their events, whose points are
told apart by device and name alone. Whoever came first counts; what the others tell may be a point of its own or not.
"""

MOST = 200_000


class Claims:
    """One for all sources; bounded, and what finds no room is not sure."""

    def __init__(self, most: int = MOST) -> None:
        self._first: dict[tuple[str, str], tuple[str, str]] = {}
        self._most = most

    def take(self, measurement: str, device: str, by: tuple[str, str]) -> bool:
        """Whether a measurement's points of a device are this (source, family)'s."""
        key = measurement, device
        first = self._first.get(key)
        if first is None and len(self._first) < self._most:
            first = self._first[key] = by
        return first == by
