"""GET /api/v1/events over a real connection."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry

from api.conftest import Connect
from api.fake_province import FakeProvince
from ioc.api.handlers import events
from ioc.api.stream import Hub
from servers.waiting import PATIENCE_S, wait_until


class Reader:
    """Parses the stream as a browser does."""

    def __init__(self, response: ClientResponse) -> None:
        self._content = response.content

    async def block(self) -> dict[str, str]:
        """Fields of the next block; a comment comes as field `comment`."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._content.readline()).decode().rstrip("\n"):
                name, _, value = line.partition(":")
                fields[name or "comment"] = value.removeprefix(" ")
        return fields

    async def event(self) -> tuple[str, str, Any]:
        """Kind, id and document of the next event."""
        while "event" not in (fields := await self.block()):
            assert fields, "the stream ended"
        return fields["event"], fields["id"], json.loads(fields["data"])

    async def ended(self) -> bool:
        """Whether the server hangs up."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._content.read() == b""


@contextlib.asynccontextmanager
async def _stream(client: TestClient, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    async with client.get(f"/api/v1/events{query}", headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Reader(response)


async def test_greets_and_tells_what_happens(connect: Connect, hub: Hub) -> None:
    """A hello with a place to resume from, then events with ids that grow by one."""
    async with _stream(await connect("viewer-token")) as reader:
        kind, event_id, hello = await reader.event()
        assert (kind, event_id, hello["boot"]) == ("hello", "b1-0", "b1")
        hub.publish("alarm", {"id": "a1"})
        hub.publish("own", {"hearing": False})
        assert await reader.event() == ("alarm", "b1-1", {"id": "a1"})
        assert await reader.event() == ("own", "b1-2", {"hearing": False})


@pytest.mark.parametrize("by_header", [True, False])
async def test_resumes_after_the_last_event_id(connect: Connect, hub: Hub, by_header: bool) -> None:  # noqa: FBT001
    """Nothing is lost and nothing comes twice, by header or by query."""
    for number in range(1, 6):
        hub.publish("alarm", {"n": number})
    client = await connect("viewer-token")
    how = {"Last-Event-ID": "b1-3"} if by_header else {}
    async with _stream(client, "" if by_header else "?last_event_id=b1-3", **how) as reader:
        assert [(await reader.event())[1] for _ in range(2)] == ["b1-4", "b1-5"]


@pytest.mark.parametrize("last", ["b0-3", "b1-1", "b1-999", "nonsense"])
async def test_resets_where_it_can_not_resume(connect: Connect, hub: Hub, last: str) -> None:
    """An id of another run, or one that has left the ring, begins with a reset at the present."""
    for number in range(60):
        hub.publish("alarm", {"n": number})
    async with _stream(await connect("viewer-token"), **{"Last-Event-ID": last}) as reader:
        kind, event_id, _ = await reader.event()
        assert (kind, event_id) == ("reset", "b1-60")


async def test_resets_a_client_that_was_away_while_samples_were_passed_over(connect: Connect, hub: Hub) -> None:
    """Nobody read, so no samples were made into events: whoever comes back learns that some are missing."""
    hub.publish("alarm", {"n": 1})
    assert not hub.has_audience()
    hub.publish("alarm", {"n": 2})
    client = await connect("viewer-token")
    async with _stream(client, **{"Last-Event-ID": "b1-1"}) as reader:
        assert (await reader.event())[:2] == ("reset", "b1-2")
        assert hub.has_audience()
        hub.publish("alarm", {"n": 3})
    async with _stream(client, **{"Last-Event-ID": "b1-2"}) as reader:
        assert (await reader.event())[1] == "b1-3"
    await wait_until(lambda: hub.readers == 0)
    assert hub.has_audience()


async def test_sends_the_kinds_that_were_asked_for(connect: Connect, hub: Hub) -> None:
    """The others don't cross the network."""
    async with _stream(await connect("viewer-token"), "?kinds=own,alarm") as reader:
        await reader.event()
        for kind in ("sample", "liveness", "own"):
            hub.publish(kind, {"kind": kind})
        assert (await reader.event())[0] == "own"


async def test_keeps_events_of_other_units_from_a_technician(connect: Connect, hub: Hub) -> None:
    """Scope holds on the stream too."""
    async with _stream(await connect("technician-token")) as reader:
        await reader.event()
        hub.publish("alarm", {"n": 1}, unit="08230-2025")
        hub.publish("alarm", {"n": 2}, unit="04792-2025")
        assert (await reader.event())[2] == {"n": 2}


async def test_sends_a_heartbeat_when_nothing_happens(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, so that both ends notice a dead line."""
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.01)
    async with _stream(await connect("viewer-token")) as reader:
        await reader.event()
        assert (await reader.block()) == {"comment": "heartbeat"}


async def test_resets_a_client_that_reads_too_slowly(connect: Connect, hub: Hub, registry: CollectorRegistry) -> None:
    """While a client takes nothing, the server buffers no more than its ring; then the client starts again from a snapshot."""
    async with _stream(await connect("viewer-token")) as reader:
        await reader.event()
        for _ in range(300):  # far more than sockets and transport hold
            for _ in range(50):
                hub.publish("alarm", {"text": "x" * 20_000})
            await asyncio.sleep(0)
        assert len(hub._ring) <= 50
        while (await reader.event())[1] != hub.event_id(hub.position):
            pass
        hub.publish("alarm", {"after": True})
        assert await reader.event() == ("alarm", hub.event_id(hub.position), {"after": True})
        resets = registry.get_sample_value("ioc_api_stream_resets_total")
        assert resets is not None
        assert resets >= 1


async def test_hangs_up_when_the_token_ends(connect: Connect, hub: Hub, province: FakeProvince) -> None:
    """A revoked token's stream does not go on for months."""
    async with _stream(await connect("viewer-token")) as reader:
        await reader.event()
        del province.tokens_known["viewer-token"]
        province.now += events.RECHECK_MS
        hub.publish("alarm", {})
        await reader.event()
        assert await reader.ended()


async def test_hangs_up_when_the_server_stops(connect: Connect, hub: Hub) -> None:
    """Shutting down does not wait for open screens."""
    async with _stream(await connect("viewer-token")) as reader:
        await reader.event()
        hub.close()
        assert await reader.ended()
    assert hub.readers == 0


async def test_bounds_the_number_of_streams(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than allowed is a 503 that says when to come again."""
    monkeypatch.setattr(events, "MAX_CLIENTS", 1)
    client = await connect("viewer-token")
    async with _stream(client):
        refused = await client.get("/api/v1/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
