"""Line 26: where channels may not connect, and texts that are more than text."""

from faults.findings import Findings
from faults.line import Line, Stage

from harm import forbidden_hosts, hostile_texts


async def hosts(stage: Stage, findings: Findings) -> None:
    """Each try of the set through every kind of channel with a URL; we watch what the loop connects to."""
    tried = await forbidden_hosts.everything(stage.folder)
    findings.at_least("tries", len(tried), 30)
    findings.must("connected to a forbidden host, or took it for delivered", forbidden_hosts.forbidden(tried), [])


async def texts(stage: Stage, findings: Findings) -> None:
    """Each text as name, unit, summary and comment, through channels and the page behind a link."""
    findings.at_least("hostile texts", len(hostile_texts.TEXTS), 30)
    findings.must("escapes", await hostile_texts.escaped_from(stage.folder), [])


LINES = (
    Line(
        26,
        "SSRF: names that lead inside, addresses in disguise, rebinding, redirects, userinfo; template and HTML texts",
        "connects to forbidden hosts 0; escapes 0",
        (hosts, texts),
    ),
)
