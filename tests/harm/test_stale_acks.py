"""A packet id that comes back after a reconnect means another message."""

from harm.stale_acks import reuse


async def test_acknowledgement_of_an_earlier_connection_never_settles_a_new_message() -> None:
    """Over 40 broken connections with the same four ids, no PUBACK leaves for a message that nobody settled."""
    told = await reuse(40, seed=1)
    assert told.connections >= 40
    assert told.pubacks > 0
    assert told.wrong == 0
