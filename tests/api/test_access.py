"""Who may do what, and from where."""

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient

from api.conftest import Connect
from api.fake_province import NOW, FakeProvince
from ioc.api.route import Access
from ioc.api.routes import ROUTES
from ioc.domain.alarm import Alarm, Severity

MINE, OTHERS = "loa-0000", "loa-0001"  # the technician's unit is 04792-2025, the first commune
READ = ["/api/v1/devices", "/api/v1/units", "/api/v1/alarms", "/api/v1/ledger", "/api/v1/rules", "/api/v1/silences", "/api/v1/quarantine"]


def _alarm(province: FakeProvince, device: str = MINE) -> Alarm:
    return province.raise_alarm(device, "speaker_offline", Severity.MINOR, since=NOW)


@pytest.mark.parametrize("path", READ)
async def test_refuses_everybody_without_a_token(connect: Connect, path: str) -> None:
    """401 as a problem document that says how to log in."""
    client = await connect()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic viewer-token"}, {"Cookie": "ioc_session=wrong"}):
        response = await client.get(path, headers=headers)
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.access is not Access.PUBLIC], ids=lambda r: f"{r.method} {r.path}")
async def test_guards_every_route_that_is_not_public(connect: Connect, route: object) -> None:
    """No route is forgotten."""
    client = await connect()
    response = await client.request(route.method, route.path.replace("{id}", "x"))  # type: ignore[attr-defined]
    assert response.status == 401


@pytest.mark.parametrize(
    ("token", "status"),
    [("viewer-token", 403), ("operator-token", 200), ("technician-token", 200), ("province-technician-token", 200), ("admin-token", 200)],
)
async def test_lets_roles_act_as_declared(connect: Connect, province: FakeProvince, token: str, status: int) -> None:
    """A viewer reads only; a technician acts within its units, those below a province included."""
    alarm = _alarm(province)
    client = await connect(token)
    assert (await client.get(f"/api/v1/alarms/{alarm.id}")).status == 200
    assert (await client.post(f"/api/v1/alarms/{alarm.id}/ack")).status == status


@pytest.mark.parametrize(
    ("token", "status"), [("viewer-token", 403), ("operator-token", 200), ("technician-token", 403), ("admin-token", 200)]
)
async def test_lets_operators_approve_devices(connect: Connect, token: str, status: int) -> None:
    """Approval is not a technician's."""
    assert (await (await connect(token)).post("/api/v1/devices/held-1/approve")).status == status


async def test_shows_a_technician_its_units_only(connect: Connect, province: FakeProvince) -> None:
    """Other units' devices, alarms and payloads look as if they did not exist, and alarms about ourselves too."""
    theirs, own = _alarm(province, OTHERS), _alarm(province, MINE)
    client = await connect("technician-token")
    for path in (f"/api/v1/devices/{OTHERS}", f"/api/v1/alarms/{theirs.id}", f"/api/v1/alarms/{theirs.id}/journal"):
        assert (await client.get(path)).status == 404
    assert (await client.post(f"/api/v1/alarms/{theirs.id}/ack")).status == 404
    alarms = await (await client.get("/api/v1/alarms")).json()
    assert [item["id"] for item in alarms["items"]] == [own.id]
    devices = await (await client.get("/api/v1/devices", params={"limit": "1000"})).json()
    assert {item["unit"] for item in devices["items"]} == {"04792-2025"}
    units = await (await client.get("/api/v1/units")).json()
    assert [item["unit"] for item in units["items"]] == ["04792-2025"]
    families = await (await client.get("/api/v1/families")).json()
    assert next(item for item in families["items"] if item["family"] == "speaker")["counts"]["devices"] == 5
    assert (await client.get("/api/v1/quarantine/0001")).status == 200
    silence = {"until": "2025-12-01T00:00:00Z", "reason": "x", "unit": province.views[OTHERS].unit}
    assert (await client.post("/api/v1/silences", json=silence)).status == 403


async def _logged_in(connect: Connect) -> TestClient:
    client = await connect()
    client.session._cookie_jar = CookieJar(unsafe=True)
    response = await client.post("/api/v1/session", json={"token": "operator-token"})
    assert response.status == 200
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    return client


async def test_takes_a_token_into_a_cookie_and_forgets_it(connect: Connect) -> None:
    """POST logs in, GET tells who, DELETE logs out."""
    client = await _logged_in(connect)
    assert (await (await client.get("/api/v1/session")).json())["name"] == "truc-ca"
    origin = {"Origin": f"http://{client.host}:{client.port}"}
    assert (await client.delete("/api/v1/session", headers=origin)).status == 204
    assert (await client.get("/api/v1/session")).status == 401
    assert (await client.post("/api/v1/session", json={"token": "wrong"})).status == 401


async def test_ends_a_session_with_its_token(connect: Connect, province: FakeProvince) -> None:
    """A revoked token's cookie is worth nothing from the next request on."""
    client = await _logged_in(connect)
    del province.tokens_known["operator-token"]
    assert (await client.get("/api/v1/alarms")).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://{host}"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://{host}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
async def test_checks_where_a_write_by_cookie_comes_from(
    connect: Connect, province: FakeProvince, headers: dict[str, str], status: int
) -> None:
    """Only our own pages write with the cookie; reading needs no origin."""
    client = await _logged_in(connect)
    alarm = _alarm(province)
    filled = {name: value.format(host=f"{client.host}:{client.port}") for name, value in headers.items()}
    assert (await client.get(f"/api/v1/alarms/{alarm.id}", headers={"Origin": "http://evil.example"})).status == 200
    assert (await client.post(f"/api/v1/alarms/{alarm.id}/ack", headers=filled)).status == status


async def test_needs_no_login_where_access_is_open(connect: Connect, province: FakeProvince) -> None:
    """The demo's own machine reads and acts; a foreign page and a foreign host name do not."""
    alarm = _alarm(province)
    client = await connect(open_access=True)
    path = f"/api/v1/alarms/{alarm.id}"
    assert (await client.get(path)).status == 200
    assert (await client.post(f"{path}/ack")).status == 200
    assert (await client.post(f"{path}/ack", headers={"Origin": "http://evil.example"})).status == 403
    assert (await client.get(path, headers={"Host": "evil.example"})).status == 403
    assert (await client.get(path, headers={"Host": "localhost:8080"})).status == 200
    assert (await client.get(path, headers={"Authorization": "Bearer wrong"})).status == 401
