"""One contestant empties its queue: frozen while the broker fills its session, then thawed and measured until all is in the store.

So both ends are exact: the process is warm, its CPU clock is read while it stands still, and the messages are live arrivals to it,
which liveness and rules have to look at (what waits for a process that was down is backlog, and cheaper). A round has to be shorter
than the ten seconds after which we call ourselves blind: the blind judge no rules.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import feed
from content import Content
from process import cpu_s, rss_bytes
from stand import Stand

from e2e import points

POLL_S = 0.25
STUCK_S = 20.0


class Contestant(Protocol):
    """A process that takes messages from the broker to a bucket."""

    bucket: str

    @property
    def pid(self) -> int:
        """Process id."""

    def freeze(self) -> None:
        """Stops its execution."""

    def thaw(self) -> None:
        """Lets it go on."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Figures of one drain."""

    messages: int
    cpu_us: float
    """µs of CPU a message, user and system, all threads."""
    per_s: float
    values_per_s: float
    rss: int
    peak: int
    lost: int


def in_store(servers: Stand, bucket: str, content: Content) -> int:
    """How many of the content's messages the bucket has."""
    return sum(points.count(servers.influx, bucket, kind.measurement, kind.field) for kind in content.kinds)


async def drain(servers: Stand, contestant: Contestant, contents: Sequence[Content]) -> Drained:
    """The contestant runs and is subscribed; each content is a round."""
    done = [await _round(servers, contestant, content) for content in contents]
    messages, took = sum(content.messages for content in contents), sum(one.took for one in done)
    share = 1 - sum(one.lost for one in done) / messages
    return Drained(
        messages=messages,
        cpu_us=sum(one.spent for one in done) / messages * 1e6,
        per_s=share * messages / took,
        values_per_s=share * sum(content.values for content in contents) / took,
        rss=rss_bytes(contestant.pid),
        peak=rss_bytes(contestant.pid, peak=True),
        lost=sum(one.lost for one in done),
    )


@dataclass(frozen=True, slots=True)
class _Round:
    spent: float
    took: float
    lost: int


async def _round(servers: Stand, contestant: Contestant, content: Content) -> _Round:
    before = await asyncio.to_thread(in_store, servers, contestant.bucket, content)
    contestant.freeze()
    try:
        await feed.send_all(servers.broker.port, content.packets(int(time.time() * 1000)))
        used = cpu_s(contestant.pid)
    finally:
        contestant.thaw()
    began = moved = time.monotonic()
    count, spent = 0, used
    while count < content.messages and time.monotonic() - moved < STUCK_S:
        await asyncio.sleep(POLL_S)
        seen, now = await asyncio.to_thread(in_store, servers, contestant.bucket, content) - before, time.monotonic()
        if seen != count:
            count, moved, spent = seen, now, cpu_s(contestant.pid)
    took = moved - began
    await asyncio.sleep(1.0)  # the last booking and acknowledgements, and the canary that says that we hear
    if count == content.messages:
        spent = cpu_s(contestant.pid)
    return _Round(spent - used, took or POLL_S, content.messages - count)
