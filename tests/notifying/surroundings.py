"""What tests open channels with."""

from pathlib import Path
from typing import Any

from alerts.channel_set import Surroundings
from notifying.stage import START


def around(folder: Path, **more: Any) -> Surroundings:
    """Files and state in one folder, a clock that stands still."""
    return Surroundings(**{"folder": folder, "data_dir": folder / "data", "clock": lambda: START, **more})
