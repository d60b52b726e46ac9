"""One point, one line, and the line says nothing else than the point."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harm.line_reader import Reader
from ioc.adapters.line_protocol import LineEncoder
from ioc.domain.point import FieldValue, Point

_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
_NAME = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=10).filter(
    lambda name: "\\" not in name and not name.startswith("#") and name not in {"time", "_field", "_measurement"}
)
_TAG = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(lambda text: not text.endswith("\\"))
_VALUE = st.one_of(_TEXT, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
_POINT = st.builds(
    Point, _NAME, st.dictionaries(_NAME, _TAG, max_size=3).map(lambda tags: tuple(sorted(tags.items()))),
    st.dictionaries(_NAME, _VALUE, min_size=1, max_size=4), st.integers(-(10**12), 10**12),
)  # fmt: skip


@settings(deadline=None)
@given(points=st.lists(_POINT, min_size=1, max_size=5))
def test_lines_read_back_are_the_points(points: list[Point]) -> None:
    """n points, n lines, equal values and types, over all of Unicode."""
    encoder = LineEncoder()
    body = b"\n".join(encoder.line(point) for point in points)
    found = Reader(body.decode()).points()
    assert found == points
    assert [[type(value) for value in point.fields.values()] for point in found] == [
        [type(value) for value in point.fields.values()] for point in points
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1i"), (True, "1i"), (-(2**63), "-9223372036854775808i"), (1.0, "1.0"), (-0.0, "-0.0"), (1e22, "1e+22"), (5e-324, "5e-324"),
        ("", '""'), ('a"b\\', '"a\\"b\\\\"'), ("hai\ndòng", '"hai\ndòng"'),
    ],
)  # fmt: skip
def test_value_is_written_by_its_type(value: FieldValue, text: str) -> None:
    """The first value ever written fixes a field's type in the store."""
    assert LineEncoder().line(Point("m", (("device", "a"),), {"v": value}, 5)) == f"m,device=a v={text} 5".encode()


def test_keys_are_escaped_and_empty_tags_left_out() -> None:
    """Comma, equals sign and space."""
    point = Point("m m,m=m", (("a", ""), ("b b", "x, y=z")), {"f=,f f": 1}, 0)
    assert LineEncoder().line(point) == rb"m\ m\,m=m,b\ b=x\,\ y\=z f\=\,f\ f=1i 0"


@pytest.mark.parametrize(
    "point",
    [
        Point("m", (), {}, 0),
        Point("", (), {"v": 1}, 0),
        Point("#m", (), {"v": 1}, 0),
        Point("m\\", (), {"v": 1}, 0),
        Point("m\n", (), {"v": 1}, 0),
        Point("m", (("device", "a\nm v=1"),), {"v": 1}, 0),
        Point("m", (("device", "a\\"),), {"v": 1}, 0),
        Point("m", (("", "a"),), {"v": 1}, 0),
        Point("m", (("time", "a"),), {"v": 1}, 0),
        Point("m", (("device", "a" * 70_000),), {"v": 1}, 0),
        Point("m", (), {"": 1}, 0),
        Point("m", (), {"time": 1}, 0),
        Point("m", (), {"v\n": 1}, 0),
        Point("m", (), {"v": float("nan")}, 0),
        Point("m", (), {"v": float("inf")}, 0),
        Point("m", (), {"v": 2**63}, 0),
        Point("m", (), {"v": -(2**63) - 1}, 0),
        Point("m", (), {"v": "\udc80"}, 0),
        Point("m", (), {"v": None}, 0),  # type: ignore[dict-item]
        Point("m", (), {"v": 1}, 2**62),
    ],
)
def test_what_no_line_can_say_is_refused(point: Point) -> None:
    """Never written as something else."""
    with pytest.raises(ValueError, match=r".+"):
        LineEncoder().line(point)
