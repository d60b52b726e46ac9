"""Two sessions with one client id."""

from collections.abc import Callable

import pytest

from brokers.listener import Listener
from collectors.source import SessionLimits, SourceSettings
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

LIMITS = SessionLimits(canary_every=0.5, backoff_first=0.05, backoff_most=0.1, takeover_wait=600.0)


@pytest.mark.real("mosquitto")
async def test_two_sessions_with_one_client_id_do_not_fight(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """After a few turns one of them holds the connection, and the other says why it waits."""
    broker = mosquitto_factory()
    settings = SourceSettings(url=broker.url, client_id="ioc-1")
    async with Listener(settings, LIMITS) as first:
        await first.connected()
        async with Listener(settings, LIMITS) as second:
            pair = (first, second)

            def settled() -> bool:
                waits = any("client id" in (one.session.last_error or "") for one in pair)
                return waits and sum(one.session.connected for one in pair) == 1

            await wait_until(settled, what="one holds, one waits")
            turns = [one.session.epoch for one in pair]
            holder = next(one for one in pair if one.session.connected)
            later = len(holder.canaries) + 4
            await wait_until(lambda: len(holder.canaries) >= later, what="it goes on hearing")
            assert [one.session.epoch for one in pair] == turns
