"""The tree of units as of a date."""

from ioc.domain.registry import Unit
from ioc.domain.units import UnitTree, overlaps, uncovered_from, valid_on


def unit(name: str, parent: str | None = None, start: str = "2025-07-01", end: str | None = None) -> Unit:
    """A unit that is called by its id."""
    return Unit(unit=name, code=name, valid_from=start, valid_to=end, name=name, parent=parent)


THREE_TIERS = (
    unit("province", start="1997-01-01"),
    unit("district", "province", start="1997-01-01", end="2025-07-01"),
    unit("commune", "district", start="1997-01-01", end="2025-07-01"),
    unit("commune", "province", start="2025-07-01"),
)


def ids(units: list[Unit]) -> list[str]:
    """Their ids, in order."""
    return [one.unit for one in units]


def test_unit_is_valid_from_its_first_day_to_the_day_before_its_end() -> None:
    """`valid_from` is included, `valid_to` is not."""
    row = unit("a", start="2020-01-01", end="2025-07-01")
    assert [valid_on(row, day) for day in ("2019-12-31", "2020-01-01", "2025-06-30", "2025-07-01")] == [False, True, True, False]


def test_tree_answers_as_of_the_date_asked_for_when_a_tier_is_abolished() -> None:
    """Before the reform a commune stands below its district, afterwards below the province."""
    tree = UnitTree(THREE_TIERS)
    assert ids(tree.ancestors("commune", "2025-06-30")) == ["district", "province"]
    assert ids(tree.ancestors("commune", "2025-07-01")) == ["province"]
    assert ids(tree.children("province", "2025-06-30")) == ["district"]
    assert ids(tree.children("province", "2025-07-01")) == ["commune"]
    assert ids(tree.descendants("province", "2025-06-30")) == ["district", "commune"]
    assert ids(tree.roots("2025-07-01")) == ["province"]
    assert tree.get("district", "2025-07-01") is None
    assert [row.parent for row in tree.rows("commune")] == ["district", "province"]
    assert "district" in tree
    assert "nowhere" not in tree


def test_unit_without_a_valid_parent_is_a_root() -> None:
    """Nobody falls out of the tree because a parent has ended."""
    tree = UnitTree((unit("gone", end="2025-08-01"), unit("left", "gone")))
    assert ids(tree.roots("2025-09-01")) == ["left"]
    assert tree.ancestors("left", "2025-09-01") == []


def test_tree_walks_end_when_units_stand_in_a_circle() -> None:
    """Wrong data never hangs a walk, and the circle can be named."""
    tree = UnitTree((unit("a", "b"), unit("b", "c"), unit("c", "a"), unit("d", "a")))
    assert ids(tree.ancestors("a", "2026-01-01")) == ["b", "c"]
    assert sorted(ids(tree.descendants("a", "2026-01-01"))) == ["b", "c", "d"]
    assert tree.circle("a", "2026-01-01") == ["a", "b", "c"]
    assert tree.circle("d", "2026-01-01") is None


def test_uncovered_from_names_the_first_day_without_a_row() -> None:
    """Rows that touch cover without a gap; an open end covers for ever."""
    first, second = unit("p", start="2020-01-01", end="2022-01-01"), unit("p", start="2022-01-01", end="2024-01-01")
    assert uncovered_from((second, first), "2020-06-01", "2024-01-01") is None
    assert uncovered_from((second, first), "2020-06-01", None) == "2024-01-01"
    assert uncovered_from((second,), "2021-01-01", None) == "2021-01-01"
    assert uncovered_from((unit("p"),), "2025-07-01", None) is None
    assert not overlaps(first, second)
    assert overlaps(first, unit("p", start="2021-12-31"))
