"""The application in front of a province in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from api.fake_province import FakeProvince
from ioc.api.app import build_app
from ioc.api.stream import Hub


@pytest.fixture
def province() -> FakeProvince:
    """A quiet province: everything works, nothing is raised."""
    return FakeProvince()


@pytest.fixture
def hub(province: FakeProvince) -> Hub:
    """A small ring, so that tests reach its end."""
    return Hub(clock=province.clock, boot="b1", max_events=50)


@pytest.fixture
def registry() -> CollectorRegistry:
    """What /metrics shows."""
    return CollectorRegistry()


Connect = Callable[..., Awaitable[TestClient]]


@pytest.fixture
async def connect(province: FakeProvince, hub: Hub, registry: CollectorRegistry) -> AsyncIterator[Connect]:
    """To be awaited as `connect(token, open_access=False)`: a client of a running server, with that bearer token."""
    clients: list[TestClient] = []

    async def start(token: str | None = None, *, open_access: bool = False) -> TestClient:
        app = build_app(province.backend(), hub, registry=registry, clock=province.clock, open_access=open_access)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = TestClient(TestServer(app), headers=headers)
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()
