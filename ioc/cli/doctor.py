"""`ioc doctor`: what might keep a server from working here, in sentences."""

import asyncio
import ctypes
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ioc.cli.finding import Finding, exit_code
from ioc.cli.output import print_json
from ioc.cli.place import ConfigOption, JsonOption, load

if TYPE_CHECKING:
    from ioc.config.load import Config

_OLDEST_PYTHON = (3, 11)
_YEAR_OF_RELEASE = 2025
_CLOCK_UNSYNCHRONISED = 5
"""ntp_adjtime's TIME_ERROR."""


def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Look at Python, clock, disk, port, configuration, broker, store and channels."""
    findings = [*_machine()]
    loaded = _configuration(config, findings)
    if loaded is not None:
        from ioc.cli.channel_findings import channel_findings
        from ioc.cli.reach import look_around

        findings += [*_data_dir(loaded), _port(loaded), *asyncio.run(look_around(loaded)), *asyncio.run(channel_findings(loaded))]
    if json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(finding)
    raise typer.Exit(exit_code(findings))


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= _OLDEST_PYTHON
    yield Finding(
        about="python", state="fine" if new_enough else "wrong", text=f"{python}" + ("" if new_enough else "; 3.11 or newer is needed")
    )
    yield clock_finding(datetime.now(UTC), synchronised=_synchronised())


def clock_finding(now: datetime, *, synchronised: bool | None) -> Finding:
    """Times are our whole business: a clock that runs free will call good devices late."""
    told = now.isoformat(timespec="seconds")
    if now.year < _YEAR_OF_RELEASE:
        return Finding(about="clock", state="wrong", text=f"{told} lies before this program was written; set the clock, and keep it by NTP")
    if synchronised is False:
        return Finding(
            about="clock", state="note", text=f"{told}, but nothing keeps it right; run an NTP service such as systemd-timesyncd"
        )
    return Finding(about="clock", state="fine", text=told + (", kept by NTP" if synchronised else ""))


def _synchronised() -> bool | None:
    """What the kernel says; None where it doesn't say."""
    try:
        adjtime = ctypes.CDLL(None).ntp_adjtime
    except (OSError, AttributeError):
        return None
    answer = int(adjtime(ctypes.create_string_buffer(512)))
    return None if answer < 0 else answer != _CLOCK_UNSYNCHRONISED


def _configuration(config: Path | None, findings: list[Finding]) -> "Config | None":
    from ioc.cli.failure import Failure
    from ioc.config.problem import ConfigError

    try:
        loaded = load(config)
    except Failure as failure:
        findings.append(Finding(about="configuration", state="note", text=str(failure)))
        return None
    except ConfigError as error:
        findings += [Finding(about="configuration", state="wrong", text=str(problem)) for problem in error.problems]
        return None
    findings.append(Finding(about="configuration", state="fine", text=f"{len(loaded.families)} families, {len(loaded.rules)} rules"))
    return loaded


def _data_dir(loaded: "Config") -> Iterator[Finding]:
    folder = loaded.settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    about = f"data folder {folder}"
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            about=about, state="wrong", text=f"this user may not write to {existing}; give it the right, or name another data_dir"
        )
        return
    limits = loaded.settings.limits
    wanted = limits.spool + limits.quarantine
    free = shutil.disk_usage(existing).free
    text = f"{_size(free)} free; spool and quarantine may grow to {_size(wanted)}"
    if free < wanted:
        yield Finding(about=about, state="note", text=f"{text}: lower them under `limits`, or make room")
    else:
        yield Finding(about=about, state="fine", text=text)


def _port(loaded: "Config") -> Finding:
    from ioc.api.control import SOCKET_NAME

    api = loaded.settings.api
    about = f"port {api.port}"
    try:
        kind, *_, address = socket.getaddrinfo(api.host, api.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if (loaded.settings.data_dir / SOCKET_NAME).exists():
            return Finding(about=about, state="fine", text="our own server listens there")
        do = "free it, or set api.port" if error.errno else "check api.host"
        return Finding(about=about, state="wrong", text=f"can't listen on {api.host}:{api.port}: {error.strerror or error}; {do}")
    return Finding(about=about, state="fine", text=f"free on {api.host}")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  decimal units
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
