"""Line 4: a store that answers 429, 503, 500 or nothing at all, at random."""

import asyncio
import random
import time
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from e2e.server import influx_store
from e2e.steadfast import Steadfast
from harm.store_proxy import StoreProxy, Write

RATE = 1_000
SECONDS = 120
MOODS = (429, 503, 500, 0)
"""0 = takes the points and never says so."""
_ON_ITS_WAY_S = 0.05
_NEVER_S = 30.0


@dataclass(frozen=True, slots=True)
class Spell:
    """From `start` to `end` (seconds of the run) the store answers with `status`."""

    start: float
    end: float
    status: int
    retry_after: int | None


def spells(seconds: float, dice: random.Random) -> list[Spell]:
    """Bad spells of 1 to 5 s, with good ones of 2 to 6 s between them; 429 and 503 say for how long."""
    found, at = [], 3.0
    while at < seconds - 8:
        status, wish = dice.choice(MOODS), dice.randint(1, 5)
        asks = wish if status in {429, 503} else None
        found.append(Spell(at, at + wish, status, asks))
        at += wish + dice.uniform(2.0, 6.0)
    return found


class Moody:
    """Answers as the spell of the moment has it; the wish of a Retry-After ends with its spell."""

    def __init__(self, proxy: StoreProxy, plan: list[Spell]) -> None:
        self.met: set[Spell] = set()
        self._plan = plan
        self._began = time.monotonic()
        self.early = 0
        self.until = 0.0
        self._asked_at = 0.0
        proxy.fault = self.answer

    async def answer(self, write: Write, _body: bytes) -> web.Response | None:
        """The fault of the moment; None outside of bad spells."""
        if self._asked_at + _ON_ITS_WAY_S < write.at < self.until - _ON_ITS_WAY_S:
            self.early += 1
        at = write.at - self._began
        spell = next((one for one in self._plan if one.start <= at < one.end), None)
        if spell is None:
            return None
        self.met.add(spell)
        if not spell.status:
            await asyncio.sleep(_NEVER_S)
            return None
        headers = {} if spell.retry_after is None else {"Retry-After": str(spell.retry_after)}
        if spell.retry_after is not None:
            self._asked_at, self.until = time.monotonic(), time.monotonic() + spell.retry_after
        return web.json_response({"code": "fault", "message": "the store is in a bad mood"}, status=spell.status, headers=headers)


async def run(stage: Stage, findings: Findings) -> None:
    """Publishes through all of it."""
    seconds = stage.scaled(SECONDS, 40)
    broker, influx = stage.broker(), stage.influx()
    bucket = influx.new_bucket()
    proxy = await stage.stack.enter_async_context(StoreProxy(influx.url))
    server = stage.server(broker={"url": broker.url}, store={**influx_store(influx, bucket), "url": proxy.url}, devices=oracle.rows())
    await server.begin()
    proxy.writes.clear()
    moody = Moody(proxy, spells(seconds, random.Random(stage.seed)))
    async with Steadfast(broker.port, client_id="publisher", window=5_000) as publisher:
        await publisher.send_all(oracle.steady(seconds * RATE, rate=RATE), rate=RATE)
    await oracle.quiet(server)
    taken = sum(write.status == HTTPStatus.NO_CONTENT for write in proxy.writes)
    ideal = taken + len(moody.met)
    findings.note(
        "bad spells met", ", ".join(f"{status or 'no answer'}: {sum(one.status == status for one in moody.met)}" for status in MOODS)
    )
    oracle.compare(findings, influx, bucket, publisher.acknowledged)
    findings.must("ledger: left unexplained", oracle.closes(await server.ledger()), 0)
    findings.note("write requests", len(proxy.writes))
    findings.note("ideal: one for each batch, and one that meets each bad spell", ideal)
    findings.at_most("requests ÷ ideal", len(proxy.writes) / ideal, 1.5)
    findings.must("requests before Retry-After was over", moody.early, 0)


LINES = (
    Line(
        4,
        "the store answers 429, 503 (Retry-After 1–5 s), 500 or nothing, at random",
        "lost 0; requests ≤ 1.5 × ideal; never before Retry-After",
        (run,),
        within_s=420,
    ),
)
