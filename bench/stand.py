"""What every figure needs: the tests' harness, real servers in a temporary folder, percentiles, the machine."""

import os
import platform
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto


@dataclass(frozen=True, slots=True)
class Stand:
    """A folder that goes away, a broker, a store."""

    folder: Path
    broker: Mosquitto
    influx: InfluxDB


@contextmanager
def stand(broker_options: Mapping[str, object] | None = None) -> Iterator[Stand]:
    """Real Mosquitto and InfluxDB on loopback, ended with the block. IOC_BENCH_KEEP=1 keeps the folder and says where."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end with us
    keep = os.environ.get("IOC_BENCH_KEEP", "") not in {"", "0"}
    folder = Path(tempfile.mkdtemp(prefix="ioc-bench-"))
    broker, influx = Mosquitto(folder / "mosquitto", options=broker_options), InfluxDB(folder / "influxdb")
    try:
        broker.start()
        influx.start()
        yield Stand(folder, broker, influx)
    finally:
        influx.stop()
        broker.stop()
        if keep:
            print(f"kept: {folder}")
        else:
            remove(folder)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], unit: str = "ms") -> str:
    """Median, p99 and worst."""
    if not values:
        return "nothing measured"
    middle, late, worst = statistics.median(values), quantile(values, 0.99), max(values)
    return f"median {middle:.0f} {unit}, p99 {late:.0f} {unit}, worst {worst:.0f} {unit} ({len(values)} measured)"


def heading(title: str) -> None:
    """The title, the command and the machine."""
    print(f"# {title}")
    print(f"command: {' '.join(['python', *sys.argv])}")
    print(f"machine: {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


def say(name: str, value: object, expected: object | None = None) -> bool:
    """One line; with an expectation also whether it holds."""
    if expected is None:
        print(f"{name:<46} {value}")
        return True
    holds = value == expected
    print(f"{name:<46} {value!s:<12} {'as expected' if holds else f'EXPECTED {expected}'}")
    return holds


def remove(folder: Path) -> None:
    """Takes a folder and all that is in it away."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()
