"""Incidents and their members in the state database."""

from typing import Any

import pytest

from ioc.adapters.state import StateDb
from ioc.domain.alarm import Decisions
from ioc.domain.incident import Incident, IncidentFilter, IncidentMember
from ioc.domain.state import CursorError


def incident(name: str, since: int, **changes: Any) -> Incident:
    """An incident of one commune."""
    given = {"attribute": "unit", "value": "u1", "also": {"cell": "c1"}, "members": 2, "recovered": 0, "exposed": 3, "fallen": 2}
    return Incident(**{"id": name, "since": since, **given, **changes})


def member(name: str, alarm: str, joined: int, **changes: Any) -> IncidentMember:
    """A device's part, named like its alarm."""
    return IncidentMember(
        **{"incident": name, "device": f"d-{alarm}", "alarm": alarm, "rule": "off", "unit": "u1", "joined": joined, **changes}
    )


async def listed(state: StateDb, limit: int = 10, cursor: str | None = None, **wanted: Any) -> tuple[str, str | None]:
    """Ids as one word, and the cursor of what follows."""
    found, following = await state.incidents.incidents(IncidentFilter(**wanted), limit=limit, cursor=cursor)
    return "".join(one.id for one in found), following


async def test_incidents_are_kept_as_they_were_last_decided(state: StateDb) -> None:
    """The last state of incident and member holds; one that turned out to be none is gone with its members."""
    await state.commit(Decisions(incidents=(incident("a", 1), incident("x", 1)), members=(member("a", "1", 5), member("x", "2", 5))))
    after = incident("a", 1, until=9, recovered=2)
    back = member("a", "1", 5, recovered=8)
    await state.commit(Decisions(incidents=(after,), members=(back,), dissolved=("x",)))
    assert await state.incidents.incident("a") == after
    assert await state.incidents.incident("x") is None
    assert await state.incidents.members("a", units=None, limit=9, cursor=None) == ([back], None)
    assert await state.incidents.incidents_of(["1", "2", "3"]) == {"1": "a"}


async def test_incidents_are_listed_newest_first_and_narrowed(state: StateDb) -> None:
    """By whether they go on, and by the units of their members."""
    parts = (member("a", "1", 1), member("b", "2", 1, unit="u2"), member("c", "3", 1, unit=None))
    await state.commit(Decisions(incidents=(incident("a", 1), incident("b", 2, until=5), incident("c", 2)), members=parts))
    assert await listed(state) == ("cba", None)
    assert await listed(state, active=True) == ("ca", None)
    assert await listed(state, active=False) == ("b", None)
    assert await listed(state, units=frozenset({"u1", "u2"})) == ("ba", None)
    assert await listed(state, units=frozenset()) == ("", None)
    assert await listed(state, limit=2) == ("cb", "b")
    assert await listed(state, cursor="b") == ("a", None)
    with pytest.raises(CursorError, match="no incident's id"):
        await listed(state, cursor="nothing")


async def test_members_are_listed_as_they_joined(state: StateDb) -> None:
    """Page by page, and those of some units."""
    parts = tuple(member("a", str(n), 9 - n, unit=f"u{n % 2}") for n in range(5))
    await state.commit(Decisions(incidents=(incident("a", 1),), members=parts))
    found, following = await state.incidents.members("a", units=None, limit=3, cursor=None)
    assert ([one.alarm for one in found], following) == (["4", "3", "2"], "2")
    found, following = await state.incidents.members("a", units=None, limit=3, cursor=following)
    assert ([one.alarm for one in found], following) == (["1", "0"], None)
    found, _ = await state.incidents.members("a", units=frozenset({"u1"}), limit=9, cursor=None)
    assert [one.alarm for one in found] == ["3", "1"]
    with pytest.raises(CursorError, match="no member's alarm"):
        await state.incidents.members("a", units=None, limit=3, cursor="nothing")
