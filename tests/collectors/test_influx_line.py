"""Influx line protocol as agents publish it: whatever our own encoder writes is read back, and nothing makes the reader fall."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.dialects.influx_line import Line, merge_lines, read_lines
from collectors.lenient import RefusedError
from ioc.adapters.line_protocol import LineEncoder
from ioc.domain.point import FieldValue, Point
from ioc.domain.sample import Reason

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1), TEXTS)
POINTS = st.builds(
    Point.of,
    measurement=NAMES,
    tags=st.dictionaries(NAMES, NAMES, max_size=3).map(lambda tags: tuple(sorted(tags.items()))),
    fields=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4),
    ts=st.integers(-(2**40), 2**40),
)


@given(st.lists(POINTS, min_size=1, max_size=4))
def test_reads_what_our_encoder_writes(points: list[Point]) -> None:
    """n points, n lines, over all of Unicode; types and times too."""
    encoder, kept = LineEncoder(), []
    lines = []
    for point in points:
        try:
            lines.append(encoder.line(point))
        except ValueError:  # a name that no line protocol can hold
            continue
        kept.append(point)
    if not kept:
        return
    read = read_lines(b"\n".join(lines))
    assert [(line.measurement, tuple(line.tags.items()), dict(line.fields), line.ts) for line in read] == [
        (point.measurement, point.tags, point.fields, point.ts) for point in kept
    ]
    assert [[type(value) for value in line.fields.values()] for line in read] == [
        [type(value) for value in point.fields.values()] for point in kept
    ]


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='ab,= "\\\n#1iut.e-\r', max_size=60).map(str.encode)))
def test_any_bytes_are_lines_or_refused(payload: bytes) -> None:
    """No exception but the refusal."""
    with suppress(RefusedError):
        assert all(line.measurement and line.fields for line in read_lines(payload))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("m a=1,b=2i,c=3u,d=t,e=False", {"a": 1.0, "b": 2, "c": 3, "d": True, "e": False}),
        ('m a="x, y=\\"1\\" \\\\ \\n"', {"a": 'x, y="1" \\ \\n'}),
        ("m a=1e3 ", {"a": 1000.0}),
        ('m a="two\nlines" 5', {"a": "two\nlines"}),
        ("m\\ n,t\\=x=1 a\\,b=-.5\r\n", {"a,b": -0.5}),
    ],
)
def test_reads_every_kind_of_value(text: str, fields: dict[str, FieldValue]) -> None:
    """As InfluxDB 2.7 reads them."""
    (line,) = read_lines(text.encode())
    assert dict(line.fields) == fields


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("m", "a space before the fields at line 1, character 2"),
        ("m a=1\nm a=", "a number, true, false or a text in quotes at line 2, character 5"),
        ('m a="x', "the closing quote at line 1, character 7"),
        ("m a=1 2x", "a space and a time, or the end of the line at line 1, character 6"),
        ("m,t a=1", "= after a name at line 1, character 4"),
        ("m a=NaN", "a number, true, false or a text in quotes at line 1, character 5"),
    ],
)
def test_says_where_it_is_no_line(text: str, where: str) -> None:
    """What was expected, and at which character of which line."""
    with pytest.raises(RefusedError, match=re.escape(where)) as caught:
        read_lines(text.encode())
    assert caught.value.reason is Reason.NOT_LINES


def test_merges_the_lines_of_one_instant() -> None:
    """Fields by measurement and by each tag; tags on which all agree; a field that came twice unlike is a list."""
    lines = [
        Line("cpu", {"host": "h", "cpu": "cpu0"}, {"idle": 1.0}, 7),
        Line("cpu", {"host": "h", "cpu": "cpu1"}, {"idle": 2.0}, None),
    ]
    document, ts = merge_lines(lines)
    assert ts == 7
    assert document == {
        "cpu": {"idle": [1.0, 2.0]},
        "cpu,host=h": {"idle": [1.0, 2.0]},
        "cpu,cpu=cpu0": {"idle": 1.0},
        "cpu,cpu=cpu1": {"idle": 2.0},
        "tags": {"host": "h"},
    }
