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
from ioc.app.channels import silence_notes
from ioc.app.silence_desk import SilenceDesk
from ioc.app.silence_reporter import SilenceReporter
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
MIN = 60_000


@dataclass(slots=True)
class Site:
    """A running desk, its API and its sender over one state database; `province` holds the clock."""

    province: FakeProvince
    desk: Desk
    api: TestClient[Any, Any]
    reporter: SilenceReporter

    async def report(self, device: str, temp: float) -> None:
        """A sample of a device, one second later."""
        self.province.now += 1_000
        now = self.province.now
        await self.desk.decide("ioc-1", [Sample("pump", device, now, now, (temp,), 0, live=True)])

    async def silence(self, minutes: int = 10, **matchers: str) -> str:
        """Puts a silence; its id."""
        until = to_rfc3339(self.province.now + minutes * MIN)
        answer = await self.api.post("/api/v1/silences", json={**matchers, "until": until, "reason": "thay ắc quy"})
        assert answer.status == 201
        return str((await answer.json())["id"])


@asynccontextmanager
async def running(folder: Path, province: FakeProvince, hook: WebhookReceiver, *, tells: bool = False) -> AsyncIterator[Site]:
    """Starts everything from what the state database holds; `tells`: the webhook hears of silences that end."""
    (folder / "hook.key").write_text(SECRET + "\n")
    channel = {"kind": "webhook", "url": hook.url, "secret_file": "./hook.key"}
    silences = {"channels": ["hook"]} if tells else {}
    notify = NotifyFile.model_validate({"channels": {"hook": channel}, "routes": [ROUTE], "silences": silences})
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
        notes = silence_notes(notify, wording)
        reporter = SilenceReporter(notes, state.silences, clock=province.clock, queued=outbox.wake)
        backend = msgspec.structs.replace(province.backend(), silences=SilenceDesk(desk, state.silences, reporter))
        app = build_app(backend, Hub(clock=province.clock, boot="b1"), registry=CollectorRegistry(), clock=province.clock)
        headers = {"Authorization": "Bearer operator-token"}
        api = await stack.enter_async_context(TestClient(TestServer(app), headers=headers))
        sending = asyncio.create_task(outbox.run())
        yield Site(province, desk, api, reporter)

        async def all_sent() -> bool:
            return not await state.pending()

        await wait_until(all_sent)
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
            await wait_until(lambda: len(got(hook)) >= len(events))
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
            await wait_until(lambda: len(got(hook)) == 4)
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


def texts(hook: WebhookReceiver) -> list[str]:
    """Of messages about silences."""
    return [call.body["text"] for call in hook.calls if "TẠM HOÃN" in call.body["text"] or "BẢO TRÌ" in call.body["text"]]


async def test_end_of_a_silence_is_told_before_and_after_once(tmp_path: Path) -> None:
    """A reminder a quarter of an hour before, then what it hid, also where we were away in between; never twice."""
    province = FakeProvince()
    async with WebhookReceiver() as hook:
        async with running(tmp_path, province, hook, tells=True) as site:
            name = await site.silence(120, unit="u1", kind="maintenance")
            await site.report("p1", 90)
            await site.report("p2", 90)
            await site.report("p2", 60)
            await site.reporter.turn()
        province.now += 106 * MIN
        for _ in range(2):
            async with running(tmp_path, province, hook, tells=True) as site:
                await site.reporter.turn()
                await site.reporter.turn()
        (reminder,) = texts(hook)
        assert reminder.startswith("[SẮP HẾT LỊCH BẢO TRÌ] u1: thay ắc quy. Hết lúc ")
        assert reminder.endswith("còn 14 phút. Đang giữ lại 1 cảnh báo kỹ thuật chưa hết. Chưa làm xong thì gia hạn.")
        province.now += 40 * MIN
        for _ in range(2):
            async with running(tmp_path, province, hook, tells=True) as site:
                await site.reporter.turn()
                await site.reporter.turn()
                digest = await (await site.api.get(f"/api/v1/silences/{name}/digest")).json()
    (_, told) = texts(hook)
    headline, line = told.splitlines()
    assert headline == "[HẾT LỊCH BẢO TRÌ] u1: thay ắc quy. Đã giữ lại 2 cảnh báo kỹ thuật (NGHIÊM TRỌNG: 2). Còn 1 chưa hết:"
    assert line.startswith("- x p1, u1: hot từ ")
    assert (digest["hidden"], digest["active"]) == (2, 1)
    assert {(call.body["event"], frozenset(device for _, device in call.told)) for call in hook.calls} == {
        ("updated", frozenset()), ("updated", frozenset({"p1", "p2"})), ("raised", frozenset({"p1"})),
    }  # fmt: skip


async def test_removed_silence_tells_what_it_hid(tmp_path: Path) -> None:
    """Before it is forgotten; one that hid nothing is forgotten without a word."""
    province = FakeProvince()
    async with WebhookReceiver() as hook, running(tmp_path, province, hook, tells=True) as site:
        name, other = await site.silence(device="p1"), await site.silence(device="p2")
        await site.report("p1", 90)
        for one in (name, other):
            assert (await site.api.delete(f"/api/v1/silences/{one}")).status == 204
        await site.reporter.turn()
    (told,) = texts(hook)
    assert told.startswith("[HẾT TẠM HOÃN] p1: thay ắc quy. Đã giữ lại 1 cảnh báo kỹ thuật (NGHIÊM TRỌNG: 1). Còn 1 chưa hết:")
