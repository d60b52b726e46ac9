"""Signed links: what was signed is read, whatever was changed is not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.ack_link import Target, read, sign

SECRET = bytes(range(32))
KEYS = st.binary(min_size=12, max_size=12).map(bytes.hex)
CHANNELS = st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True)
TARGETS = st.builds(Target, KEYS, CHANNELS)
TIMES = st.integers(1_000, 2**32 * 1000 - 1)
ONE = Target("00112233445566778899aabb", "sms")


@given(TARGETS, TIMES)
def test_signed_link_names_its_message_until_it_expires(target: Target, expires: int) -> None:
    """Message and channel come back; the last second before the end is the last one."""
    token = sign(SECRET, target, expires)
    end = expires // 1000 * 1000
    assert read(SECRET, token, end - 1) == target
    assert read(SECRET, token, end) == "expired"


@given(TARGETS, st.integers(0, 200), st.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_changed_link_is_forged(target: Target, place: int, char: str) -> None:
    """Any other character anywhere: another message, channel or time was never signed."""
    token = sign(SECRET, target, 2_000_000)
    at = place % len(token)
    changed = token[:at] + char + token[at + 1 :]
    assert (read(SECRET, changed, 0) == "forged") == (changed != token)


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever stands in an address."""
    assert read(SECRET, text, 0) == "forged"


def test_link_of_another_key_is_forged() -> None:
    """A new key makes old links void, also expired ones."""
    token = sign(SECRET, ONE, 2_000)
    assert read(bytes(32), token, 0) == "forged"
    assert read(bytes(32), token, 10_000) == "forged"


def test_link_is_short_enough_for_a_short_message() -> None:
    """Below 50 characters beside the site's address."""
    assert len(sign(SECRET, ONE, 2**32 * 1000 - 1)) == len("sms.") + 43


def test_key_that_is_not_ours_is_not_signed() -> None:
    """Only digests of the notifier."""
    with pytest.raises(ValueError, match="no message's key"):
        sign(SECRET, Target("k1", "sms"), 0)
