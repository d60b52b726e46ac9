"""One point, one line, and the line says nothing else than the point."""

import re

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
    Point.of, _NAME, st.dictionaries(_NAME, _TAG, max_size=3).map(lambda tags: tuple(sorted(tags.items()))),
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


_KINDS = {
    "text": st.one_of(_TEXT, st.just("\udc80")),
    "whole": st.one_of(st.integers(-(2**63) - 1, 2**63), st.integers(-9, 9)),
    "number": st.floats(),
    "mixed": st.one_of(st.integers(-9, 9), st.floats(-1, 1), st.booleans()),
}


@st.composite
def _alike(draw: st.DrawFn) -> list[Point]:
    """Points with the same names, whatever they hold; some fields are missing."""
    names = tuple(draw(st.lists(_NAME, min_size=1, max_size=4, unique=True)))
    kinds = [draw(st.sampled_from(list(_KINDS.values()))) for _ in names]
    rows = draw(st.lists(st.tuples(*[st.one_of(st.none(), kind) for kind in kinds]), min_size=1, max_size=6))
    times = st.one_of(st.integers(-(10**12), 10**12), st.just(2**62))
    return [Point("m %", (("device", draw(_TAG)),), names, row, draw(times)) for row in rows]


@settings(deadline=None)
@given(points=_alike(), others=st.lists(_POINT, max_size=2))
def test_points_written_together_read_back_as_those_written_alone(points: list[Point], others: list[Point]) -> None:
    """Each says what it says alone, and what alone is refused is refused, for the same reason; no other point is."""
    encoder = LineEncoder()
    everything = [*points, *others]
    for point, line in zip(everything, encoder.lines(everything), strict=True):
        (alone,) = LineEncoder().lines([point])
        if isinstance(line, bytes):
            assert isinstance(alone, bytes)
            assert Reader(line.decode()).points() == Reader(encoder.line(point).decode()).points() == [point]
        else:
            assert str(line) == str(alone)
            with pytest.raises(ValueError, match=re.escape(str(line))):
                encoder.line(point)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1i"), (True, "1i"), (-(2**63), "-9223372036854775808i"), (1.0, "1.0"), (-0.0, "-0.0"), (1e22, "1e+22"), (5e-324, "5e-324"),
        ("", '""'), ('a"b\\', '"a\\"b\\\\"'), ("hai\ndòng", '"hai\ndòng"'),
    ],
)  # fmt: skip
def test_value_is_written_by_its_type(value: FieldValue, text: str) -> None:
    """The first value ever written fixes a field's type in the store."""
    assert LineEncoder().line(Point.of("m", (("device", "a"),), {"v": value}, 5)) == f"m,device=a v={text} 5".encode()


def test_keys_are_escaped_and_empty_tags_left_out() -> None:
    """Comma, equals sign and space."""
    point = Point.of("m m,m=m", (("a", ""), ("b b", "x, y=z")), {"f=,f f": 1}, 0)
    assert LineEncoder().line(point) == rb"m\ m\,m=m,b\ b=x\,\ y\=z f\=\,f\ f=1i 0"


@pytest.mark.parametrize(
    "point",
    [
        Point.of("m", (), {}, 0),
        Point.of("", (), {"v": 1}, 0),
        Point.of("#m", (), {"v": 1}, 0),
        Point.of("m\\", (), {"v": 1}, 0),
        Point.of("m\n", (), {"v": 1}, 0),
        Point.of("m", (("device", "a\nm v=1"),), {"v": 1}, 0),
        Point.of("m", (("device", "a\\"),), {"v": 1}, 0),
        Point.of("m", (("", "a"),), {"v": 1}, 0),
        Point.of("m", (("time", "a"),), {"v": 1}, 0),
        Point.of("m", (("device", "a" * 70_000),), {"v": 1}, 0),
        Point.of("m", (), {"": 1}, 0),
        Point.of("m", (), {"time": 1}, 0),
        Point.of("m", (), {"v\n": 1}, 0),
        Point.of("m", (), {"v": float("nan")}, 0),
        Point.of("m", (), {"v": float("inf")}, 0),
        Point.of("m", (), {"v": 2**63}, 0),
        Point.of("m", (), {"v": -(2**63) - 1}, 0),
        Point.of("m", (), {"v": "\udc80"}, 0),
        Point.of("m", (), {"v": None}, 0),  # type: ignore[dict-item]
        Point.of("m", (), {"v": 1}, 2**62),
    ],
)
def test_what_no_line_can_say_is_refused(point: Point) -> None:
    """Never written as something else."""
    with pytest.raises(ValueError, match=r".+"):
        LineEncoder().line(point)
