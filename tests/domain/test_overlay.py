"""New values over old ones."""

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.overlay import Values, overlay

value = st.one_of(st.none(), st.none(), st.integers(-3, 3), st.floats(-1, 1), st.text(max_size=2))
rows = st.integers(1, 7).flatmap(lambda size: st.lists(st.tuples(*[value] * size), min_size=2, max_size=12))


@given(rows)
def test_what_holds_is_the_newest_of_each_value(told: list[Values]) -> None:
    """Whatever is left out, and in whatever order of shapes."""
    held = told[0]
    for values in told[1:]:
        expected = tuple(old if new is None else new for new, old in zip(values, held, strict=True))
        held = overlay(values, held)
        assert held == expected


def test_message_that_leaves_out_what_was_never_told_is_taken_as_it_is() -> None:
    """So that a device's values are kept once, not once a reader."""
    first: Values = (1.5, None, "on", None)
    second: Values = (2.5, None, "off", None)
    overlay(first, (None,) * 4)
    assert overlay(second, first) is second
