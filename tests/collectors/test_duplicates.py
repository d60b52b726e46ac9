"""The ring of recent messages."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.duplicates import MOST, REMEMBERED, WINDOW_MINUTES, RecentMessages

NOW = 1_700_000_000_000
MINUTE = 60_000
WINDOW = WINDOW_MINUTES * MINUTE


def test_message_is_seen_among_the_last_64_however_old() -> None:
    """A slow device's repetition is found hours later."""
    recent = RecentMessages()
    assert not recent.seen(1, NOW)
    for n in range(REMEMBERED - 1):
        recent.seen(100 + n, NOW + 10 * WINDOW)
    assert recent.seen(1, NOW + 10 * WINDOW)


def test_message_is_seen_within_fifteen_minutes_beyond_64() -> None:
    """A fast device's repetition too; the window ends with the minute."""
    recent = RecentMessages()
    recent.seen(1, NOW)
    for n in range(500):
        recent.seen(100 + n, NOW + n)
    assert recent.seen(1, NOW + WINDOW)
    recent.seen(2, NOW + WINDOW + MINUTE)
    assert not recent.seen(1, NOW + WINDOW + MINUTE)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300))
def test_ring_agrees_with_a_set_while_nothing_is_old(keys: list[int]) -> None:
    """No false finds between records, none missed."""
    recent, model = RecentMessages(), set()
    for key in keys:
        assert recent.seen(key, NOW) == (key in model)
        model.add(key)


@given(st.lists(st.tuples(st.integers(1, 150), st.integers(0, 20 * MINUTE), st.integers(0, 400)), max_size=12))
def test_ring_holds_what_it_must_and_forgets_what_it_may(bursts: list[tuple[int, int, int]]) -> None:
    """Bursts of messages with pauses: the last 64 and the last 15 minutes are known, more than 16 minutes and 64 messages ago is not."""
    recent, came, now = RecentMessages(), [], NOW
    for count, pause, step in bursts:
        now += pause
        for _ in range(count):
            now += step
            assert not recent.seen(len(came), now)
            came.append(now)
        ages = [(len(came) - key, now - at) for key, at in enumerate(came)]
        known = [recent._find(key.to_bytes(8, "little")) for key in range(len(came))]
        assert all(known[key] for key, (back, age) in enumerate(ages) if back <= REMEMBERED or (age <= WINDOW and back <= MOST))
        assert not any(known[key] for key, (back, age) in enumerate(ages) if back > REMEMBERED and (age > WINDOW + MINUTE or back > MOST))


@given(st.lists(st.integers(-3 * WINDOW, 3 * WINDOW), min_size=1, max_size=200))
def test_ring_survives_a_clock_that_jumps(jumps: list[int]) -> None:
    """Our own clock set forward and back: the last 64 are known all the same."""
    recent = RecentMessages()
    for n, jump in enumerate(jumps):
        assert not recent.seen(n, NOW + jump)
    assert all(recent.seen(n, NOW) for n in range(max(0, len(jumps) - REMEMBERED), len(jumps)))


def test_ring_is_bounded() -> None:
    """A flood within the window stays within its bound."""
    recent = RecentMessages()
    for n in range(3 * MOST):
        recent.seen(n, NOW)
    assert len(recent) <= MOST
