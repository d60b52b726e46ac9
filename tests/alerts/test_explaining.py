"""What the fallen have in common."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.explaining import Explanation, explain

ORDER = ("unit", "feeder", "carrier")


def found(fallen: Mapping[str, Mapping[str, str]], standing: Mapping[tuple[str, str], int] | None = None) -> Explanation | None:
    """The explanation from five members and a share of 30 % on."""
    return explain(fallen, standing or {}, order=ORDER, members=5, share=0.3)


def devices(count: int, prefix: str = "d", **attributes: str) -> dict[str, dict[str, str]]:
    """So many devices with these attributes."""
    return {f"{prefix}{n}": attributes for n in range(count)}


@pytest.mark.parametrize(
    ("fallen", "standing", "value"),
    [
        pytest.param(devices(4, unit="a"), {}, None, id="too few"),
        pytest.param(devices(5, unit="a"), {}, ("unit", "a"), id="just enough"),
        pytest.param(devices(5, unit="a"), {("unit", "a"): 12}, None, id="too small a part of those that share it"),
        pytest.param(devices(5, unit="a"), {("unit", "a"): 11}, ("unit", "a"), id="just that part"),
        pytest.param(devices(9), {}, None, id="nothing is known of them"),
        pytest.param(
            devices(15, unit="a", carrier="v"), {("carrier", "v"): 20}, ("unit", "a"), id="what explains as many with fewer that stand"
        ),
        pytest.param(
            {**devices(15, "a", unit="a", feeder="f"), **devices(15, "b", unit="b", feeder="f")},
            {("feeder", "f"): 3},
            ("feeder", "f"),
            id="what explains more, though a few stand",
        ),
        pytest.param(
            {**devices(15, "a", unit="a", feeder="f"), **devices(1, "b", unit="b", feeder="f")},
            {("feeder", "f"): 40},
            ("unit", "a"),
            id="one more is not worth forty that stand",
        ),
    ],
)
def test_explains_most(fallen: dict[str, dict[str, str]], standing: dict[tuple[str, str], int], value: tuple[str, str] | None) -> None:
    """Enough of the fallen, a good part of those that share it, and of such values the likeliest."""
    explanation = found(fallen, standing)
    assert (None if explanation is None else (explanation.attribute, explanation.value)) == value


def test_names_what_explains_it_as_well_in_the_declared_order() -> None:
    """The same devices share a unit, a feeder and a carrier: the first one holds, the others are told too."""
    explanation = found(devices(6, unit="a", feeder="f", carrier="v"))
    assert explanation is not None
    assert (explanation.attribute, explanation.also) == ("unit", (("feeder", "f"), ("carrier", "v")))


def test_counts_what_it_explains() -> None:
    """Members, those that could have fallen, and all that fell."""
    explanation = found({**devices(6, unit="a"), **devices(2, "x", unit="b")}, {("unit", "a"): 4})
    assert explanation is not None
    assert (explanation.fallen, explanation.exposed, explanation.of) == (6, 10, 8)


@given(
    fallen=st.dictionaries(st.integers(0, 30).map(str), st.fixed_dictionaries({name: st.sampled_from("ab") for name in ORDER}), min_size=5),
    standing=st.dictionaries(st.tuples(st.sampled_from(ORDER), st.sampled_from("ab")), st.integers(0, 30)),
    data=st.data(),
)
def test_order_of_the_fallen_does_not_matter(
    fallen: dict[str, dict[str, str]], standing: dict[tuple[str, str], int], data: st.DataObject
) -> None:
    """The same devices give the same explanation, and it holds what it promises."""
    shuffled = dict(data.draw(st.permutations(list(fallen.items()))))
    explanation = found(fallen, standing)
    assert found(shuffled, standing) == explanation
    if explanation is not None:
        assert explanation.fallen >= 5
        assert explanation.fallen >= 0.3 * explanation.exposed
