"""The tree of administrative units as of a date: provinces and communes, districts between them where there are any."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ioc.domain.registry import Unit

FOREVER = "9999-12-31"
"""Stands for an open end: ISO dates compare as text."""


def valid_on(unit: Unit, date: str) -> bool:
    """Whether this row holds on an ISO date: `valid_from` included, `valid_to` not."""
    return unit.valid_from <= date < (unit.valid_to or FOREVER)


def overlaps(one: Unit, other: Unit) -> bool:
    """Whether two rows hold on a common day."""
    return one.valid_from < (other.valid_to or FOREVER) and other.valid_from < (one.valid_to or FOREVER)


def uncovered_from(rows: Iterable[Unit], start: str, end: str | None) -> str | None:
    """The first date in [start, end) on which none of the rows holds, or None; `end` None = without end."""
    reached = start
    for row in sorted(rows, key=lambda row: row.valid_from):
        if row.valid_from > reached:
            break
        reached = max(reached, row.valid_to or FOREVER)
    return None if reached >= (end or FOREVER) else reached


class UnitTree:
    """Rows of units by id; every question names the date it is asked for.

    Parents that are unknown or not valid on the date end a walk upwards; a circle ends it too, at the first unit met twice.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self._rows: dict[str, list[Unit]] = defaultdict(list)
        self._below: dict[str | None, list[Unit]] = defaultdict(list)
        for unit in sorted(units, key=lambda unit: (unit.unit, unit.valid_from)):
            self._rows[unit.unit].append(unit)
            self._below[unit.parent].append(unit)

    def __contains__(self, unit: str) -> bool:
        return unit in self._rows

    def ids(self) -> Iterator[str]:
        """Every unit id, whether valid today or not."""
        return iter(self._rows)

    def rows(self, unit: str) -> tuple[Unit, ...]:
        """All rows of a unit, earliest first."""
        return tuple(self._rows.get(unit, ()))

    def on(self, date: str) -> list[Unit]:
        """Every unit valid on the date, by id."""
        return [row for rows in self._rows.values() for row in rows if valid_on(row, date)]

    def get(self, unit: str, date: str) -> Unit | None:
        """The unit as it is on the date, or None."""
        return next((row for row in self._rows.get(unit, ()) if valid_on(row, date)), None)

    def roots(self, date: str) -> list[Unit]:
        """Units valid on the date that have no parent valid then, by id."""
        return [row for row in self.on(date) if row.parent is None or self.get(row.parent, date) is None]

    def children(self, unit: str, date: str) -> list[Unit]:
        """Units directly below, by id."""
        return [row for row in self._below.get(unit, ()) if valid_on(row, date)]

    def ancestors(self, unit: str, date: str) -> list[Unit]:
        """The units above, nearest first, without the unit itself."""
        found: list[Unit] = []
        met = {unit}
        row = self.get(unit, date)
        while row is not None and row.parent is not None and row.parent not in met:
            met.add(row.parent)
            row = self.get(row.parent, date)
            if row is not None:
                found.append(row)
        return found

    def descendants(self, unit: str, date: str) -> list[Unit]:
        """All units below, tier by tier, without the unit itself."""
        found: list[Unit] = []
        met = {unit}
        tier = self.children(unit, date)
        while tier:
            fresh = [row for row in tier if row.unit not in met]
            met.update(row.unit for row in fresh)
            found += fresh
            tier = [below for row in fresh for below in self.children(row.unit, date)]
        return found

    def circle(self, unit: str, date: str) -> list[str] | None:
        """The ids of a circle of parents that contains the unit on the date, or None."""
        path = [unit]
        row = self.get(unit, date)
        while row is not None and row.parent is not None:
            if row.parent == unit:
                return path
            if row.parent in path:
                return None
            path.append(row.parent)
            row = self.get(row.parent, date)
        return None
