"""A state database on a real file, and values to put into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ioc.adapters.state import StateDb


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's state.db lies."""
    return tmp_path / "state.db"


@pytest.fixture
async def state(path: Path) -> AsyncIterator[StateDb]:
    """An empty state database whose epoch is taken."""
    async with await StateDb.open(path) as opened:
        await opened.take_epoch()
        yield opened
