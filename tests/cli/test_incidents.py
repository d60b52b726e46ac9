"""`ioc incidents`: what fell together, on the files of a site."""

import asyncio
import json
from pathlib import Path

import pytest

from cli.conftest import Command
from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Decisions
from ioc.domain.incident import Incident, IncidentMember


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an incident of two devices, one of them back."""

    async def fill() -> None:
        incident = Incident(
            id="i1", attribute="feeder", value="471-E4", since=1_763_860_000_000, members=2, recovered=1, exposed=3, fallen=2
        )
        parts = tuple(
            IncidentMember(
                incident="i1", device=f"loa-{n}", alarm=f"a{n}", rule="off", unit="u1", joined=1_763_860_000_000 + n, recovered=n
            )
            for n in (0, 1_763_860_060_000)
        )
        async with await StateDb.open(tmp_path / "state.db") as state:
            await state.take_epoch()
            await state.commit(Decisions(incidents=(incident,), members=parts))

    asyncio.run(fill())
    return tmp_path


def test_lists_and_shows_incidents(ioc: Command, data: Path) -> None:
    """What they share and how many are back; then the members with their times."""
    listed = ioc("incidents", "list", "--data-dir", data)
    assert listed.code == 0
    assert listed.out.splitlines()[1].split()[:4] == ["i1", "active", "feeder", "471-E4"]
    assert ioc("incidents", "list", "--over", "--data-dir", data).out == "No incident.\n"
    shown = ioc("incidents", "show", "i1", "--data-dir", data)
    assert "remaining:  1" in shown.out
    assert [line.split()[0] for line in shown.out.splitlines()[-2:]] == ["loa-0", "loa-1763860060000"]
    document = json.loads(ioc("incidents", "show", "i1", "--json", "--data-dir", data).out)
    assert (document["incident"]["id"], len(document["members"]), document["next"]) == ("i1", 2, None)


def test_unknown_incident_is_refused_with_a_way_on(ioc: Command, data: Path) -> None:
    """What is wrong, and where to look."""
    said = ioc("incidents", "show", "nothing", "--data-dir", data)
    assert said.code == 1
    assert "there is no incident 'nothing'; see `ioc incidents list`" in said.err
