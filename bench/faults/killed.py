"""Lines 1 and 2: `kill -9` of our process, of the broker and of the store, at seeded moments under load."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage
from kills import difference
from stand import spread

from e2e.killing import kill_run
from e2e.server import ServerUnderTest, influx_store
from e2e.steadfast import Steadfast
from harm.tap import BrokerTap
from servers.process import ServerProcess

RATE = 1_000
KILLS = 20
SECONDS = 160
SHIPPED = {"max_inflight_messages": 20_000, "autosave_interval": 60}
"""The broker's configuration as docker/mosquitto has it."""
_WINDOW_S = 10.0
APART_S = 12.0
"""Between two deaths of the broker: three connections that end within ten seconds each are taken for another client with our id."""


async def our_process(stage: Stage, findings: Findings) -> None:
    """Against a second server that hears the same and is left alone."""
    broker, influx = stage.broker(), stage.influx()
    run = await kill_run(
        stage.folder, broker, influx, seconds=stage.scaled(SECONDS, 30), kills=stage.scaled(KILLS, 3), rate=RATE, seed=stage.seed
    )
    killed, clean = run.killed, run.clean
    findings.note("kills of `ioc run`", len(run.kills))
    findings.note("messages PUBACKed to the publisher", run.acknowledged.total())
    findings.must(
        "lost between broker and us (B)", len(run.telemetry - killed.telemetry.keys()) + len(run.events - killed.events.keys()), 0
    )
    findings.must("points = distinct messages", killed.telemetry.total() + killed.events.total(), len(run.telemetry) + len(run.events))
    findings.must("ledger: stored", killed.ledger["stored"], run.acknowledged.total())
    findings.must("ledger: left unexplained", oracle.closes(killed.ledger), 0)
    findings.must("journal entries that differ from the other server's", difference(clean.journal, killed.journal), 0)
    findings.must("alarms told that differ from the other server's", difference(clean.outbox, killed.outbox), 0)
    findings.must("messages that no receiver got", killed.unsent, 0)
    findings.note("ready again", spread([took * 1000 for took in run.back_after]))
    findings.at_most("ready again, worst", max(run.back_after, default=0.0), 5.0, "s")


class Killer:
    """Kills a server at seeded moments and starts it again at once."""

    def __init__(self, victim: ServerProcess, *, seconds: float, kills: int, seed: int, apart: float = 0.0) -> None:
        dice = random.Random(f"{seed} {victim.log.name}")
        free = seconds - 7.0 - apart * (kills - 1)
        self.moments = [2.0 + moment + apart * n for n, moment in enumerate(sorted(dice.uniform(0.0, free) for _ in range(kills)))]
        self.fell: list[float] = []
        self.rose: list[float] = []
        self._victim = victim

    async def run(self) -> None:
        """Until the last kill is over."""
        began = time.monotonic()
        for moment in self.moments:
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            await asyncio.to_thread(self._victim.kill)
            self.fell.append(time.monotonic())
            await asyncio.to_thread(self._victim.start)
            self.rose.append(time.monotonic())

    def took(self, answers: Sequence[float]) -> list[float]:
        """Seconds from each time that it served again to the first of `answers` after it, where no other kill came between."""
        found = []
        for rose, following in zip(self.rose, [*self.fell[1:], float("inf")], strict=True):
            answer = next((at for at in answers if at > rose), None)
            if answer is not None and answer < following:
                found.append(answer - rose)
        return found


