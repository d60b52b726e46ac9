"""Feeds one target of tests/harm/fuzzing.py by coverage, with atheris: python bench/faults/coverage.py TARGET SECONDS."""

import sys
from pathlib import Path

import atheris

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "tests"), str(_ROOT)]

with atheris.instrument_imports(include=["collectors", "ioc", "alerts"]):
    from harm import fuzzing


def main() -> None:
    """Never returns: libFuzzer ends the process, with a code other than 0 where something was uncaught or took 5 s."""
    name, seconds = sys.argv[1], sys.argv[2]
    options = [f"-max_total_time={seconds}", "-max_len=70000", "-timeout=5", "-print_final_stats=1", "-verbosity=1", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *options], fuzzing.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
