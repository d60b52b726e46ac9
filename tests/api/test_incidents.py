"""Mass outages over HTTP."""

from typing import Any

import msgspec
from aiohttp.test_utils import TestClient

from api.conftest import Connect
from api.fake_province import NOW, FakeProvince
from ioc.domain.alarm import Severity
from ioc.domain.held import Held, Hold
from ioc.domain.incident import Incident, IncidentMember


async def _json(client: TestClient[Any, Any], path: str, status: int = 200, **query: str) -> Any:
    response = await client.get(path, params=query)
    assert response.status == status, await response.text()
    return await response.json(content_type=None)


def fill(province: FakeProvince) -> str:
    """Two incidents: one goes on with an alarm of the technician's unit, one is over; the id of that alarm."""
    alarm = province.raise_alarm("loa-0003", "off", Severity.MAJOR, since=NOW)
    shares = {"attribute": "unit", "value": "u1", "members": 9, "recovered": 4, "exposed": 10, "fallen": 11}
    province.outages = {
        "i1": Incident(id="i1", since=NOW, also={"cell": "c1"}, **shares),
        "i2": Incident(id="i2", since=NOW - 5, until=NOW, **shares),
    }
    province.parts = [
        IncidentMember(incident="i1", device="loa-0003", alarm=alarm.id, rule="off", unit="04792-2025", joined=NOW),
        IncidentMember(incident="i2", device="x", alarm="x1", rule="off", unit="u1", joined=NOW - 5, recovered=NOW),
    ]
    return str(alarm.id)


async def test_lists_and_shows_incidents_with_their_members(connect: Connect, province: FakeProvince) -> None:
    """What they share, how many, how many are back; members with their times."""
    alarm = fill(province)
    client = await connect("viewer-token")
    assert [item["id"] for item in (await _json(client, "/api/v1/incidents"))["items"]] == ["i1", "i2"]
    assert [item["id"] for item in (await _json(client, "/api/v1/incidents", state="over"))["items"]] == ["i2"]
    assert await _json(client, "/api/v1/incidents/i1") == {
        "id": "i1", "state": "active", "attribute": "unit", "value": "u1", "also": {"cell": "c1"}, "since": "2025-11-23T01:06:05.000Z",
        "until": None, "members": 9, "recovered": 4, "remaining": 5, "exposed": 10, "fallen": 11,
    }  # fmt: skip
    (part,) = (await _json(client, "/api/v1/incidents/i1/members"))["items"]
    assert (part["device"], part["alarm"], part["recovered"]) == ("loa-0003", alarm, None)
    await _json(client, "/api/v1/incidents/nothing", 404)
    await _json(client, "/api/v1/incidents/nothing/members", 404)


async def test_alarm_names_its_incident(connect: Connect, province: FakeProvince) -> None:
    """In the list, alone, and in the answer to what a person does."""
    alarm = fill(province)
    client = await connect("operator-token")
    assert {item["id"]: item["incident"] for item in (await _json(client, "/api/v1/alarms"))["items"]}[alarm] == "i1"
    assert (await _json(client, f"/api/v1/alarms/{alarm}"))["incident"] == "i1"
    assert (await (await client.post(f"/api/v1/alarms/{alarm}/ack")).json())["incident"] == "i1"


async def test_technician_sees_incidents_with_members_in_its_units(connect: Connect, province: FakeProvince) -> None:
    """The others are not there."""
    fill(province)
    client = await connect("technician-token")
    assert [item["id"] for item in (await _json(client, "/api/v1/incidents"))["items"]] == ["i1"]
    await _json(client, "/api/v1/incidents/i2", 404)


def hold(province: FakeProvince) -> str:
    """Two alarms are held back, one of them in the technician's unit; its id."""
    alarm = msgspec.structs.replace(province.alarm_rows[fill(province)], unit="04792-2025")
    other = msgspec.structs.replace(alarm, id="zz", unit="u1")
    province.held_back = [Held(alarm=alarm, hold=Hold.INCIDENT, by="i1"), Held(alarm=other, hold=Hold.FLAPPING)]
    return alarm.id


async def test_lists_what_is_held_back_and_by_what(connect: Connect, province: FakeProvince) -> None:
    """So that every silence can be explained."""
    alarm = hold(province)
    client = await connect("viewer-token")
    found = (await _json(client, "/api/v1/held"))["items"]
    assert [(item["alarm"], item["device"], item["hold"], item["by"]) for item in found] == [
        (alarm, "loa-0003", "incident", "i1"),
        ("zz", "loa-0003", "flapping", None),
    ]
    page = await _json(client, "/api/v1/held", limit="1")
    assert [item["alarm"] for item in (await _json(client, "/api/v1/held", cursor=page["next"]))["items"]] == ["zz"]


async def test_technician_sees_what_is_held_back_in_its_units(connect: Connect, province: FakeProvince) -> None:
    """The other one is not there."""
    alarm = hold(province)
    assert [item["alarm"] for item in (await _json(await connect("technician-token"), "/api/v1/held"))["items"]] == [alarm]
