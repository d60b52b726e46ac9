"""What a run says about real servers: which tests they carried, which were skipped, and how to enable those."""

from collections import Counter
from collections.abc import Iterable

import pytest

from servers import presence

FIXTURES = {
    "mosquitto": "mosquitto",
    "shared_mosquitto": "mosquitto",
    "mosquitto_factory": "mosquitto",
    "old_mosquitto": "mosquitto",
    "influxdb": "influxdb",
    "influxdb_factory": "influxdb",
    "chromium": "chromium",
    "promtool": "promtool",
}
_PROPERTY = "real_server"


def needed(item: pytest.Item) -> list[str]:
    """The real servers that a test needs, by its marks and its fixtures."""
    marked = {str(name) for mark in item.iter_markers("real") for name in mark.args}
    unknown = marked - presence.EXECUTABLES.keys()
    if unknown:
        message = f"{item.nodeid}: @pytest.mark.real knows {', '.join(presence.EXECUTABLES)}, not {', '.join(sorted(unknown))}"
        raise pytest.UsageError(message)
    return sorted(marked | {FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES})


def check(item: pytest.Item) -> None:
    """Skips the test, or fails it where servers are required, when a server that it needs is missing."""
    for server in needed(item):
        item.user_properties.append((_PROPERTY, server))
        sentence = presence.missing(server)
        if sentence and presence.required():
            pytest.fail(f"{sentence} (IOC_REQUIRE_SERVERS is set, so nothing may be skipped)", pytrace=False)
        if sentence:
            pytest.skip(sentence)


def refuse_skip(report: pytest.TestReport) -> None:
    """Turns any skip of a real-server test into a failure where servers are required."""
    if report.skipped and not hasattr(report, "wasxfail") and presence.required() and _servers_of(report):
        report.outcome = "failed"
        report.longrepr = f"a real-server test was skipped while IOC_REQUIRE_SERVERS is set: {report.longrepr}"


def summary(passed: Iterable[pytest.TestReport], skipped: Iterable[pytest.TestReport]) -> list[str]:
    """Lines for the end of a run."""
    ran = Counter(server for report in passed for server in _servers_of(report))
    lacked = Counter(server for report in skipped for server in _servers_of(report) if presence.missing(server))
    lines = []
    if ran:
        lines.append("with real servers: " + ", ".join(f"{server} {count}" for server, count in sorted(ran.items())))
    if lacked:
        lines.append("skipped for want of a server: " + ", ".join(f"{server} {count}" for server, count in sorted(lacked.items())))
        lines.append("`make servers` installs them (influxdb is built once, about 7 minutes).")
    return lines


def _servers_of(report: pytest.TestReport) -> list[str]:
    return [str(value) for key, value in getattr(report, "user_properties", ()) if key == _PROPERTY]
