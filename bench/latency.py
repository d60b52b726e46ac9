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
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from playwright.async_api import Page
from stand import Stand, heading, say, spread, stand

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.webhook import WebhookReceiver
from servers.browser import browser

RULES = (
    rule("faulty", {"kind": "state", "metric": "state", "is": "fault"}),
    rule("silent", {"kind": "absence"}, family="network_site"),
)
CADENCE_S, MISSED = 5, 3
Probe = tuple[str, str]
"""(device, raised or cleared)."""


class Province:
    """Loudspeakers under load, every quarter of a second one of them falls ill or recovers; sites that stop speaking."""

    def __init__(self, *, seconds: float, rate: int, probes_a_s: int, ill_for: int, devices: int = 2_000, sites: int = 120) -> None:
        """`ill_for`: probes until a device recovers."""
        dice = random.Random(11)
        self.devices = [f"SPK-{n:04}" for n in range(devices)]
        self.sites = {f"BTS-{n:03}": dice.uniform(20.0, seconds - 45.0) for n in range(sites)}
        """Site → when it speaks for the last time, seconds from the start."""
        self.last_words: dict[str, Message] = {}
        self.probes: dict[Probe, Message] = {}
        """(device, raised or cleared) → the message that did it; each device is asked once."""
        self._seconds, self._rate, self._dice = seconds, rate, dice
        self._every, self._ill_for = rate // probes_a_s, ill_for

    def rows(self) -> list[tuple[str, str]]:
        """The devices file's rows."""
        return [*((device, "speaker") for device in self.devices), *((site, "network_site") for site in self.sites)]

    def messages(self, base: float) -> Iterator[Message]:
        """In order, with times a second behind."""
        ill: list[str] = []
        well = iter(self.devices)
        said = dict.fromkeys(self.sites, -1.0)
        for n in range(int(self._seconds * self._rate)):
            at = n / self._rate
            ts = int(base * 1000 + at * 1000) - 1_000
            for site in [site for site, last in said.items() if at - last >= 1.0] if n % 50 == 0 else []:
                said[site] = at
                if at <= self.sites[site]:
                    self.last_words[site] = telemetry(n, site, ts, family="network_site", mains_ok=True)
                    yield self.last_words[site]
            if n % self._every == 0:
                device, state = (ill.pop(0), "idle") if len(ill) >= self._ill_for else (next(well, ""), "fault")
                if device:
                    if state == "fault":
                        ill.append(device)
                    probe = telemetry(n, device, ts, state=state, volume=70)
                    self.probes[device, "raised" if state == "fault" else "cleared"] = probe
                    yield probe
            else:
                device = self._dice.choice(self.devices[-500:])
                yield telemetry(n, device, ts, state="idle", volume=70, mains_v=225.0, rssi_dbm=-70)


async def stream(server: ServerUnderTest, seen: dict[Probe, float]) -> None:
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


@asynccontextmanager
async def page(server: ServerUnderTest) -> AsyncIterator[Page]:
    """The wall in headless Chromium; `window.seen` notes when each alarm's row appeared (Unix ms by alarm)."""
    async with browser() as chromium:
        context = await chromium.new_context(viewport={"width": 1920, "height": 1080})
        await context.request.post(f"{server.url}/api/v1/session", data={"token": server.token}, headers={"Origin": server.url})
        wall = await context.new_page()
        await wall.add_init_script(_WATCH)
        await wall.goto(f"{server.url}/wall/")
        yield wall


_WATCH = """
window.seen = {};
const note = () => document.querySelectorAll("[data-alarm]").forEach((row) => { window.seen[row.dataset.alarm] ??= Date.now(); });
new MutationObserver(note).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-alarm"] });
"""


@dataclass(slots=True, kw_only=True)
class Heard:
    """When who was told (Unix ms), by (device, raised or cleared)."""

    called: dict[Probe, float] = field(default_factory=dict)
    streamed: dict[Probe, float] = field(default_factory=dict)
    drawn: dict[Probe, float] = field(default_factory=dict)
    absent: dict[str, float] = field(default_factory=dict)
    """Silent site → when the webhook told of it."""


