"""Packet ids used again: a broker that breaks connections and gives the same ids to other messages, and counts wrong PUBACKs."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

from brokers.listener import Listener
from brokers.scripted import PUBACK, Peer, scripted_broker
from collectors.delivery import Delivery
from collectors.source import SessionLimits, SourceSettings
from servers.waiting import wait_until

TOPIC = b"ioc/v1/speaker/d1/telemetry"
IDS = 4
QUICK = SessionLimits(canary_every=600.0, backoff_first=0.01, backoff_most=0.02, takeover_wait=0.02)


@dataclass(slots=True)
class Told:
    """PUBACKs over all connections: all, and those for a message that nobody had settled."""

    connections: int = 0
    pubacks: int = 0
    wrong: int = 0


async def reuse(connections: int, seed: int) -> Told:
    """Over so many connections each of IDS packet ids means another message each time; deliveries are settled late, many too late.

    A connection breaks once it has heard the PUBACKs it waits for: none, one or two.
    """
    dice, patience = random.Random(seed), random.Random(seed + 1)
    told = Told()
    settled: set[bytes] = set()

    async def script(peer: Peer) -> None:
        told.connections += 1
        connection = told.connections
        names = {mid: b"%d/%d" % (connection, mid) for mid in range(1, IDS + 1)}
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            await peer.welcome()
            for mid, name in names.items():
                await peer.publish(TOPIC, name, mid)
            broken_after = told.pubacks + patience.randint(0, 2)
            while told.pubacks < broken_after:
                kind, body = await peer.read()
                mid = int.from_bytes(body[:2], "big")
                if kind == PUBACK and mid in names:
                    told.pubacks += 1
                    told.wrong += names[mid] not in settled

    async with scripted_broker(script) as port:
        settings = SourceSettings(url=f"mqtt://127.0.0.1:{port}", client_id="ioc-1", protocol="3.1.1")
        async with Listener(settings, QUICK, holding=True) as listener:
            while told.connections < connections:
                await wait_until(lambda: bool(listener.unsettled) or told.connections >= connections)
                late = [item for item in listener.unsettled if dice.random() < 0.5]
                await asyncio.sleep(dice.uniform(0.0, 0.02))
                settled.update(item.payload for item in late if isinstance(item, Delivery))
                listener.session.acknowledge(late)
                listener.unsettled = [item for item in listener.unsettled if item not in late]
    return told
