"""Answers that a real InfluxDB can't be made to give: a small server that takes lines as it does, and fails as told."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from ioc.adapters.influx import InfluxStore
from ioc.domain.point import Point, StoreDeniedError, StoreUnavailableError

TOKEN = "very-secret-token"  # noqa: S105
TS = 1_795_000_000_000
Verdict = Callable[[list[str]], tuple[int, str]]


class FlakyInflux:
    """Remembers lines by identity. `judge` decides each write: 204 stores all, 422 all but those that `poison` names."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], str] = {}
        self.bodies: list[bytes] = []
        self.headers: list[Any] = []
        self.requests = 0
        self.poison: Callable[[str], bool] = lambda _line: False
        self.judge: Callable[[list[str]], web.Response | Awaitable[web.Response]] = self.usual
        self.query: Callable[[web.Request], web.Response | Awaitable[web.Response]] = lambda _request: web.json_response({"results": []})

    def usual(self, lines: list[str]) -> web.Response:
        """As the real one does."""
        refused = [line for line in lines if self.poison(line)]
        for line in lines:
            if line not in refused:
                identity, _, ts = line.rpartition(" ")
                self.stored[identity.split(" ", 1)[0], ts] = line
        return problem(422, "partial write: something odd dropped=1") if refused else web.Response(status=204)

    async def write(self, request: web.Request) -> web.StreamResponse:
        """POST /api/v2/write."""
        self.requests += 1
        body = await request.content.read()
        self.headers.append(request.headers)
        self.bodies.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        answer = self.judge(self.bodies[-1].decode().split("\n"))
        return await answer if isinstance(answer, Awaitable) else answer

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """GET /query."""
        answer = self.query(request)
        return await answer if isinstance(answer, Awaitable) else answer


def problem(status: int, message: str, **headers: str) -> web.Response:
    """A refusal in InfluxDB's form."""
    return web.json_response({"code": "x", "message": message}, status=status, headers=headers)


@pytest.fixture
async def server(aiohttp_server: Any) -> FlakyInflux:
    """Listening on loopback."""
    flaky = FlakyInflux()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/api/v2/write", flaky.write)
    app.router.add_get("/query", flaky.ask)
    flaky.url = str((await aiohttp_server(app)).make_url(""))  # type: ignore[attr-defined]
    return flaky


@pytest.fixture
async def store(server: Any) -> AsyncIterator[InfluxStore]:
    """More patience than any answer here takes, however busy the machine is."""
    opened = InfluxStore(server.url, org="ioc", bucket="ioc", token=TOKEN, timeout_ms=60_000)
    yield opened
    await opened.close()


def points(count: int) -> list[Point]:
    """Points of different devices."""
    return [Point.of("speaker", (("device", f"d{i}"),), {"v": float(i), "lag_ms": 0}, TS) for i in range(count)]


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7_000),
        (503, {"Retry-After": "Mon, 23 Nov 2026 00:00:30 GMT", "Date": "Mon, 23 Nov 2026 00:00:00 GMT"}, 30_000),
        (503, {"Retry-After": "soon"}, None),
        (503, {}, None),
        (500, {}, None),
        (408, {}, None),
    ],
)
async def test_busy_server_is_left_alone_as_long_as_it_asks(
    server: FlakyInflux, store: InfluxStore, status: int, headers: dict[str, str], wait: int | None
) -> None:
    """One request, then the wish is the caller's to keep; not a matter for a person."""
    server.judge = lambda _lines: problem(status, "too busy", **headers)
    with pytest.raises(StoreUnavailableError, match=f"{status}.*too busy") as caught:
        await store.write(points(10))
    assert caught.value.retry_after_ms == wait
    assert not isinstance(caught.value, StoreDeniedError)
    assert server.requests == 1


