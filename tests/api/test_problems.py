"""Every error is a problem document that says what is wrong."""

import socket
from typing import Any

import pytest

from api.conftest import Connect
from api.fake_province import FakeProvince
from ioc.domain.state import StateUnavailableError
from servers.waiting import PATIENCE_S

CASES: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/nowhere", {}, 404, "/openapi.json"),
    ("GET", "/api/v1/devices/nobody", {}, 404, "device 'nobody'"),
    ("GET", "/wall/nothing.js", {}, 404, "begins at /wall/"),
    ("PATCH", "/api/v1/alarms", {}, 405, "Allow"),
    ("POST", "/wall/", {}, 405, "Allow"),
    ("GET", "/api/v1/alarms?severty=major", {}, 400, "did you mean 'severity'"),
    ("GET", "/api/v1/alarms?severity=loud", {}, 400, "severity"),
    ("GET", "/api/v1/alarms?limit=0", {}, 400, "limit"),
    ("GET", "/api/v1/alarms?limit=1001", {}, 400, "limit"),
    ("GET", "/api/v1/alarms?limit=1&limit=2", {}, 400, "twice"),
    ("GET", "/api/v1/alarms?cursor=foreign", {}, 409, "cursor"),
    ("GET", "/api/v1/ledger?from=yesterday", {}, 400, "RFC 3339"),
    ("GET", "/api/v1/ledger?from=1763860000", {}, 400, "RFC 3339"),
    ("GET", "/api/v1/ledger?from=2025-01-01T00:00:00", {}, 400, "RFC 3339"),
    ("GET", "/api/v1/devices/loa-0001/series", {}, 400, "metric"),
    ("GET", "/api/v1/devices/loa-0001/series?metric=volume&every=often", {}, 400, "every"),
    ("GET", "/api/v1/events?kinds=gossip", {}, 400, "gossip"),
    ("POST", "/api/v1/silences", {"json": {"reason": "x"}}, 400, "until"),
    ("POST", "/api/v1/silences", {"json": {"reason": "x", "untill": "y"}}, 400, "untill"),
    ("POST", "/api/v1/silences", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "Body"),
    ("POST", "/api/v1/silences", {"data": b'"\xff"', "headers": {"Content-Type": "application/json"}}, 400, "Body"),
    ("POST", "/api/v1/silences", {"data": b"a=b", "headers": {"Content-Type": "text/plain"}}, 415, "application/json"),
    ("POST", "/api/v1/silences", {"data": b"x" * 300_000, "headers": {"Content-Type": "application/json"}}, 413, "too large"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), CASES, ids=[f"{case[0]} {case[1]} {case[3]}" for case in CASES])
async def test_answers_an_error_with_a_problem(  # noqa: PLR0917  a case of the table
    connect: Connect, method: str, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    """RFC 9457: status, title and a detail that names the cause."""
    response = await (await connect("admin-token")).request(method, path, **body)
    assert (response.status, response.content_type) == (status, "application/problem+json")
    document = await response.json(content_type=None)
    assert document["status"] == status
    assert document["title"]
    assert words in document["detail"]
    assert (status == 405) == ("Allow" in response.headers)


async def test_hides_what_went_wrong_inside(connect: Connect, province: FakeProvince, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected failure is a 500 without a traceback; a state file that can't be read is a 503 that says so."""
    client = await connect("admin-token")

    async def broken() -> None:
        raise ZeroDivisionError

    async def locked() -> None:
        raise StateUnavailableError("state.db is locked")  # noqa: EM101, TRY003

    monkeypatch.setattr(province, "rules", broken)
    response = await client.get("/api/v1/rules")
    assert response.status == 500
    assert "ZeroDivision" not in await response.text()
    monkeypatch.setattr(province, "rules", locked)
    response = await client.get("/api/v1/rules")
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert (await response.json(content_type=None))["detail"] == "state.db is locked"


@pytest.mark.parametrize("path", ["/wall/", "/api/v1/alarms", "/nowhere", "/healthz"])
async def test_sends_security_headers_with_everything(connect: Connect, path: str) -> None:
    """Pages load from ourselves only, and nobody frames or sniffs them."""
    headers = (await (await connect()).get(path)).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "frame-ancestors" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/wall/../api/app.py", "/wall/%2e%2e/__init__.py", "/wall/..%2f__init__.py", "/wall//etc/passwd", "/wall/%00"]
)
async def test_serves_no_file_outside_the_wall(connect: Connect, path: str) -> None:
    """The folder can't be left, however the way out is written."""
    client = await connect()
    raw = await _raw(client.host, client.port or 0, path)
    assert b" 404 " in raw.splitlines()[0] or b" 403 " in raw.splitlines()[0] or b" 400 " in raw.splitlines()[0], raw[:200]
    assert b"root:" not in raw
    assert b"import" not in raw


async def test_leads_from_the_root_to_the_wall(connect: Connect) -> None:
    """`/` and `/wall` redirect to `/wall/` and keep the language asked for."""
    client = await connect()
    for path in ("/", "/wall"):
        response = await client.get(f"{path}?lang=en", allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, "/wall/?lang=en")


async def _raw(host: str, port: int, path: str) -> bytes:
    """A request that no client library tidies up."""
    import asyncio  # noqa: PLC0415

    reader, writer = await asyncio.open_connection(host, port, family=socket.AF_INET)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer
