"""From a fresh clone to the first tile with data: `git clone`, `make demo`, the API's and the wall's first devices.

    python bench/first_tile.py [--cold]

`--cold` gives pip and uv an empty cache of their own, so that every package comes over the network; without it they use what
earlier installations left. Anything committed counts; the working tree does not.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from stand import heading, say

from servers.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
GIVE_UP_S = 900


def measure(folder: Path, *, cold: bool) -> bool:
    """Prints the times; whether there was a tile."""
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if cold:
        cache = str(folder / "cache")
        environment |= {"PIP_CACHE_DIR": cache, "UV_CACHE_DIR": cache, "XDG_CACHE_HOME": cache}
    clone, port = folder / "clone", free_port()
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S603, S607 - our own argv
    say("git clone", f"{time.monotonic() - began:.1f} s")
    first = demo(clone, port, environment, began)
    say("size of .venv", f"{sum(file.stat().st_size for file in (clone / '.venv').rglob('*') if file.is_file()) / 2**20:.0f} MB")
    again = time.monotonic()
    second = demo(clone, port, environment, again)
    return first and second


def demo(clone: Path, port: int, environment: dict[str, str], began: float) -> bool:
    """Runs `make demo` until the wall's first tile has data, then ends it with Ctrl-C."""
    log = clone.parent / "demo.log"
    with log.open("ab") as out:
        child = subprocess.Popen(  # noqa: S603 - our own argv
            ["make", "demo", f"ARGS=--port {port}"],  # noqa: S607 - make from PATH
            cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        serving: float | None = None
        while time.monotonic() - began < GIVE_UP_S and child.poll() is None:
            units = _units(port)
            if units is not None and serving is None:
                serving = time.monotonic()
                say("the wall answers", f"{serving - began:.1f} s")
            if units and any(counts["online"] for unit in units for counts in unit["families"].values()):
                say(
                    "first tile with data",
                    f"{time.monotonic() - began:.1f} s, {time.monotonic() - (serving or began):.1f} s after the wall",
                )
                return True
            time.sleep(0.1)
        print(log.read_text(errors="replace")[-3000:])
        return False
    finally:
        ended = time.monotonic()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        try:
            code = child.wait(30)
            say("Ctrl-C to the end", f"{time.monotonic() - ended:.1f} s, exit code {code}")
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            say("Ctrl-C to the end", "not within 30 s")


def _units(port: int) -> list[dict[str, Any]] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/units?limit=1000", timeout=2) as answer:
            items: list[dict[str, Any]] = json.load(answer)["items"]
            return items
    except (OSError, ValueError):
        return None


def main() -> int:
    """Exit code 1 when no tile came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    heading(f"Fresh clone to first tile, {'cold' if options.cold else 'warm'} package cache")
    folder = Path(tempfile.mkdtemp(prefix="ioc-first-tile-"))
    try:
        return 0 if measure(folder, cold=options.cold) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
