"""Copies of what was said, however many and however late, change neither what is stored nor what was alarmed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harm.copies import compare


@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_copies_shuffled_and_hours_late_change_nothing(seed: int) -> None:
    """Ten copies of each message, up to six hours late: the same points (`lag_ms` aside) and the same alarm history."""
    clean, noisy = compare(seed)
    assert noisy.points == clean.points
    assert noisy.journal == clean.journal
    assert clean.journal
    assert noisy.outcomes["stored"] > clean.outcomes["stored"]
