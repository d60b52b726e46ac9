"""Series as rule tests write them."""

import pytest

from alerts.proving.notation import MAX_STEPS, STALE, Step, parse_series, typed
from ruling.stage import FAMILIES

METRICS = {metric.name: metric for metric in FAMILIES["speaker"].metrics}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("0x3 1 2 _ stale", ["0", "0", "0", "0", "1", "2", None, STALE]),
        ("1+2x3", ["1", "3", "5", "7"]),
        ("0.5-0.25x2", ["0.50", "0.25", "0.00"]),
        ("-80x1", ["-80", "-80"]),
        ("_x3 7", [None, None, None, "7"]),
        ("playingx1 idle", ["playing", "playing", "idle"]),
        ('"Bản tin"x1 "a b"', ["Bản tin", "Bản tin", "a b"]),
        ("4g", ["4g"]),
    ],
)
def test_series_is_written_out_as_promtool_does(text: str, steps: list[Step]) -> None:
    """`ax3` is four values, `_x3` three missing ones."""
    assert list(parse_series(text)) == steps


@pytest.mark.parametrize("text", ["", f"1x{MAX_STEPS}"])
def test_series_refuses_what_is_empty_or_without_bound(text: str) -> None:
    """Nothing that fills the memory, nothing that says nothing."""
    with pytest.raises(ValueError, match="series"):
        parse_series(text)


def test_values_get_the_types_of_the_family() -> None:
    """Floats, whole numbers, truths and texts; what is missing stays so."""
    assert typed(METRICS["audio_dbfs"], ("-80", None, STALE)) == [-80.0, None, STALE]
    assert typed(METRICS["volume"], ("70",)) == [70]
    assert typed(METRICS["door_open"], ("true", "0")) == [1, 0]
    assert typed(METRICS["bulletin"], ("Bản tin",)) == ["Bản tin"]


@pytest.mark.parametrize(
    ("metric", "text", "complaint"),
    [
        ("volume", "x", "of the type int"),
        ("state", "plaing", "not one of"),
        ("volume", "101", "range"),
        ("door_open", "ja", "bool"),
    ],
)
def test_value_that_the_family_would_refuse_is_a_mistake(metric: str, text: str, complaint: str) -> None:
    """A test must not try what no device can tell."""
    with pytest.raises(ValueError, match=complaint):
        typed(METRICS[metric], (text,))
