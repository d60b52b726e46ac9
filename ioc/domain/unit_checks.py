"""What can be wrong with units taken together: overlapping validity, missing parents, circles."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

from ioc.domain.nearest import Nearest
from ioc.domain.registry import RowError, Unit
from ioc.domain.units import UnitTree, overlaps, uncovered_from

Lines = Mapping[tuple[str, str], int]
"""(unit, valid_from) → line of the file that is being imported."""


def check_units(units: Iterable[Unit], lines: Lines, broken: Collection[str] = ()) -> list[RowError]:
    """Errors of a registry as it would be after an import, each at the line of the file that causes it.

    `broken` names units whose rows couldn't be read: references to them are not complained about.
    """
    rows = tuple(units)
    tree = UnitTree(rows)
    return [*_overlapping(tree, lines), *_codes(rows, lines), *_parents(tree, rows, lines, broken), *_circles(tree, rows, lines)]


def _overlapping(tree: UnitTree, lines: Lines) -> Iterator[RowError]:
    for unit in tree.ids():
        rows = tree.rows(unit)
        for earlier, later in pairwise(rows):
            line = _line(lines, later) or _line(lines, earlier)
            if line and overlaps(earlier, later):
                detail = (
                    f"unit {unit!r} is valid from {earlier.valid_from} and again from {later.valid_from} without having ended; "
                    f"write valid_to {later.valid_from} in the earlier row"
                )
                yield RowError(line, detail)


def _codes(rows: Iterable[Unit], lines: Lines) -> Iterator[RowError]:
    by_code: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for row in rows:
        if row.code:
            by_code[row.type, row.code].append(row)
    for (_, code), sharing in by_code.items():
        ordered = sorted(sharing, key=lambda row: row.valid_from)
        for earlier, later in pairwise(ordered):
            line = _line(lines, later) or _line(lines, earlier)
            if line and earlier.unit != later.unit and overlaps(earlier, later):
                detail = (
                    f"code {code!r} belongs to {earlier.unit!r} and {later.unit!r} at the same time, from {later.valid_from}; "
                    "end the earlier one by valid_to, or correct the code"
                )
                yield RowError(line, detail)


def _parents(tree: UnitTree, rows: Iterable[Unit], lines: Lines, broken: Collection[str]) -> Iterator[RowError]:
    nearest = Nearest(tree.ids())
    left_behind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.parent is None or row.parent in broken:
            continue
        line = _line(lines, row)
        if row.parent not in tree:
            if line:
                advice = nearest.advice(row.parent) or "add a row for it"
                yield RowError(line, f"parent {row.parent!r} of {row.unit!r} is no unit; {advice}")
            continue
        gap = uncovered_from(tree.rows(row.parent), row.valid_from, row.valid_to)
        if gap is None:
            continue
        if line:
            advice = f"end {row.unit!r} by valid_to {gap}" if gap > row.valid_from else "correct valid_from"
            yield RowError(line, f"parent {row.parent!r} is not valid on {gap}, but {row.unit!r} is; {advice}, or name another parent")
        else:
            left_behind[row.parent, gap].append(row.unit)
    touched = {unit: line for (unit, _), line in lines.items()}
    for (parent, gap), units in left_behind.items():
        if parent in touched:
            others = f" and {len(units) - 1} others" if len(units) > 1 else ""
            detail = (
                f"{units[0]!r}{others} still stand below {parent!r}, which is not valid on {gap}; end them or give them another parent too"
            )
            yield RowError(touched[parent], detail)


def _circles(tree: UnitTree, rows: Iterable[Unit], lines: Lines) -> Iterator[RowError]:
    told: set[frozenset[str]] = set()
    for row in rows:
        # A circle exists from the day its youngest row holds.
        circle = tree.circle(row.unit, row.valid_from)
        line = _line(lines, row)
        if circle is None or not line or frozenset(circle) in told:
            continue
        told.add(frozenset(circle))
        yield RowError(line, f"units stand below themselves: {' < '.join([*circle, circle[0]])}; correct one of their parents")


def _line(lines: Lines, row: Unit) -> int:
    return lines.get((row.unit, row.valid_from), 0)
