"""Line 14: acknowledgements that come after a reconnect, when their packet ids mean other messages."""

from faults.findings import Findings
from faults.line import Line, Stage

from harm.stale_acks import IDS, reuse


async def run(stage: Stage, findings: Findings) -> None:
    """A broker that breaks every connection within 30 ms and uses the same packet ids again."""
    told = await reuse(stage.scaled(2_000, 200), stage.seed)
    findings.note("connections", told.connections)
    findings.note("messages under the same packet ids", told.connections * IDS)
    findings.note("PUBACKs", told.pubacks)
    findings.must("PUBACKs for a message that nobody had settled", told.wrong, 0)


LINES = (Line(14, "stale acknowledgements after a reconnect, packet ids used again", "wrong acknowledgements 0", (run,)),)