async def test_nothing_is_sent_before_the_server_wants_it(server: FlakyInflux) -> None:
    """Neither by who was told so, nor by anybody else; half-way through a batch too."""
    now = [100.0]
    store = InfluxStore(server.url, org="ioc", bucket="ioc", token=TOKEN, timeout_ms=60_000, monotonic=lambda: now[0])
    server.judge = lambda _lines: problem(503, "too busy", **{"Retry-After": "30"})
    with pytest.raises(StoreUnavailableError):
        await store.write(points(10))
    server.judge = server.usual
    for now[0], left in ((100.0, 30_000), (129.5, 500)):
        with pytest.raises(StoreUnavailableError, match="asked to be left alone") as caught:
            await store.write(points(1))
        assert caught.value.retry_after_ms == left
        with pytest.raises(StoreUnavailableError):
            await store.ping()
    assert server.requests == 1
    now[0] = 130.0
    assert await store.write(points(10)) == []
    await store.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (problem(401, "unauthorized access"), "does not know this token"),
        (problem(403, "insufficient permissions"), "may not do this"),
        (problem(404, 'bucket "ioc" not found'), 'bucket "ioc" not found'),
        (problem(405, "method not allowed"), "405"),
        (web.Response(status=302, headers={"Location": "https://login.example/"}), "redirects to https://login.example/"),
        (web.Response(status=200, text="<html>please log in"), "answers a write with 200 instead of 204"),
    ],
)
async def test_refusal_that_needs_a_person_is_named(server: FlakyInflux, store: InfluxStore, answer: web.Response, words: str) -> None:
    """With what to check; the token stays out of it. Nothing counts as stored but 204."""
    server.judge = lambda _lines: answer
    with pytest.raises(StoreDeniedError, match=words) as caught:
        await store.write(points(10))
    assert TOKEN not in caught.value.detail
    assert server.requests == 1


async def test_slow_server_is_given_up_and_the_same_bytes_go_again(server: FlakyInflux, store: InfluxStore) -> None:
    """It may have stored them; written again they are the same points."""
    hang = asyncio.Event()
    impatient = InfluxStore(server.url, org="ioc", bucket="ioc", token=TOKEN, timeout_ms=2_000)

    async def never(lines: list[str]) -> web.Response:
        server.usual(lines)
        await hang.wait()
        return web.Response(status=204)

    server.judge = never
    with pytest.raises(StoreUnavailableError, match=r"gave no answer within 2 s"):
        await impatient.write(points(10))
    await impatient.close()
    hang.set()
    server.judge = server.usual
    assert await store.write(points(10)) == []
    assert server.bodies[0] == server.bodies[1]
    assert len(server.stored) == 10


async def test_connection_that_breaks_is_no_answer() -> None:
    """Before and in the middle of the answer."""
    sockets: list[bytes] = [b"", b"HTTP/1.1 204 No Co", b'HTTP/1.1 400 Bad\r\nContent-Length: 500\r\n\r\n{"mess']

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sockets.pop())
        writer.close()

    listener = await asyncio.start_server(broken, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    flaky = InfluxStore(f"http://127.0.0.1:{port}", org="o", bucket="b", token=TOKEN, timeout_ms=60_000)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match="can't be reached"):
            await flaky.write(points(1))
    await flaky.close()
    listener.close()


async def test_batch_too_large_is_halved_until_it_fits(server: FlakyInflux, store: InfluxStore) -> None:
    """And a point too large by itself is refused by itself."""

    def small_only(lines: list[str]) -> web.Response:
        return problem(413, "request too large") if sum(map(len, lines)) > 20_000 else server.usual(lines)

    server.judge = small_only
    batch = points(2_000)
    batch[5] = Point.of("event", (("device", "d"),), {"body": "x" * 30_000}, TS)
    refusals = await store.write(batch)
    assert [(refusal.index, refusal.field, refusal.detail) for refusal in refusals] == [(5, None, "request too large")]
    assert len(server.stored) == 1_999


async def test_line_that_can_not_be_read_is_taken_out(server: FlakyInflux, store: InfluxStore) -> None:
    """400: nothing of the batch was stored; the named line is refused, the rest goes again."""

    def strict(lines: list[str]) -> web.Response:
        bad = [line for line in lines if "d7" in line]
        if bad:
            return problem(400, "\n".join(f"unable to parse '{line}': it's odd: very" for line in bad))
        return server.usual(lines)

    server.judge = strict
    refusals = await store.write(points(10))
    assert [(refusal.index, refusal.field, refusal.detail) for refusal in refusals] == [(7, None, "it's odd: very")]
    assert (len(server.stored), server.requests) == (9, 2)


async def test_one_bad_point_of_5000_is_found_in_27_requests(server: FlakyInflux, store: InfluxStore) -> None:
    """Whatever the server doesn't say: 4,999 stored, 1 refused with its words."""
    server.poison = lambda line: "device=d1234 " in line
    refusals = await store.write(points(5_000))
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(1_234, None)]
    assert "something odd" in refusals[0].detail
    assert len(server.stored) == 4_999
    assert server.requests <= 27


