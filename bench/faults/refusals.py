"""Line 15: what only a person can mend: a client id used twice, an access list that says no, a certificate that has run out."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from faults.findings import Findings
from faults.line import Line, Stage

from e2e.server import ServerUnderTest
from harm.tap import BrokerTap

WATCH_S = 100.0
SETTLING_S = 15.0
"""In which the loop is recognised as one: three lives that end at once."""
PAUSE_S = 30.0
NO_SUBSCRIBE = '{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true}}'


@dataclass(slots=True)
class Watched:
    """One server over the watch: when it was red, what it said."""

    red_after: float | None = None
    details: set[str] = field(default_factory=set)


async def watch(servers: Sequence[ServerUnderTest], seconds: float) -> list[Watched]:
    """Asks /readyz five times a second."""
    seen = [Watched() for _ in servers]
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        for server, watched in zip(servers, seen, strict=True):
            ready, checks = await server.ready()
            if not ready and not checks["broker"]["ok"]:
                watched.red_after = watched.red_after if watched.red_after is not None else time.monotonic() - began
                watched.details.add(checks["broker"]["detail"])
        await asyncio.sleep(0.2)
    return seen


def report(findings: Findings, name: str, server: ServerUnderTest, tap: BrokerTap, *, began: float, seconds: float) -> None:
    """How often it tried once the loop was known as one, and how often the log named it."""
    tries = [one.began - began for one in tap.passages if one.began >= began]
    late = [at for at in tries if at >= SETTLING_S]
    pauses = [after - before for before, after in itertools.pairwise(late)]
    findings.note(f"{name}: attempts in the first {SETTLING_S:g} s, after them", f"{len(tries) - len(late)}, {len(late)}")
    findings.at_most(f"{name}: attempts after that in {seconds - SETTLING_S:.0f} s", len(late), int((seconds - SETTLING_S) / PAUSE_S) + 1)
    findings.at_least(f"{name}: shortest pause between them", min(pauses, default=PAUSE_S), PAUSE_S * 0.98, "s")
    said = [line for line in server.logged() if line["event"] == "session_down"]
    findings.at_least(f"{name}: named in the log", len(said), 1, "times")
    for detail in sorted({str(line["detail"]) for line in said}):
        times = sorted(datetime.fromisoformat(str(line["timestamp"])).timestamp() for line in said if line["detail"] == detail)
        if len(times) > 1:
            gap = min(after - before for before, after in itertools.pairwise(times))
            findings.at_least(f"{name}: shortest time between two equal log lines", gap, 59.0, "s")


async def twins(stage: Stage, findings: Findings) -> None:
    """Two servers with folders of their own and one client id."""
    broker = stage.broker()
    taps = [await stage.stack.enter_async_context(BrokerTap(broker.port)) for _ in range(2)]
    servers = [stage.server(broker={"url": tap.url}) for tap in taps]
    await servers[0].begin()
    began = time.monotonic()
    await servers[1].begin(until="/healthz")
    seconds = stage.scaled(int(WATCH_S), 60)
    seen = await watch(servers, seconds)
    for name, server, tap in zip(("same client id, first", "same client id, second"), servers, taps, strict=True):
        report(findings, name, server, tap, began=began, seconds=seconds)
    named = any("client id" in detail for watched in seen for detail in watched.details)
    findings.must("same client id: /readyz of the one that is out names it", named, expected=True)
    red = seen[0].red_after
    findings.at_most("same client id: /readyz of the first red after the second's start", seconds if red is None else red, 5.0, "s")


def dynamic_security() -> Path | None:
    """The plugin with which Mosquitto refuses a SUBSCRIBE; its plain access lists never do."""
    return next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)


async def denied(stage: Stage, findings: Findings) -> None:
    """Mosquitto's dynamic security refuses the SUBSCRIBE."""
    plugin = dynamic_security()
    if plugin is None:
        findings.note("ACL denies SUBSCRIBE: NOT RUN", "Mosquitto here lacks its dynamic security plugin")
        return
    access = stage.folder / "dynamic-security.json"
    access.write_text(NO_SUBSCRIBE)
    broker = stage.broker(options={"plugin": plugin, "plugin_opt_config_file": access})
    await _refused(stage, findings, "ACL denies SUBSCRIBE", broker.port, {}, "SUBSCRIBE refused")


async def run_out(stage: Stage, findings: Findings) -> None:
    """The broker's certificate ended yesterday."""
    broker = stage.broker(tls=True)
    await asyncio.to_thread(broker.stop)
    if broker.authority is not None:
        broker.authority.issue("broker", days=-1)
    await asyncio.to_thread(broker.start)
    await _refused(stage, findings, "TLS certificate run out", broker.port, {"ca_file": str(broker.ca_file), "tls": True}, "certificate")


async def _refused(  # noqa: PLR0917 - one case's parts
    stage: Stage, findings: Findings, name: str, port: int, broker: dict[str, object], words: str
) -> None:
    tap = await stage.stack.enter_async_context(BrokerTap(port))
    url = tap.url.replace("mqtt:", "mqtts:") if broker.pop("tls", False) else tap.url
    server = stage.server(broker={"url": url, **broker})
    await server.begin(until="/healthz")
    began = time.monotonic()
    seconds = stage.scaled(int(WATCH_S), 60)
    (seen,) = await watch([server], seconds)
    report(findings, name, server, tap, began=began, seconds=seconds)
    findings.at_most(f"{name}: /readyz red after", seen.red_after if seen.red_after is not None else seconds, 5.0, "s")
    findings.must(f"{name}: /readyz names it", any(words in detail for detail in seen.details), expected=True)


async def together(stage: Stage, findings: Findings) -> None:
    """All three at the same time, each with a broker of its own."""
    parts = [(run, Findings(told=False)) for run in (twins, denied, run_out)]
    await asyncio.gather(*(run(stage, found) for run, found in parts))
    for _, found in parts:
        findings.take(found)


LINES = (
    Line(
        15,
        "the same client id twice; ACL denies SUBSCRIBE; TLS certificate run out",
        "loop damped: ≤ 1 attempt in 30 s; /readyz red ≤ 5 s; named in the log once a minute",
        (together,),
        within_s=240,
    ),
)
