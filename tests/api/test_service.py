"""Devices and units out of service, over HTTP."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from api.conftest import Connect
from api.fake_province import NOW, FakeProvince
from ioc.domain.alarm import Severity, Step
from ioc.domain.rfc3339 import to_rfc3339

PATH = "/api/v1/out-of-service"


async def post(client: TestClient[Any, Any], path: str, body: dict[str, Any], status: int = 201) -> Any:
    """The answer's document."""
    response = await client.post(path, json=body)
    assert response.status == status, await response.text()
    return await response.json(content_type=None)


async def listed(client: TestClient[Any, Any], **query: str) -> list[Any]:
    """The orders' devices or units."""
    response = await client.get(PATH, params=query)
    return [one["device"] or one["unit"] for one in (await response.json())["items"]]


async def test_takes_a_device_out_and_gives_it_back(connect: Connect) -> None:
    """Who, why and until when are told; what was given back is listed only where that is asked for."""
    client = await connect("operator-token")
    order = await post(client, PATH, {"device": "loa-0003", "reason": "thay loa", "until": to_rfc3339(NOW + 60_000)})
    assert (order["device"], order["by"], order["reason"], order["ended_at"]) == ("loa-0003", "truc-ca", "thay loa", None)
    assert await listed(client) == ["loa-0003"]
    back = await post(client, f"{PATH}/{order['id']}/return", {"reason": "đã xong"}, 200)
    assert back["ended_by"] == "truc-ca"
    assert await listed(client) == []
    assert await listed(client, ended="true") == ["loa-0003"]
    assert (await post(client, f"{PATH}/{order['id']}/return", {}, 409))["detail"].startswith("it was given back")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": "x"}, 400),
        ({"reason": "x", "device": "loa-0003", "unit": "04792-2025"}, 400),
        ({"device": "loa-0003"}, 400),
        ({"reason": "x", "device": "nobody"}, 404),
        ({"reason": "x", "unit": "nowhere"}, 404),
        ({"reason": "x", "device": "loa-0003", "until": to_rfc3339(NOW)}, 409),
    ],
)
async def test_refuses_what_makes_no_sense(connect: Connect, body: dict[str, Any], status: int) -> None:
    """With a problem document."""
    client = await connect("operator-token")
    await post(client, PATH, body, status)
    assert await listed(client) == []


async def test_keeps_technicians_to_their_units(connect: Connect, province: FakeProvince) -> None:
    """They neither see nor order what belongs to others."""
    elsewhere = next(view for view in province.views.values() if view.unit not in {None, "04792-2025"})
    mine = next(view for view in province.views.values() if view.unit == "04792-2025")
    technician = await connect("technician-token")
    await post(technician, PATH, {"device": elsewhere.id, "reason": "x"}, 404)
    await post(technician, PATH, {"unit": elsewhere.unit, "reason": "x"}, 404)
    await post(technician, PATH, {"device": mine.id, "reason": "x"})
    assert await listed(technician) == [mine.id]


async def test_technicians_see_orders_of_the_units_above_and_leave_them(connect: Connect) -> None:
    """These cover their devices; giving them back is for whoever answers for the unit above."""
    client = await connect("province-technician-token")
    order = await post(client, PATH, {"unit": "p25-2025", "reason": "bão"})
    client.session.headers["Authorization"] = "Bearer technician-token"
    assert await listed(client) == ["p25-2025"]
    assert "above yours" in (await post(client, f"{PATH}/{order['id']}/return", {}, 403))["detail"]
    assert await listed(client) == ["p25-2025"]


async def test_lets_viewers_only_look(connect: Connect) -> None:
    """The list is theirs to read."""
    client = await connect("viewer-token")
    await post(client, PATH, {"device": "loa-0003", "reason": "x"}, 403)
    assert await listed(client) == []


async def test_resets_and_returns_alarms(connect: Connect, province: FakeProvince) -> None:
    """What is latched is reset with a remark; before its condition is over that is a conflict."""
    client = await connect("operator-token")
    alarm = province.raise_alarm("loa-0003", "door", Severity.MAJOR, since=NOW)
    path = f"/api/v1/alarms/{alarm.id}"
    await post(client, f"{path}/reset", {}, 409)
    province.latch(alarm.id)
    shown = await (await client.get(path)).json()
    assert (shown["state"], shown["latched"], shown["normal_since"]) == ("active", True, to_rfc3339(NOW))
    assert (await post(client, f"{path}/reset", {"comment": "đã xem"}, 200))["state"] == "cleared"
    assert province.entries[alarm.id][-1].step is Step.RESET
    assert (await post(client, f"{path}/unshelve", {}, 200))["shelved_until"] is None