async def the_broker(stage: Stage, findings: Findings) -> None:
    """What we acknowledged is read off the wire between broker and us."""
    broker, influx = stage.broker(options=SHIPPED), stage.influx()
    bucket = influx.new_bucket()
    seconds, kills = stage.scaled(SECONDS + 120, 50), stage.scaled(KILLS, 3)
    tap = await stage.stack.enter_async_context(BrokerTap(broker.port))
    server = stage.server(broker={"url": tap.url}, store=influx_store(influx, bucket), devices=oracle.rows())
    await server.begin()
    killer = Killer(broker, seconds=seconds, kills=kills, seed=stage.seed, apart=APART_S)
    publisher = await _load(broker.port, server, seconds, killer.run)
    sent = publisher.acknowledged
    found = oracle.stored(influx, bucket, sent)
    ours = {number for _, payload in tap.acknowledged if (number := oracle.number(payload)) is not None}
    lost = {message.n for message in sent} - found.keys()
    findings.note("kills of Mosquitto", len(killer.fell))
    findings.note("messages PUBACKed to the publisher", len({message.n for message in sent}))
    findings.must("lost after our own PUBACK (B)", len(ours - found.keys()), 0)
    findings.note("lost by the broker after its PUBACK (A), autosave 60 s", len(lost - ours))
    findings.must("messages with a second point", sum(1 for times in found.values() if times > 1), 0)
    findings.must("ledger: left unexplained", oracle.closes(await server.ledger()), 0)
    again = killer.took([one.subscribed for one in tap.passages if one.subscribed is not None])
    findings.note("SUBACK after the broker serves again", spread([took * 1000 for took in again]))
    findings.at_most("SUBACK after the broker serves again, worst", max(again, default=0.0), 10.0, "s")
    tries = [one.began for one in tap.passages]
    most = max(sum(1 for other in tries if 0 <= other - one < _WINDOW_S) for one in tries)
    findings.at_most(f"attempts to connect a second, most in any {_WINDOW_S:g} s", most / _WINDOW_S, 1.0)
    gaps = {round(after - before, 1) for before, after in itertools.pairwise(tries)}
    findings.note("different pauses between attempts (jitter)", len(gaps))


async def the_store(stage: Stage, findings: Findings) -> None:
    """Points wait in the spool meanwhile."""
    broker, influx = stage.broker(), stage.influx()
    bucket = influx.new_bucket()
    seconds, kills = stage.scaled(SECONDS, 40), stage.scaled(KILLS, 3)
    server = stage.server(broker={"url": broker.url}, store=influx_store(influx, bucket), devices=oracle.rows())
    await server.begin()
    killer = Killer(influx, seconds=seconds, kills=kills, seed=stage.seed)
    publisher = await _load(broker.port, server, seconds, killer.run)
    findings.note("kills of InfluxDB", len(killer.fell))
    oracle.compare(findings, influx, bucket, publisher.acknowledged, name="store killed: ")
    ledger = await server.ledger()
    findings.must("store killed: ledger left unexplained", oracle.closes(ledger), 0)
    findings.must("store killed: still spooled or in flight", ledger["spooled"] + ledger["in_flight"], 0)
    findings.must("store killed: `ioc run` still the same process", server.running, expected=True)


async def _load(port: int, server: ServerUnderTest, seconds: float, fault: Callable[[], object]) -> Steadfast:
    """Publishes at RATE while the fault goes on; returns once all that the publisher had acknowledged is booked, or never will be."""
    publisher = Steadfast(port, client_id="publisher", window=5_000)
    await publisher.connect()
    try:
        running = asyncio.ensure_future(fault())
        await publisher.send_all(oracle.steady(int(seconds * RATE), rate=RATE), rate=RATE)
        await running
    finally:
        await publisher.close()
    await oracle.quiet(server)
    return publisher


LINES = (
    Line(
        1,
        "kill -9 of `ioc run` at random moments, 1,000 messages/s",
        "B lost 0; points == distinct messages; no duplicates; journal and messages those of a server left alone; ready again ≤ 5 s",
        (our_process,),
        within_s=480,
    ),
    Line(
        2,
        "kill -9 of Mosquitto (persistent session) and of InfluxDB at random moments, 1,000 messages/s",
        "B lost 0, A reported; SUBACK ≤ 10 s after the broker is back; attempts ≤ 1/s with jitter; store killed: lost 0",
        (the_broker, the_store),
        within_s=600,
    ),
)
