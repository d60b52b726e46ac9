"""From the publisher's send to the receiver's clock, under load: webhook, the wall's event stream, the wall's page; and absence.

    python bench/latency.py [--seconds 120] [--rate 500] [--page]

Devices fall ill and recover one after another; the rule has no `for`, the route no group_wait, so that what is measured is ours:
broker, batch, decision, commit, channel. `--page` adds headless Chromium, which shares the processor with everything else.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import aiohttp
from stand import Stand, heading, say, spread, stand

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.webhook import WebhookReceiver

RULES = (
    rule("faulty", {"kind": "state", "metric": "state", "is": "fault"}),
    rule("silent", {"kind": "absence"}, family="network_site"),
)
PROBES_A_S = 4
ILL_FOR = 40
"""Probes until a device recovers: ten seconds."""
CADENCE_S, MISSED = 5, 3


class Province:
    """Loudspeakers under load, every quarter of a second one of them falls ill or recovers; sites that stop speaking."""

    def __init__(self, *, seconds: float, rate: int, devices: int = 2_000, sites: int = 120) -> None:
        dice = random.Random(11)
        self.devices = [f"SPK-{n:04}" for n in range(devices)]
        self.sites = {f"BTS-{n:03}": dice.uniform(20.0, seconds - 45.0) for n in range(sites)}
        """Site → when it speaks for the last time, seconds from the start."""
        self.last_words: dict[str, Message] = {}
        self.probes: dict[tuple[str, str], Message] = {}
        """(device, raised or cleared) → the message that did it; each device is asked once."""
        self._seconds, self._rate, self._dice = seconds, rate, dice

    def rows(self) -> list[tuple[str, str]]:
        """The devices file's rows."""
        return [*((device, "speaker") for device in self.devices), *((site, "network_site") for site in self.sites)]

    def messages(self, base: float) -> Iterator[Message]:
        """In order, with times a second behind."""
        ill: list[str] = []
        well = iter(self.devices)
        every = self._rate // PROBES_A_S
        said = dict.fromkeys(self.sites, -1.0)
        for n in range(int(self._seconds * self._rate)):
            at = n / self._rate
            ts = int(base * 1000 + at * 1000) - 1_000
            for site in [site for site, last in said.items() if at - last >= 1.0] if n % 50 == 0 else []:
                said[site] = at
                if at <= self.sites[site]:
                    self.last_words[site] = telemetry(n, site, ts, family="network_site", mains_ok=True)
                    yield self.last_words[site]
            if n % every == 0:
                device, state = (ill.pop(0), "idle") if len(ill) >= ILL_FOR else (next(well, ""), "fault")
                if device:
                    if state == "fault":
                        ill.append(device)
                    probe = telemetry(n, device, ts, state=state, volume=70)
                    self.probes[device, "raised" if state == "fault" else "cleared"] = probe
                    yield probe
            else:
                device = self._dice.choice(self.devices[-500:])
                yield telemetry(n, device, ts, state="idle", volume=70, mains_v=225.0, rssi_dbm=-70)


async def stream(server: ServerUnderTest, seen: dict[tuple[str, str], float]) -> None:
    """Notes when the wall's event stream tells of each alarm."""
    async for kind, data, at in _events(server):
        if kind == "alarm" and data["device"] is not None:
            seen.setdefault((data["device"], "raised" if data["state"] == "active" else "cleared"), at)


async def _events(server: ServerUnderTest) -> AsyncIterator[tuple[str, dict[str, str], float]]:
    headers = {"Authorization": f"Bearer {server.token}"}
    kind = ""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**20) as session,
        session.get(f"{server.url}/api/v1/events", headers=headers) as answer,
    ):
        async for line in answer.content:
            at = time.time() * 1000
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: ") and kind == "alarm":
                yield kind, json.loads(line[6:]), at


async def measure(servers: Stand, *, seconds: float, rate: int) -> bool:
    """Publishes and listens; whether every probe was told of everywhere."""
    province = Province(seconds=seconds, rate=rate)
    bucket = servers.influx.new_bucket()
    async with WebhookReceiver() as hook:
        server = ServerUnderTest(
            servers.folder / "ioc",
            broker={"url": servers.broker.url},
            store=influx_store(servers.influx, bucket),
            rules=RULES,
            shipped_rules=True,
            devices=province.rows(),
            webhook=hook.url,
            cadence={"network_site": f"{CADENCE_S}s"},
        )
        await server.begin()
        streamed: dict[tuple[str, str], float] = {}
        listening = asyncio.create_task(stream(server, streamed))
        try:
            cpu, began = server.cpu_s(), time.monotonic()
            async with Publisher(servers.broker.port, client_id="publisher") as publisher:
                await publisher.send_all(province.messages(time.time()), rate=rate)
            used, took = server.cpu_s() - cpu, time.monotonic() - began
            await asyncio.sleep(CADENCE_S * MISSED + 10)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await server.end()
    called = {}
    for call in hook.calls:
        step = {"raised": "raised", "cleared": "cleared"}.get(call.body["event"], "")
        for name, device in call.told:
            if name == "faulty":
                called.setdefault((device, step), call.at)
    absent = {
        device: call.at for call in reversed(hook.calls) if call.body["event"] == "raised" for name, device in call.told if name == "silent"
    }
    declared = CADENCE_S * MISSED * 1000
    say("messages", f"{len(publisher.acknowledged)} at {len(publisher.acknowledged) / took:.0f}/s; {used / took * 100:.0f} % of one core")
    say("publish → webhook", spread([called[probe] - sent.sent_at for probe, sent in province.probes.items() if probe in called]))
    say(
        "publish → wall's event stream",
        spread([streamed[probe] - sent.sent_at for probe, sent in province.probes.items() if probe in streamed]),
    )
    delays = [at - province.last_words[site].sent_at - declared for site, at in absent.items() if site in province.last_words]
    say("absence: delay beyond the declared 15 s", spread(delays))
    return all(
        [
            say("probes that no webhook told of", len(province.probes.keys() - called.keys()), 0),
            say("probes that the stream did not tell of", len(province.probes.keys() - streamed.keys()), 0),
            say("silent sites that no webhook told of", len(province.sites.keys() - absent.keys()), 0),
            say("absence told too early", sum(1 for delay in delays if delay < 0), 0),
        ]
    )


def main() -> int:
    """Exit code 1 when something was not told of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=int, default=500)
    options = parser.parse_args()
    heading(f"Latency at {options.rate} messages a second")
    with stand() as servers:
        return 0 if asyncio.run(measure(servers, seconds=options.seconds, rate=options.rate)) else 1


if __name__ == "__main__":
    sys.exit(main())