async def test_400_that_names_no_line_is_halved_too(server: FlakyInflux, store: InfluxStore) -> None:
    """Nothing is stored until the bad one stands alone."""
    server.judge = lambda lines: problem(400, "no idea") if any("d77 " in line for line in lines) else server.usual(lines)
    assert [refusal.index for refusal in await store.write(points(200))] == [77]
    assert len(server.stored) == 199


async def test_unclear_batch_ends_after_64_requests(server: FlakyInflux, store: InfluxStore) -> None:
    """It blocks nothing behind it: what stayed unclear is refused and can be replayed; the good ones of a 422 are stored anyway."""
    server.poison = lambda line: "0 " in line.split(",")[1]
    refusals = await store.write(points(5_000))
    assert server.requests == 64
    assert len(server.stored) == 4_500
    refused = {refusal.index for refusal in refusals}
    assert {i for i in range(5_000) if i % 10 == 0} <= refused
    assert all("unclear within 64 requests" in refusal.detail or "something odd" in refusal.detail for refusal in refusals)


async def test_batches_of_one_call_hold_5000_points_each(server: FlakyInflux, store: InfluxStore) -> None:
    """Compressed, in ms."""
    await store.write(points(12_000))
    assert [body.count(b"\n") + 1 for body in server.bodies] == [5_000, 5_000, 2_000]
    assert {headers["Content-Encoding"] for headers in server.headers} == {"gzip"}
    assert {headers["Authorization"] for headers in server.headers} == {f"Token {TOKEN}"}


async def test_point_on_which_the_server_fails_is_found_after_five_failures(server: FlakyInflux, store: InfluxStore) -> None:
    """500 means retry; the same batch failing for ever blocks all others, so it is taken apart at last."""
    server.judge = lambda lines: problem(500, "panic") if any("d3 " in line for line in lines) else server.usual(lines)
    for _ in range(5):
        with pytest.raises(StoreUnavailableError, match="panic"):
            await store.write(points(8))
    assert [(refusal.index, refusal.detail) for refusal in await store.write(points(8))] == [(3, "panic")]
    assert len(server.stored) == 7


async def test_server_that_fails_on_everything_refuses_nothing(server: FlakyInflux, store: InfluxStore) -> None:
    """However often: its disk may be full."""
    server.judge = lambda _lines: problem(500, "no space left on device")
    for _ in range(12):
        with pytest.raises(StoreUnavailableError, match="no space left"):
            await store.write(points(8))


async def test_answer_in_pieces_is_put_together(server: FlakyInflux, store: InfluxStore) -> None:
    """Chunks of one series follow each other in documents of their own."""
    series = [{"name": "m", "columns": ["time", "v"], "values": [[i, i]], "partial": True} for i in range(3)]
    pieces = [{"results": [{"statement_id": 0, "series": [piece], "partial": True}]} for piece in series]

    def answer(request: web.Request) -> web.Response:
        if "SHOW FIELD KEYS" in request.query["q"]:
            keys = {"name": "m", "columns": ["fieldKey", "fieldType"], "values": [["v", "float"]]}
            return web.json_response({"results": [{"statement_id": 0, "series": [keys]}]})
        return web.Response(body=b"\n".join(map(msgspec.json.encode, pieces)) + b"\n\n")

    server.query = answer
    rows = await store.series("m", {}, "v", 0, 10, None)
    assert [(row.ts, row.value) for row in rows] == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert all(isinstance(row.value, float) for row in rows)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.Response(text="<html>"), "can't be read"),
        (web.Response(body=b"\xff\xfe"), "can't be read"),
        (web.json_response({"results": [{"statement_id": 0, "error": "database not found: x"}]}), "refuses the query: database not"),
        (problem(400, "error parsing query"), "error parsing query"),
        (problem(503, "busy", **{"Retry-After": "2"}), "busy"),
    ],
)
async def test_query_that_fails_says_why(server: FlakyInflux, store: InfluxStore, answer: web.Response, words: str) -> None:
    """Always as StoreUnavailableError."""
    server.query = lambda _request: answer
    with pytest.raises(StoreUnavailableError, match=words):
        await store.count("m", 0, 1)


async def test_answer_without_end_is_cut_off(server: FlakyInflux, store: InfluxStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded."""
    monkeypatch.setattr("ioc.adapters.influx_http._ANSWER_MOST", 1 << 20)
    server.query = lambda _request: web.Response(body=b" " * (2 << 20))
    with pytest.raises(StoreUnavailableError, match="ask for less at once"):
        await store.count("m", 0, 1)
