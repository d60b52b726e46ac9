"""Line 9: a flood of what no device should send, beside healthy traffic."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage
from stand import quantile, spread

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.steadfast import Steadfast
from e2e.webhook import WebhookReceiver
from harm.poison import poison
from servers.mosquitto import Mosquitto

FLOOD, RATE = 1_000_000, 2_500
CALM_S, HONEST_S = 30, 40
TURNS = 4
HONEST = 20_000_000
"""Numbers of honest messages begin here."""
HEALTHY_RATE = 100
PROBE_EVERY = 25
DEVICES = 4_000
MB = 2**20
ODD_TOPICS = (b"ioc/v1/speaker/\xff\xfe/telemetry", b"ioc/v1/\xed\xa0\x80/X/telemetry", b"ioc/v1/speaker/\xc0\x80/telemetry")
"""Not UTF-8: a broker should refuse them, and ends the connection."""


@dataclass(slots=True)
class Healthy:
    """Well-behaved traffic; every PROBE_EVERY-th message makes a device of its own ill."""

    beside: str = "nothing"
    """What else is sent meanwhile."""
    sent: list[Message] = field(default_factory=list)
    probes: dict[str, tuple[str, Message]] = field(default_factory=dict)
    n: int = 10_000_000

    async def speak(self, publisher: Publisher, seconds: float | None = None) -> None:
        """Until cancelled, or so long."""
        began, first = time.monotonic(), self.n
        while seconds is None or time.monotonic() - began < seconds:
            self.n += 1
            probe = self.n % PROBE_EVERY == 0 and len(self.probes) < DEVICES
            device = f"OK-{len(self.probes):04}" if probe else f"SPK-{self.n % 200:04}"
            message = telemetry(self.n, device, int(time.time() * 1000) - 10, state="fault" if probe else "idle")
            if probe:
                self.probes[device] = (self.beside, message)
            await publisher.send(message)
            self.sent.append(message)
            await asyncio.sleep(max(0.0, began + (self.n - first) / HEALTHY_RATE - time.monotonic()))

    def delays(self, hook: WebhookReceiver, beside: str) -> list[float]:
        """Publish → webhook (ms) of the probes sent beside this."""
        called = {str(device): call.at for call in reversed(hook.of("raised", "faulty")) for _, device in call.told}
        probes = ((device, sent) for device, (other, sent) in self.probes.items() if other == beside)
        return [called[device] - sent.sent_at for device, sent in probes if device in called]


def honest(count: int, first: int) -> Iterator[Message]:
    """Messages as they should be, of the devices that send poison otherwise."""
    for n in range(first, first + count):
        yield telemetry(n, f"BAD-{n % 500:03}", int(time.time() * 1000) - 10, state="idle", volume=n % 100)


async def run(stage: Stage, findings: Findings) -> None:
    """Calm first, then poison and as many honest messages by turns: what a rate alone costs, and a noisy machine, are in both."""
    broker, influx, hook = stage.broker(options={"max_inflight_messages": 0}), stage.influx(), await stage.hook()
    bucket = influx.new_bucket()
    rows = [*oracle.rows(), *((f"OK-{n:04}", "speaker") for n in range(DEVICES))]
    faulty = rule("faulty", {"kind": "state", "metric": "state", "is": "fault"})
    server = stage.server(broker={"url": broker.url}, store=influx_store(influx, bucket), rules=[faulty], devices=rows, webhook=hook.url)
    await server.begin()
    healthy, rss = Healthy(), [server.rss_bytes()]
    async with Publisher(broker.port, client_id="healthy") as well, Steadfast(broker.port, client_id="poison", window=20_000) as flood:
        await healthy.speak(well, stage.scaled(CALM_S, 10))
        speaking = asyncio.create_task(healthy.speak(well))
        watching = asyncio.create_task(_watch(server, rss))
        refused = await _odd_topics(broker)
        took = await _by_turns(stage, healthy, flood)
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        await well.settle()
        taken = {message.n: message for message in flood.acknowledged}
        ledger = await oracle.booked(server, len(taken) + len(healthy.sent), 300.0)
        watching.cancel()
    poisoned = [message for message in taken.values() if message.n < HONEST]
    findings.note("poison PUBACKed", len(poisoned))
    findings.note("by kind", ", ".join(f"{kind} {n}" for kind, n in sorted(Counter(message.kind for message in poisoned).items())))
    findings.note("poison a second", round(len(poisoned) / took))
    findings.note("topics that are not UTF-8: refused by the broker", f"{refused} of {len(ODD_TOPICS)}")
    _survived(findings, server)
    findings.must("ledger: received", ledger["received"], len(taken) + len(healthy.sent) + len(ODD_TOPICS) - refused)
    findings.must("ledger: left unexplained", oracle.closes(ledger), 0)
    findings.note("ledger", oracle.terms(ledger))
    findings.at_most("RSS, most", max(rss) / MB, 400, "MB")
    found = oracle.stored(influx, bucket, healthy.sent)
    findings.must("healthy messages lost", len({message.n for message in healthy.sent} - found.keys()), 0)
    _latency(findings, healthy, hook)


async def _by_turns(stage: Stage, healthy: Healthy, flood: Steadfast) -> float:
    """Seconds that the poison took."""
    junk, took = poison(stage.scaled(FLOOD, 40_000), seed=stage.seed), 0.0
    part, good = stage.scaled(FLOOD, 40_000) // TURNS, stage.scaled(HONEST_S, 4) * RATE
    for turn in range(TURNS):
        healthy.beside = "honest messages"
        await flood.send_all(honest(good, HONEST + turn * good), rate=RATE)
        healthy.beside, began = "poison", time.monotonic()
        await flood.send_all(islice(junk, part), rate=RATE)
        took += time.monotonic() - began
    return took


def _survived(findings: Findings, server: ServerUnderTest) -> None:
    findings.must("the process that was started still runs", server.running, expected=True)
    log = server.log.read_text(errors="replace").splitlines()
    findings.must("restarts and faults in the log", sum("Traceback" in line for line in log), 0)


def _latency(findings: Findings, healthy: Healthy, hook: WebhookReceiver) -> None:
    """Against as many honest messages: a rate alone makes everything on one machine slower, which is told, too."""
    alone, busy, poisoned = (healthy.delays(hook, beside) for beside in ("nothing", "honest messages", "poison"))
    findings.note("healthy, publish → webhook, alone", spread(alone))
    findings.note(f"healthy, publish → webhook, beside {RATE:,} honest messages a second", spread(busy))
    findings.note(f"healthy, publish → webhook, beside {RATE:,} poisoned messages a second", spread(poisoned))
    if alone and busy and poisoned:
        findings.note("p99 beside poison ÷ alone", round(quantile(poisoned, 0.99) / quantile(alone, 0.99), 2))
        findings.at_most("p99 beside poison ÷ beside honest messages", quantile(poisoned, 0.99) / quantile(busy, 0.99), 1.2)


async def _odd_topics(broker: Mosquitto) -> int:
    """How many of them the broker does not take."""
    refused = 0
    for n, topic in enumerate(ODD_TOPICS):
        publisher = Raw(broker.port, client_id=f"odd-{n}")
        with suppress(OSError, asyncio.IncompleteReadError):
            await publisher.connect()
            publisher.write(topic, b"{}")
            with suppress(TimeoutError):
                await publisher.settle(3.0)
        refused += not publisher.acknowledged
        await publisher.break_off()
    return refused


class Raw(Publisher):
    """Writes topics that are no text."""

    def write(self, topic: bytes, payload: bytes) -> None:
        """One PUBLISH of QoS 1 with packet id 1."""
        self._out[1] = Message(0, "", payload)
        body = len(topic).to_bytes(2, "big") + topic + b"\0\1" + payload
        if self._writer is not None:
            self._writer.write(bytes((0x32, len(body))) + body)


async def _watch(server: ServerUnderTest, rss: list[int]) -> None:
    while True:
        rss.append(server.rss_bytes())
        await asyncio.sleep(1.0)


LINES = (
    Line(
        9,
        "poison flood: 1 M messages of noise, JSON bombs, bad UTF-8, NaN, 1e400, 2^80, nothing at all",
        "crashes 0; each in quarantine or counted; healthy p99 ≤ 1.2 × that beside honest messages; RSS ≤ 400 MB; healthy lost 0",
        (run,),
        within_s=1_200,
    ),
)