async def run(servers: Stand, province: Province, *, rate: int, with_page: bool) -> Heard:
    """Publishes and listens."""
    heard = Heard()
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(WebhookReceiver())
        server = ServerUnderTest(
            servers.folder / "ioc",
            broker={"url": servers.broker.url},
            store=influx_store(servers.influx, servers.influx.new_bucket()),
            rules=RULES,
            shipped_rules=True,
            devices=province.rows(),
            webhook=hook.url,
            cadence={"network_site": f"{CADENCE_S}s"},
        )
        stack.push_async_callback(server.end)
        await server.begin()
        wall = await stack.enter_async_context(page(server)) if with_page else None
        listening = asyncio.create_task(stream(server, heard.streamed))
        used, began = server.cpu_s(), time.monotonic()
        async with Publisher(servers.broker.port, client_id="publisher") as publisher:
            await publisher.send_all(province.messages(time.time()), rate=rate)
        used, took, count = server.cpu_s() - used, time.monotonic() - began, len(publisher.acknowledged)
        say("messages", f"{count} at {count / took:.0f}/s; {used / took * 100:.0f} % of one core")
        await asyncio.sleep(CADENCE_S * MISSED + 10)
        if wall is not None:
            devices = {alarm["id"]: alarm["device"] for alarm in await server.alarms(rule="faulty")}
            heard.drawn = {(devices[alarm], "raised"): at for alarm, at in (await wall.evaluate("window.seen")).items() if alarm in devices}
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    for call in hook.calls:
        for name, device in call.told:
            if name == "faulty":
                heard.called.setdefault((str(device), call.body["event"]), call.at)
            elif name == "silent" and call.body["event"] == "raised":
                heard.absent.setdefault(str(device), call.at)
    return heard


def report(province: Province, heard: Heard, *, with_page: bool) -> bool:
    """The figures; whether everything was told of."""
    probes = province.probes

    def delays(told: dict[Probe, float]) -> list[float]:
        return [told[probe] - sent.sent_at for probe, sent in probes.items() if probe in told]

    say("publish → webhook", spread(delays(heard.called)))
    say("publish → wall's event stream", spread(delays(heard.streamed)))
    fine = [
        say("probes that no webhook told of", len(probes.keys() - heard.called.keys()), 0),
        say("probes that the stream did not tell of", len(probes.keys() - heard.streamed.keys()), 0),
    ]
    if with_page:
        say("publish → row on the wall's page", spread(delays(heard.drawn)))
        raised = {probe for probe in probes if probe[1] == "raised"}
        return all([*fine, say("alarms that the page did not show", len(raised - heard.drawn.keys()), 0)])
    declared = CADENCE_S * MISSED * 1000
    late = [at - province.last_words[site].sent_at - declared for site, at in heard.absent.items() if site in province.last_words]
    say("absence: delay beyond the declared 15 s", spread(late))
    fine += [
        say("silent sites that no webhook told of", len(province.sites.keys() - heard.absent.keys()), 0),
        say("absence told too early", sum(1 for delay in late if delay < 0), 0),
    ]
    return all(fine)


def main() -> int:
    """Exit code 1 when something was not told of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    heading(f"Latency at {options.rate} messages a second")
    with stand() as servers:
        # The page has room for a handful of alarms, so fewer stand at a time.
        few = {"probes_a_s": 1, "ill_for": 4, "sites": 0} if options.page else {"probes_a_s": 4, "ill_for": 40}
        province = Province(seconds=options.seconds, rate=options.rate, **few)
        heard = asyncio.run(run(servers, province, rate=options.rate, with_page=options.page))
    return 0 if report(province, heard, with_page=options.page) else 1


if __name__ == "__main__":
    sys.exit(main())
