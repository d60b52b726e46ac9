"""One server: parts brought together, started in order, ended in order."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import structlog

from alerts.channel import Channel
from alerts.channel_set import open_channels
from alerts.desk import Desk, Strangers
from alerts.load_plan import LoadReportPlan
from alerts.outbox import Outbox
from alerts.presence import Ears
from alerts.taped import TapedFleet
from collectors.claims import Claims
from collectors.deadband import memories
from collectors.drain import Drain
from collectors.drift import DriftTracker
from collectors.drift_watch import DriftWatch
from collectors.points import PointEncoder
from collectors.routing import EVENTS
from collectors.spool_books import SpoolBooks
from collectors.unmapped import UnmappedKeys
from collectors.writer import Writer
from ioc.adapters.state.store import StateDb
from ioc.api.stream import Hub
from ioc.app.ack_links import AckKey, LinkSigner
from ioc.app.announcer import Announcer
from ioc.app.auditor import Auditor
from ioc.app.channels import fallbacks, service_notes, silence_notes, surroundings
from ioc.app.clock import now_ms, uptime_ms
from ioc.app.clock_watch import ClockWatch
from ioc.app.deciders import Deciders
from ioc.app.drift_desk import DriftDesk
from ioc.app.files import Files, open_files, store_of
from ioc.app.front import Front
from ioc.app.health import HealthReader
from ioc.app.house import House
from ioc.app.late_store import LateStore
from ioc.app.load_reporter import LoadReporter
from ioc.app.province import Province
from ioc.app.quarantine_desk import QuarantineDesk
from ioc.app.recorder import Recorder
from ioc.app.recording import ServerRecording
from ioc.app.records import LedgerReader
from ioc.app.registry import import_at_first_start
from ioc.app.replaying import Replayer
from ioc.app.restore import read_latest, restore_devices
from ioc.app.rollups import Rollups
from ioc.app.rule_desk import RuleDesk
from ioc.app.service_reporter import ServiceReporter
from ioc.app.silence_desk import SilenceDesk
from ioc.app.silence_reporter import SilenceReporter
from ioc.app.sources import make_source
from ioc.app.supervision import notify_systemd, ping_outward
from ioc.app.vigil import Vigil
from ioc.config.load import Config, read_rules
from ioc.domain.alarm import Severity
from ioc.domain.fleet import FleetViews
from ioc.domain.held import Held
from ioc.domain.liveness_change import Liveness
from ioc.domain.own_points import retold_alarm_points
from ioc.domain.point import Point
from ioc.domain.registry import Device, Unit
from ioc.domain.rollup import Frontier
from ioc.domain.state import Restored
from ioc.domain.units import UnitTree

log = structlog.get_logger("ioc.server")

STOP_WITHIN_S = 10.0
SETTLE_WITHIN_S = 5.0
REWRITTEN = 2_000
"""Journal entries whose points are written again at the start: a crash may have come between commit and store."""


class Server:
    """Everything that runs, by name. Made by `open_server`."""

    def __init__(
        self,
        config: Config,
        files: Files,
        restored: Restored,
        store: LateStore,
        channels: Mapping[str, Channel],
        *,
        ack_key: AckKey,
        open_access: bool,
    ) -> None:
        settings = config.settings
        self.config = config
        self.files = files
        self.restored = restored
        self.store = store
        self.ack_key = ack_key
        self.stopping = asyncio.Event()
        self.recorder = Recorder(settings.data_dir, clock=now_ms)
        self.fleet = TapedFleet(config.families)
        self.fleet.tape = self.recorder
        self.writer = Writer(store, files.spool, clock=now_ms)
        self.hub = Hub(clock=now_ms, boot=secrets.token_hex(4))
        ears = {broker.client_id: Ears(now_ms()) for broker in settings.brokers}
        self.ears = ears
        self.deciders = Deciders(config, fleet=self.fleet, unit=self._unit, tape=self.recorder)
        self.engine = self.deciders.engine(config.rules)
        self.notifier = self.deciders.notifier(self.engine)
        self.unmapped = UnmappedKeys()
        self.tracker = DriftTracker()
        watch = DriftWatch(self.tracker, config.families)
        self.drift = DriftDesk(self.tracker, watch, files.state.drift, hub=self.hub, clock=now_ms)
        self.outbox = Outbox(files.state, channels, fallbacks=fallbacks(config.notify), clock=now_ms, jitter=secrets.SystemRandom().random)
        self.views = FleetViews(
            self.fleet,
            config.families,
            state_of=self._state_of,
            last_seen_of=self._last_seen_of,
            has_serious_alarm=self._has_serious_alarm,
            order_of=self._order_of,
        )
        self.announcer = Announcer(
            self.hub,
            fleet=self.fleet,
            views=self.views,
            incident_of=self.incident_of,
            language=settings.site.language,
            clock=now_ms,
        )
        known = sum(not device.approved for device in restored.devices)
        self.strangers = Strangers(accept=settings.registry.unknown_devices == "accept", most=settings.registry.max_unknown, known=known)
        self.desk = Desk(
            engine=self.engine,
            notifier=self.notifier,
            fleet=self.fleet,
            families=config.families,
            ears=ears,
            strangers=self.strangers,
            journal=files.state,
            clock=now_ms,
            announce=self.announcer.news,
            committed=self.outbox.wake,
        )
        self.province = Province(
            views=self.views,
            tree=UnitTree(restored.units),
            zone=settings.site.zone,
            alarm_counts=self._alarm_counts,
            state=files.state,
            register=self._register,
            clock=now_ms,
        )
        kept = settings.store.rollups
        self.frontier = Frontier(config.families)
        self.rollups = Rollups(
            store,
            files.state.rollups,
            config.families,
            frontier=self.frontier,
            retention_ms=kept.retention,
            raw_retention_ms=settings.store.retention,
            away=lambda: self.writer.down_since is not None,
            clock=now_ms,
        )
        self.deadbands = memories(config.families)
        encoder = PointEncoder(config.families, self.deadbands)  # one for all: a device may be heard by several sources
        claims = Claims()
        self.sources = {
            broker.client_id: make_source(
                broker,
                config=config,
                files=files,
                restored=restored,
                ears=ears[broker.client_id],
                desk=self.desk,
                writer=self.writer,
                unmapped=self.unmapped,
                drift=watch,
                claims=claims,
                encoder=encoder,
                frontier=self.frontier,
            )
            for broker in settings.brokers
        }
        self.books = SpoolBooks(
            files.spool,
            quarantine=files.quarantine,
            ledger=files.state,
            uncounted=files.uncounted,
            rebooked=self._rebooked,
            frontier=self.frontier,
            clock=now_ms,
        )
        self.drain = Drain(self.writer, files.spool, self.books, jitter=secrets.SystemRandom().random)
        self.auditor = Auditor(files.state, store, store_works=self._store_works, retention_ms=settings.store.retention, clock=now_ms)
        self.recording = ServerRecording(self)
        self.rule_desk = RuleDesk(
            config.rules,
            read=partial(read_rules, config),
            most=settings.limits.alarms_at_reload,
            desk=self.desk,
            engine=lambda: self.engine,
            replacing=self.recording.interrupt,
            write=self._write_own,
            clock=now_ms,
        )
        self.vigil = Vigil(settings.data_dir, zone=settings.site.zone, clock=now_ms)
        self.house = House(
            desk=self.desk,
            writer=self.writer,
            state=files.state,
            views=self.views,
            units=self.province.snapshot,
            evicted=self._evicted,
            filling=self._filling,
            auditor=self.auditor,
            drift=self.drift.condition,
            rules=self.rule_desk.condition,
            was_down=self.vigil.condition,
            clock=now_ms,
            steps=ClockWatch(now_ms, uptime_ms).steps,
            refreshed=self._refreshed,
        )
        self.health = HealthReader(
            sessions=[source.session for source in self.sources.values()],
            ears=list(ears.values()),
            desk=self.desk,
            writer=self.writer,
            drain=self.drain,
            store=store,
            spool=files.spool,
            spooled=lambda: self.ledger.spooled,
            evicted=self._evicted,
            not_durable=self._not_durable,
            rollups_fault=lambda: self.rollups.fault,
        )
        self.ledger = LedgerReader(files.state, self._in_flight)
        replayer = Replayer(
            files.quarantine,
            config.families,
            topic_roots={broker.client_id: broker.topic_root for broker in settings.brokers},
            dialects={broker.client_id: config.dialects(broker) for broker in settings.brokers},
            history_limit=settings.store.retention,
            writer=self.writer,
            state=files.state,
            frontier=self.frontier,
            clock=now_ms,
        )
        self.quarantine = QuarantineDesk(
            files.quarantine, replayer, fleet=self.fleet, ledger=files.state, source=settings.brokers[0].client_id, clock=now_ms
        )
        self.silences = SilenceReporter(
            silence_notes(config.notify, self.deciders.wording),
            files.state.silences,
            clock=now_ms,
            queued=self.outbox.wake,
            calendar=config.calendar,
        )
        self.service = ServiceReporter(
            service_notes(config.notify, self.deciders.wording),
            files.state.service,
            active=lambda: self.engine.active(),  # noqa: PLW0108  a recording puts another engine in its place
            clock=now_ms,
            queued=self.outbox.wake,
        )
        self.silence_desk = SilenceDesk(self.desk, files.state.silences, self.silences)
        self.open_access = open_access

    async def restore(self) -> None:
        """Takes up where the last run stopped, before the first live message."""
        now = now_ms()
        await self.drift.restore()
        await self.auditor.begin([*self.config.families, EVENTS], sources=len(self.sources), told_until=self.files.told_until)
        if self.config.settings.store.rollups.enabled:
            await self.rollups.begin()
        restored, families = self.restored, self.config.families
        if self.recorder.resume():
            self.recording.open((), restored.units)
        known = await read_latest(self.store, self.files.spool, [*families, "availability"], now)
        said = restore_devices(restored.devices, self.fleet, list(self.ears.values()), families, known)
        held = {device: fields for family in families for device, fields in known.latest[family].items()}
        self.engine.restore(
            alarms=restored.alarms,
            rule_states=restored.rule_states,
            latest=held,
            seq=restored.seq,
            heard_until=restored.heard_until,
            orders=restored.orders,
        )
        self.notifier.restore(restored.groups, restored.alarms, restored.position)
        self.house.write(await self.desk.begin(said, await self.files.state.silences.list(until_after=now)))
        entries = await self.files.state.journal_since(max(0, restored.seq - REWRITTEN), REWRITTEN)
        self.house.write(retold_alarm_points(entries, {alarm.id: alarm for alarm in restored.alarms}))

    async def serve(self, listening: Callable[[str], None] = lambda _: None) -> None:
        """Runs until `stop`; ends in order: nothing more is taken in, what was decided is finished, then the rest stops."""
        settings, front = self.config.settings, Front(self)
        async with asyncio.TaskGroup() as group:
            pipelines = [group.create_task(one.pipeline.run(), name=f"pipeline {name}") for name, one in self.sources.items()]
            others = [group.create_task(one.session.run(), name=f"session {name}") for name, one in self.sources.items()]
            others += [
                group.create_task(self.house.pulse(), name="pulse"),
                group.create_task(self.house.probe(), name="probe"),
                group.create_task(self.house.minutely(), name="minutely"),
                group.create_task(self.house.store(), name="own points"),
                group.create_task(self.house.audit(), name="audit"),
                group.create_task(self.house.forget(), name="forget"),
                group.create_task(self.vigil.run(), name="vigil"),
                group.create_task(self.drain.run(), name="drain"),
                group.create_task(self.drift.watch(), name="drift"),
                group.create_task(self.rule_desk.watch(), name="rules"),
                group.create_task(self.outbox.run(), name="outbox"),
                group.create_task(self.silences.run(), name="silences"),
                group.create_task(self.service.run(), name="out of service"),
                group.create_task(self.recording.run(), name="recording"),
                group.create_task(front.serve_http(listening), name="http"),
                group.create_task(front.serve_commands(), name="control"),
                group.create_task(front.tell_own_state(), name="own state"),
                group.create_task(self._tell_systemd(), name="systemd"),
            ]
            if settings.watchdog is not None and settings.watchdog.url is not None:
                url = settings.watchdog.url.get_secret_value()
                others.append(group.create_task(ping_outward(url, settings.watchdog.every, self.health.works), name="watchdog"))
            if self.config.notify.load_report is not None:
                others.append(group.create_task(self._load_reporter(self.config.notify.load_report).run(), name="load report"))
            if settings.store.rollups.enabled:
                others.append(group.create_task(self.rollups.run(), name="rollups"))
            await self.stopping.wait()
            notify_systemd("STOPPING=1")
            await self._finish(pipelines)
            for task in others:
                task.cancel()
        self.vigil.end()

    def stop(self) -> None:
        """Ends the server in order."""
        self.stopping.set()

    def _load_reporter(self, plan: LoadReportPlan) -> LoadReporter:
        site, state = self.config.settings.site.id, self.files.state
        return LoadReporter(plan, state, site=site, wording=self.deciders.wording, clock=now_ms, queued=self.outbox.wake)

    def _write_own(self, points: Sequence[Point]) -> None:
        self.house.write(points)

    async def _finish(self, pipelines: Sequence[asyncio.Task[None]]) -> None:
        for source in self.sources.values():
            source.pipeline.stop()
        await asyncio.wait(pipelines, timeout=STOP_WITHIN_S)
        for task in pipelines:
            task.cancel()
        await asyncio.wait(pipelines)
        # What can't be written now is not lost: it was not acknowledged, or it is said again at the next start.
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_WITHIN_S):
                await self.house.settled()
                await self.drift.save()
                await self.recorder.flush()
                for source in self.sources.values():
                    await source.pipeline.book_returned(source.session.remaining())

    def incident_of(self, alarm: str) -> str | None:
        """The incident that an alarm belongs to now."""
        return self.notifier.incident_of(alarm)

    def held(self) -> Sequence[Held]:
        """Notifications held back."""
        return self.notifier.held()

    def _rebooked(self, minutes: Iterable[int]) -> None:
        self.house.rebooked(minutes)

    def _store_works(self) -> bool:
        return self.writer.down_since is None

    def _unit(self, unit: str) -> Unit | None:
        return self.province.tree.get(unit, self.province.today())

    def _state_of(self, device: str) -> Liveness:
        return self.desk.presence.state(device)

    def _last_seen_of(self, device: str) -> int | None:
        return self.desk.presence.last_arrival(device)

    def _alarm_counts(self, device: str) -> Mapping[str, int]:
        alarms = self.engine.alarms_of(device)
        return Counter(alarm.severity.value for alarm in alarms) if alarms else {}

    def _has_serious_alarm(self, device: str) -> bool:
        return self.engine.worst(device) in {Severity.CRITICAL, Severity.MAJOR}

    def _order_of(self, device: Device) -> str | None:
        order = self.engine.order_of(device)
        return None if order is None else order.id

    async def _register(self, devices: Sequence[Device]) -> None:
        self.recording.units_changed()
        await self.desk.register(devices)

    def _evicted(self) -> int:
        return self.books.evicted + sum(source.pipeline.evicted for source in self.sources.values())

    def _filling(self) -> tuple[int, int]:
        level = self.files.quarantine.level
        return level.bytes_used - level.replayed_bytes, level.limit_bytes

    def _not_durable(self) -> str | None:
        faults = [self.books.not_durable, *(source.pipeline.not_durable for source in self.sources.values())]
        return next((fault for fault in faults if fault), None)

    def _in_flight(self) -> int:
        return sum(source.pipeline.in_flight for source in self.sources.values())

    def _refreshed(self) -> None:
        """Once a second: what the wall must know of units and of ourselves."""
        self.announcer.units(self.province.snapshot(), self.province.sums)

    async def _tell_systemd(self) -> None:
        """Keeps systemd's watchdog quiet while the loop turns: a full disk is no reason to start again."""
        while True:
            notify_systemd("WATCHDOG=1")
            await asyncio.sleep(5.0)


@asynccontextmanager
async def open_server(config: Config, *, open_access: bool = False) -> AsyncIterator[Server]:
    """A server restored from its data folder (whose lock the caller holds), ready to `serve`."""
    settings = config.settings
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(await StateDb.open(settings.data_dir / "state.db"))
        await state.take_epoch()
        now = now_ms()
        today = datetime.fromtimestamp(now / 1000, settings.site.zone).date().isoformat()
        await import_at_first_start(config, state, today=today, now=now)
        restored = await state.load()
        files = await open_files(config, state, restored, stack)
        late = LateStore(store_of(config), settings.store.retention, config.families.values())
        stack.push_async_callback(late.close)
        ack_key = AckKey(settings.data_dir)
        channels = await stack.enter_async_context(
            open_channels(config.notify, surroundings(config, LinkSigner(ack_key, config.notify.acknowledge)))
        )
        server = Server(config, files, restored, late, channels, ack_key=ack_key, open_access=open_access)
        await server.restore()
        yield server
