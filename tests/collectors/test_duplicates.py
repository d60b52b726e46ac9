"""The ring of recent messages."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.duplicates import MOST, REMEMBERED, WINDOW_MS, RecentMessages

NOW = 1_700_000_000_000


def test_message_is_seen_among_the_last_64_however_old() -> None:
    """A slow device's repetition is found hours later."""
    recent = RecentMessages()
    assert not recent.seen(1, NOW)
    for n in range(REMEMBERED - 1):
        recent.seen(100 + n, NOW + 10 * WINDOW_MS)
    assert recent.seen(1, NOW + 10 * WINDOW_MS)


def test_message_is_seen_within_fifteen_minutes_beyond_64() -> None:
    """A fast device's repetition too."""
    recent = RecentMessages()
    recent.seen(1, NOW)
    for n in range(500):
        recent.seen(100 + n, NOW + n)
    assert recent.seen(1, NOW + WINDOW_MS)
    recent.seen(2, NOW + WINDOW_MS + 1_000)
    assert not recent.seen(1, NOW + WINDOW_MS + 1_000)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300))
def test_ring_agrees_with_a_set_while_nothing_is_old(keys: list[int]) -> None:
    """No false finds between records, none missed."""
    recent, model = RecentMessages(), set()
    for key in keys:
        assert recent.seen(key, NOW) == (key in model)
        model.add(key)


def test_ring_is_bounded() -> None:
    """A flood within the window stays within its bound."""
    recent = RecentMessages()
    for n in range(3 * MOST):
        recent.seen(n, NOW)
    assert len(recent) <= MOST
