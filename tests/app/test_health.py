"""/readyz tells the truth."""

from pathlib import Path

import pytest

from alerts.presence import Ears, Presence
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.app.health import HealthReader

NOW = 1_700_000_000_000


class Parts:
    """A session, a desk, a writer and a late store, set by hand."""

    def __init__(self, folder: Path) -> None:
        self.connected = True
        self.last_error: str | None = None
        self.ears = Ears(NOW)
        self.presence = Presence({"ioc-1": self.ears})
        self.state_fault: str | None = None
        self.not_durable: str | None = None
        self.down_since: int | None = None
        self.spool_full_since: int | None = None
        self.spool_error = ""
        self.prepared = True
        self.rate = 0.0
        self.health = HealthReader(
            sessions=[self],  # type: ignore[list-item]
            ears=[self.ears],
            desk=self,  # type: ignore[arg-type]
            writer=self,  # type: ignore[arg-type]
            drain=self,  # type: ignore[arg-type]
            store=self,  # type: ignore[arg-type]
            spool=Spool(spool_file(folder / "spool.db"), limit_bytes=1, clock=lambda: NOW),
            spooled=lambda: 0,
            evicted=lambda: 0,
            not_durable=lambda: self.not_durable,
        )

    @property
    def blind(self) -> bool:
        return bool(self.presence.deaf)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    made = Parts(tmp_path)
    made.ears.hearing.canary_back(sent_at=NOW, arrival=NOW + 5)
    return made


async def test_all_is_well_once_our_own_message_has_come_back(tmp_path: Path) -> None:
    """Connected is not enough."""
    parts = Parts(tmp_path)
    assert not parts.health.works()
    assert (await parts.health.checks()).broker.detail == "connected; waiting for our own test message"
    parts.ears.hearing.canary_back(sent_at=NOW, arrival=NOW + 5)
    assert parts.health.works()


async def test_broker_that_is_away_is_named_with_its_reason(parts: Parts) -> None:
    """In the session's words."""
    parts.connected = False
    parts.last_error = "wrong credentials"
    checks = await parts.health.checks()
    assert (checks.broker.ok, checks.broker.detail) == (False, "wrong credentials")


async def test_deafness_is_red_though_connected(parts: Parts) -> None:
    """And since when."""
    parts.presence.look(NOW + 1_000)
    for second in range(2, 20):
        parts.presence.look(NOW + second * 1_000)
    assert not (await parts.health.checks()).broker.ok
    platform = await parts.health.platform()
    assert (platform.hearing, platform.blind_since, platform.heard_until) == (False, NOW + 5, NOW)


async def test_spooling_counts_as_ready_and_says_so(parts: Parts) -> None:
    """Until the spool takes no more, or where the store could not be used since the start."""
    parts.down_since, parts.last_error = NOW, "connection refused"
    checks = await parts.health.checks()
    assert (checks.store.ok, checks.store.detail) == (True, "spooling, the store is away: connection refused")
    parts.prepared = False
    assert not (await parts.health.checks()).store.ok
    parts.prepared = True
    parts.spool_full_since, parts.spool_error = NOW, "the spool is full"
    checks = await parts.health.checks()
    assert not checks.store.ok
    assert checks.store.detail.endswith("the spool is full")


async def test_file_of_ours_that_cannot_be_written_is_red(parts: Parts) -> None:
    """Whichever it is: then nothing is acknowledged."""
    parts.not_durable = "quarantine: disk is full"
    checks = await parts.health.checks()
    assert (checks.state.ok, checks.state.detail) == (False, "quarantine: disk is full")
    parts.state_fault = "state.db: disk is full"
    assert (await parts.health.checks()).state.detail == "state.db: disk is full"
