"""Which real servers this machine has, and the sentence for each one that it lacks."""

import os
import shutil
from pathlib import Path

EXECUTABLES = {
    "mosquitto": ("mosquitto",),
    "influxdb": ("influxd",),
    "chromium": ("chromium",),
    "promtool": ("promtool",),
}
_DEBIAN_KEEPS_DAEMONS_IN = "/usr/local/sbin:/usr/sbin:/sbin"


def required() -> bool:
    """Whether a missing server fails the run (continuous integration) instead of skipping tests."""
    return os.environ.get("IOC_REQUIRE_SERVERS", "") not in {"", "0"}


def servers_folder() -> Path:
    """The folder of the servers that `make servers` builds: IOC_SERVERS, else ~/.cache/ioc-servers."""
    return Path(os.environ.get("IOC_SERVERS") or Path.home() / ".cache" / "ioc-servers")


def executable(program: str) -> str | None:
    """Path of a server's program, or None where it isn't installed; users without root lack /usr/sbin on PATH."""
    built = servers_folder() / program
    if os.access(built, os.X_OK):
        return str(built)
    return shutil.which(program) or shutil.which(program, path=_DEBIAN_KEEPS_DAEMONS_IN)


def missing(server: str) -> str | None:
    """None when the server can be started, else one sentence that says what is missing and how to get it."""
    absent = [program for program in EXECUTABLES[server] if executable(program) is None]
    if not absent:
        return None
    return f"needs a real {server}: {', '.join(absent)} is not installed here, `make servers` installs it"


def program(name: str) -> str:
    """Path of a program whose server was found present; LookupError with the sentence otherwise."""
    path = executable(name)
    if path is None:
        message = f"{name} is not installed here, `make servers` installs it"
        raise LookupError(message)
    return path
