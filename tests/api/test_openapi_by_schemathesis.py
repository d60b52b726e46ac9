"""schemathesis reads /openapi.json and tries the running server against it; bounded and repeatable."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from schemathesis.specs.openapi.checks import ignored_auth

from api.fake_province import NOW, FakeProvince
from ioc.api.app import build_app
from ioc.api.openapi import openapi_document
from ioc.api.routes import ROUTES
from ioc.api.stream import Hub
from ioc.domain.alarm import Severity
from servers.ports import free_port
from servers.waiting import PATIENCE_S

INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2261, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001  naive bounds
schemathesis.openapi.format("date-time", INSTANTS)  # as the description of an instant says in words, which a JSON Schema can't
SCHEMA = schemathesis.openapi.from_dict(openapi_document(ROUTES, "0")).exclude(path="/api/v1/events")  # endless by nature


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server in a thread of its own: schemathesis asks from this one."""
    port = free_port()
    started, loop = threading.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, port, started), name="api-under-test", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_S)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_S)


def _serve(loop: asyncio.AbstractEventLoop, port: int, started: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    province = FakeProvince()
    province.raise_alarm("loa-0001", "speaker_offline", Severity.MINOR, since=NOW)
    app = build_app(province.backend(), Hub(clock=province.clock, boot="b1"), registry=CollectorRegistry(), clock=province.clock)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", port).start())
    started.set()
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()


@SCHEMA.parametrize()
@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_keeps_what_openapi_promises(case: schemathesis.Case, base_url: str) -> None:
    """Valid requests get a described answer, wrong ones a described problem, and never a 5xx beyond the described 503."""
    # Not case.call(): it looks into urllib3's pools, which another HTTP library of this environment replaces.
    asked = case.as_transport_kwargs(base_url=base_url, headers={"Authorization": "Bearer admin-token"})
    with requests.Session() as session:
        response = session.request(**asked, timeout=PATIENCE_S)
    case.validate_response(response, excluded_checks=[ignored_auth])
