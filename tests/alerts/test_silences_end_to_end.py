"""From the API to the webhook: a silence put there holds back what the receiver would get, at once and after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from alerts.channel_set import open_channels
from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.notify_file import NotifyFile
from alerts.outbox import Outbox
from alerts.presence import Ears
from alerts.rule import Rule
from api.fake_province import FakeProvince
from e2e.server import rule
from e2e.webhook import SECRET, WebhookReceiver
from ioc.adapters.state.store import StateDb
from ioc.api.app import build_app
from ioc.api.stream import Hub
from ioc.app.silence_desk import SilenceDesk
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Device
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.sample import Sample
from notifying.surroundings import around
from servers.waiting import wait_until

TEXT = {"vi": "x", "en": "x"}
FAMILY = Family.model_validate(
    {"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"temp_c": {"type": "float", "labels": TEXT}}}
)
HOT = Rule.model_validate(rule("hot", {"kind": "threshold", "metric": "temp_c", "above": "80", "clear_below": "70"}, family="pump"))
ROUTE = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s", "channels": ["hook"]}
PUMPS = ("p1", "p2")
WITHIN_S = 20
MIN = 60_000


@dataclass(slots=True)
class Site:
    """A running desk, its API and its sender over one state database; `province` holds the clock."""

    province: FakeProvince
    desk: Desk
    api: TestClient[Any, Any]

    async def report(self, device: str, temp: float) -> None:
        """A sample of a device, one second later."""
        self.province.now += 1_000
        now = self.province.now
        await self.desk.decide("ioc-1", [Sample("pump", device, now, now, (temp,), 0, live=True)])

    async def silence(self, **matchers: str) -> str:
        """Puts a silence of ten minutes; its id."""
        until = to_rfc3339(self.province.now + 10 * MIN)
        answer = await self.api.post("/api/v1/silences", json={**matchers, "until": until, "reason": "thay ắc quy"})
        assert answer.status == 201
        return str((await answer.json())["id"])


@asynccontextmanager
async def running(folder: Path, province: FakeProvince, hook: WebhookReceiver) -> AsyncIterator[Site]:
    """Starts everything from what the state database holds."""
    (folder / "hook.key").write_text(SECRET + "\n")
    channel = {"kind": "webhook", "url": hook.url, "secret_file": "./hook.key"}
    notify = NotifyFile.model_validate({"channels": {"hook": channel}, "routes": [ROUTE]})
    families, zone = {"pump": FAMILY}, ZoneInfo("Asia/Ho_Chi_Minh")
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(await StateDb.open(folder / "state.db"))
        await state.take_epoch()
        restored = await state.load()
        fleet = Fleet(families)
        for pump in PUMPS:
            fleet.place(Device(device=pump, family="pump", unit="u1"))
        channels = await stack.enter_async_context(open_channels(notify, around(folder)))
        outbox = Outbox(state, channels, clock=province.clock, jitter=lambda: 0.5)
        engine = Engine([HOT], site="s", families=families.values(), device_of=fleet.device, zone=zone)
        wording = Wording(language="vi", zone=zone, device=fleet.device, unit=lambda _: None, families={"pump": FAMILY.labels})
        notifier = Notifier(notify.routes, wording=wording)
        desk = Desk(
            engine=engine,
            notifier=notifier,
            fleet=fleet,
            families=families,
            ears={"ioc-1": Ears(province.now)},
            strangers=Strangers(accept=False, most=0),
            journal=state,
            clock=province.clock,
            announce=lambda _: None,
            committed=outbox.wake,
        )
        engine.restore(alarms=restored.alarms, rule_states=restored.rule_states, latest={}, seq=restored.seq)
        notifier.restore(restored.groups, restored.alarms, restored.position)
        await desk.begin([], await state.silences.list(until_after=province.now))
        backend = msgspec.structs.replace(province.backend(), silences=SilenceDesk(desk, state.silences))
        app = build_app(backend, Hub(clock=province.clock, boot="b1"), registry=CollectorRegistry(), clock=province.clock)
        headers = {"Authorization": "Bearer operator-token"}
        api = await stack.enter_async_context(TestClient(TestServer(app), headers=headers))
        sending = asyncio.create_task(outbox.run())
        yield Site(province, desk, api)

        async def all_sent() -> bool:
            return not await state.pending()

        await wait_until(all_sent, WITHIN_S)
        sending.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await sending


def got(hook: WebhookReceiver) -> list[tuple[str, str | None]]:
    """Event and device of every message."""
    return [(call.body["event"], device) for call in hook.calls for _, device in call.told]


async def test_silence_of_the_api_holds_back_what_the_webhook_would_get(tmp_path: Path) -> None:
    """Put: at once, and after a restart. Removed: what is still active is told. What had been told before is told to be over."""
    province = FakeProvince()
    async with WebhookReceiver() as hook:

        async def told(*events: tuple[str, str | None]) -> None:
            await wait_until(lambda: len(got(hook)) >= len(events), WITHIN_S)
            assert got(hook) == list(events)

        story: list[tuple[str, str | None]] = [("raised", "p1")]
        async with running(tmp_path, province, hook) as site:
            await site.report("p1", 90)
            await told(*story)
            name = await site.silence(unit="u1")
            await site.report("p2", 90)
            await site.report("p1", 60)
            await told(*story, ("cleared", "p1"))
            story.append(("cleared", "p1"))
        async with running(tmp_path, province, hook) as site:
            await site.desk.pulse()
            await site.report("p1", 90)
            assert (await site.api.delete(f"/api/v1/silences/{name}")).status == 204
            await wait_until(lambda: len(got(hook)) == 4, WITHIN_S)
            assert sorted(got(hook)[2:]) == [("raised", "p1"), ("raised", "p2")]
            story = got(hook)
            await site.silence(device="p2")
            await site.report("p2", 60)
            await told(*story, ("cleared", "p2"))
            await site.report("p2", 90)
        province.now += 11 * MIN
        async with running(tmp_path, province, hook):
            await told(*story, ("cleared", "p2"), ("raised", "p2"))
        async with running(tmp_path, province, hook) as site:
            await site.desk.pulse()
            await site.report("p1", 60)
            await told(*story, ("cleared", "p2"), ("raised", "p2"), ("cleared", "p1"))
    assert all(call.signed for call in hook.calls)
