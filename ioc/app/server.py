"""One server: parts brought together, started in order, ended in order."""

import asyncio
import secrets
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from alerts.channel import Channel
from alerts.channel_set import open_channels
from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.outbox import Outbox
from alerts.presence import Ears
from collectors.ingest import Ingest
from collectors.pipeline import Pipeline
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from collectors.session import Session
from collectors.source import SourceSettings
from collectors.unmapped import UnmappedKeys
from collectors.writer import SpoolRow, Writer
from ioc.adapters.assigned import AssignedTimes
from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.adapters.state.store import StateDb
from ioc.api.app import build_app
from ioc.api.commands import ledger_commands, quarantine_commands, registry_commands, token_commands
from ioc.api.control import SOCKET_NAME, Handler, serve_control
from ioc.api.documents import ledger_document, platform_document
from ioc.api.ports import Backend, Site
from ioc.api.stream import Hub
from ioc.app.alarm_desk import AlarmActs
from ioc.app.announcer import Announcer
from ioc.app.clock import now_ms
from ioc.app.health import HealthReader
from ioc.app.house import OWN, House
from ioc.app.late_store import LateStore, TimeSeriesStore
from ioc.app.metrics import ServerMetrics
from ioc.app.province import Province
from ioc.app.quarantine_desk import QuarantineDesk
from ioc.app.records import LedgerReader, RuleList, SeriesReader
from ioc.app.registry import import_at_first_start
from ioc.app.restore import read_latest, restore_devices
from ioc.app.silence_desk import SilenceDesk
from ioc.app.supervision import forever, notify_systemd, ping_outward
from ioc.config.load import Config
from ioc.config.settings import Broker
from ioc.config.settings import InfluxStore as InfluxSettings
from ioc.domain.alarm import Severity
from ioc.domain.fleet import Fleet, FleetViews
from ioc.domain.liveness_change import Liveness
from ioc.domain.own_points import retold_alarm_points
from ioc.domain.point import PointRefusal
from ioc.domain.registry import Device
from ioc.domain.state import Restored
from ioc.domain.units import UnitTree

log = structlog.get_logger("ioc.server")

STOP_WITHIN_S = 10.0
SETTLE_WITHIN_S = 5.0
OWN_EVERY = 5
"""Seconds after which the wall is told again how we are, also when nothing changed."""
REWRITTEN = 2_000
"""Journal entries whose points are written again at the start: a crash may have come between commit and store."""


@dataclass(slots=True, kw_only=True)
class Files:
    """What lies in `data_dir`, open."""

    state: StateDb
    quarantine: QuarantineFile
    spool: Spool
    assigned: AssignedTimes
    assigned_times: dict[str, list[tuple[int, int]]]
    """Source → (fingerprint, ts), newest last, as the last run left them."""
    uncounted: frozenset[int]
    """Spool rows that the ledger never counted: a crash came before; the broker sends their deliveries again."""


@dataclass(slots=True, kw_only=True)
class Source:
    """One MQTT source with what belongs to it."""

    session: Session
    ears: Ears
    ingest: Ingest
    pipeline: Pipeline


class Server:
    """Everything that runs, by name. Made by `open_server`."""

    def __init__(
        self, config: Config, files: Files, restored: Restored, store: LateStore, channels: Mapping[str, Channel], *, open_access: bool
    ) -> None:
        settings = config.settings
        self.config = config
        self.files = files
        self.restored = restored
        self.store = store
        self.stopping = asyncio.Event()
        self.fleet = Fleet(config.families)
        self.writer = Writer(store, files.spool, clock=now_ms)
        self.hub = Hub(clock=now_ms, boot=secrets.token_hex(4))
        ears = {broker.client_id: Ears(now_ms()) for broker in settings.brokers}
        self.ears = ears
        self.tree = UnitTree(restored.units)
        self.engine = Engine(
            config.rules,
            site=settings.site.id,
            families=config.families.values(),
            device_of=self.fleet.device,
            zone=settings.site.zone,
            unit_name=self._unit_name,
        )
        self.notifier = Notifier(config.notify.routes, wording=self._wording())
        self.unmapped = UnmappedKeys()
        self.outbox = Outbox(files.state, channels, clock=now_ms, jitter=secrets.SystemRandom().random)
        self.views = FleetViews(
            self.fleet,
            config.families,
            state_of=self._state_of,
            last_seen_of=self._last_seen_of,
            has_serious_alarm=self._has_serious_alarm,
        )
        self.announcer = Announcer(self.hub, fleet=self.fleet, views=self.views, language=settings.site.language, clock=now_ms)
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
            tree=self.tree,
            zone=settings.site.zone,
            alarm_counts=self._alarm_counts,
            state=files.state,
            register=self._register,
            clock=now_ms,
        )
        self.sources = {broker.client_id: self._source(broker) for broker in settings.brokers}
        self.house = House(
            desk=self.desk,
            writer=self.writer,
            state=files.state,
            views=self.views,
            units=self.province.snapshot,
            evicted=self._evicted,
            clock=now_ms,
            refreshed=self._refreshed,
        )
        self.health = HealthReader(
            sessions=[source.session for source in self.sources.values()],
            ears=list(ears.values()),
            desk=self.desk,
            writer=self.writer,
            store=store,
            spool=files.spool,
            spooled=lambda: self.ledger.spooled,
            evicted=self._evicted,
            not_durable=self._not_durable,
        )
        self.ledger = LedgerReader(files.state, self._in_flight)
        self.quarantine = QuarantineDesk(
            files.quarantine,
            config.families,
            fleet=self.fleet,
            topic_roots={broker.client_id: broker.topic_root for broker in settings.brokers},
            history_limit=settings.store.retention,
            writer=self.writer,
            state=files.state,
            clock=now_ms,
        )
        self._open_access = open_access

    async def restore(self) -> None:
        """Takes up where the last run stopped, before the first live message."""
        now = now_ms()
        restored, families = self.restored, self.config.families
        known = await read_latest(self.store, self.files.spool, [*families, "availability"], now)
        said = restore_devices(restored.devices, self.fleet, list(self.ears.values()), families, known)
        held = {device: fields for family in families for device, fields in known.latest[family].items()}
        self.engine.restore(
            alarms=restored.alarms, rule_states=restored.rule_states, latest=held, seq=restored.seq, heard_until=restored.heard_until
        )
        self.notifier.restore(restored.groups, restored.alarms, restored.position)
        self.house.write(await self.desk.begin(said, await self.files.state.silences.list(until_after=now)))
        entries = await self.files.state.journal_since(max(0, restored.seq - REWRITTEN), REWRITTEN)
        self.house.write(retold_alarm_points(entries, {alarm.id: alarm for alarm in restored.alarms}))

    async def serve(self, listening: Callable[[str], None] = lambda _: None) -> None:
        """Runs until `stop`; ends in order: nothing more is taken in, what was decided is finished, then the rest stops."""
        settings = self.config.settings
        async with asyncio.TaskGroup() as group:
            pipelines = [group.create_task(one.pipeline.run(), name=f"pipeline {name}") for name, one in self.sources.items()]
            others = [group.create_task(one.session.run(), name=f"session {name}") for name, one in self.sources.items()]
            others += [
                group.create_task(self.house.pulse(), name="pulse"),
                group.create_task(self.house.probe(), name="probe"),
                group.create_task(self.house.minutely(), name="minutely"),
                group.create_task(self.house.store(), name="own points"),
                group.create_task(self.writer.drain(self._drained), name="drain"),
                group.create_task(self.outbox.run(), name="outbox"),
                group.create_task(self._serve_http(listening), name="http"),
                group.create_task(serve_control(settings.data_dir / SOCKET_NAME, self._commands()), name="control"),
                group.create_task(self._tell_own(), name="own state"),
                group.create_task(self._tell_systemd(), name="systemd"),
            ]
            if settings.watchdog is not None and settings.watchdog.url is not None:
                url = settings.watchdog.url.get_secret_value()
                others.append(group.create_task(ping_outward(url, settings.watchdog.every, self.health.works), name="watchdog"))
            await self.stopping.wait()
            notify_systemd("STOPPING=1")
            await self._finish(pipelines)
            for task in others:
                task.cancel()

    def stop(self) -> None:
        """Ends the server in order."""
        self.stopping.set()

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
                for source in self.sources.values():
                    await source.pipeline.book_returned(source.session.remaining())

    def _source(self, broker: Broker) -> Source:
        name = broker.client_id
        marks = [mark for blob in self.restored.fingerprints(name) for (mark,) in struct.iter_unpack("<Q", blob)]
        redelivery = RedeliveryMemory(marks, self.files.assigned_times.get(name, ()))
        session = Session(_source_settings(broker), clock=now_ms)
        history = self.config.settings.store.retention
        ingest = Ingest(self.config.families, topic_root=broker.topic_root, history_limit=history, redelivery=redelivery)
        pipeline = Pipeline(
            name,
            session=session,
            ingest=ingest,
            encoder=PointEncoder(self.config.families),
            redelivery=redelivery,
            desk=self.desk,
            quarantine=self.files.quarantine,
            assigned=self.files.assigned,
            writer=self.writer,
            ledger=self.files.state,
            unmapped=self.unmapped,
        )
        return Source(session=session, ears=self.ears[name], ingest=ingest, pipeline=pipeline)

    async def _drained(self, row: SpoolRow, refusals: list[PointRefusal]) -> None:
        source = self.sources.get(row.source) or next(iter(self.sources.values()))
        counted = row.source != OWN and row.id not in self.files.uncounted
        self.house.rebooked(await source.pipeline.drained(row, refusals, counted=counted))

    async def _serve_http(self, listening: Callable[[str], None]) -> None:
        api = self.config.settings.api
        app = build_app(self._backend(), self.hub, registry=self._registry(), clock=now_ms, open_access=self._open_access)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, api.host, api.port)
            await site.start()
            listening(f"http://{_host(api.host)}:{_port(runner)}/")
            notify_systemd("READY=1")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _backend(self) -> Backend:
        state = self.files.state
        return Backend(
            site=self._backend_site(),
            families=list(self.config.families.values()),
            devices=self.province,
            units=self.province,
            alarms=state,
            desk=AlarmActs(self.desk, state, self.house.write),
            silences=SilenceDesk(self.desk, state.silences),
            quarantine=self.quarantine,
            ledger=self.ledger,
            series=SeriesReader(self.store),
            rules=RuleList(self.config.rules),
            outbox=state,
            health=self.health,
            tokens=state.tokens,
        )

    def _commands(self) -> dict[str, Handler]:
        state = self.files.state
        zone = self.config.settings.site.zone
        return {
            **registry_commands(state, families=self.config.families, zone=zone, clock=now_ms, changed=self.province.reload),
            **token_commands(state.tokens, state, clock=now_ms),
            **ledger_commands(self.ledger),
            **quarantine_commands(self.quarantine),
        }

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        metrics = ServerMetrics(
            sessions={name: one.session for name, one in self.sources.items()},
            pipelines={name: one.pipeline for name, one in self.sources.items()},
            ears=self.ears,
            desk=self.desk,
            writer=self.writer,
            spool=self.files.spool,
            fleet=self.fleet,
            strangers=self.strangers,
            outbox=self.outbox,
            house=self.house,
            ingests={name: one.ingest for name, one in self.sources.items()},
            unmapped=self.unmapped,
            clock=now_ms,
        )
        registry.register(metrics)
        return registry

    def _wording(self) -> Wording:
        site = self.config.settings.site
        return Wording(
            language=site.language,
            zone=site.zone,
            device=self.fleet.device,
            unit=lambda unit: self.province.tree.get(unit, self.province.today()),
            families={name: family.labels for name, family in self.config.families.items()},
        )

    def _unit_name(self, unit: str) -> str | None:
        row = self.province.tree.get(unit, self.province.today())
        return None if row is None else row.name

    def _state_of(self, device: str) -> Liveness:
        return self.desk.presence.state(device)

    def _last_seen_of(self, device: str) -> int | None:
        return self.desk.presence.last_arrival(device)

    def _alarm_counts(self, device: str) -> Mapping[str, int]:
        alarms = self.engine.alarms_of(device)
        return Counter(alarm.severity.value for alarm in alarms) if alarms else {}

    def _has_serious_alarm(self, device: str) -> bool:
        return self.engine.worst(device) in {Severity.CRITICAL, Severity.MAJOR}

    async def _register(self, devices: Sequence[Device]) -> None:
        await self.desk.register(devices)

    def _evicted(self) -> int:
        return sum(source.pipeline.evicted for source in self.sources.values())

    def _not_durable(self) -> str | None:
        return next((source.pipeline.not_durable for source in self.sources.values() if source.pipeline.not_durable), None)

    def _in_flight(self) -> int:
        return sum(source.pipeline.in_flight for source in self.sources.values())

    def _refreshed(self) -> None:
        """Once a second: what the wall must know of units and of ourselves."""
        self.announcer.units(self.province.snapshot(), self.province.sums)

    async def _tell_own(self) -> None:
        """How we hear and store, once a second where it changed, else every five: the wall judges our age by it."""
        told, turn = None, 0

        async def tell() -> None:
            nonlocal told, turn
            checks, platform = await self.health.checks(), await self.health.platform()
            site = self._backend_site()
            now = now_ms()
            document = platform_document(platform, site, store_ok=checks.store.ok, store_detail=checks.store.detail, at=now)
            gist = msgspec.structs.replace(document, at="", heard_until=None)
            turn += 1
            if gist != told or turn % OWN_EVERY == 0:
                self.hub.publish("own", document)
                self.hub.publish("ledger", ledger_document(await self.ledger.ledger(None, None)))
                told = gist

        await forever("own state", tell, lambda: 1.0)

    def _backend_site(self) -> Site:
        site = self.config.settings.site
        return Site(id=site.id, name=site.name, language=site.language, timezone=site.timezone)

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
        files = await _open_files(config, state, restored, stack)
        late = LateStore(_store(config), settings.store.retention)
        stack.push_async_callback(late.close)
        channels = await stack.enter_async_context(open_channels(config.notify, _notify_folder(config)))
        server = Server(config, files, restored, late, channels, open_access=open_access)
        await server.restore()
        yield server


async def _open_files(config: Config, state: StateDb, restored: Restored, stack: AsyncExitStack) -> Files:
    settings = config.settings
    file = spool_file(settings.data_dir / "spool.db")
    await file.open()
    stack.push_async_callback(file.close)
    spool = Spool(file, limit_bytes=settings.limits.spool, clock=now_ms)
    await spool.open()
    assigned = AssignedTimes(file)
    quarantine = QuarantineFile(settings.data_dir / "quarantine.db", limit_bytes=settings.limits.quarantine)
    await quarantine.open()
    stack.push_async_callback(quarantine.close)
    left = [row.id async for row in spool.since()]
    return Files(
        state=state,
        quarantine=quarantine,
        spool=spool,
        assigned=assigned,
        assigned_times={broker.client_id: await assigned.load(broker.client_id) for broker in settings.brokers},
        uncounted=frozenset(left) - restored.spooled,
    )


def _notify_folder(config: Config) -> Path:
    """Where the notify file's relative paths start."""
    file = config.settings.notify.file
    return config.settings.data_dir if file is None else file.parent


def _store(config: Config) -> TimeSeriesStore:
    store = config.settings.store
    if isinstance(store, InfluxSettings):
        token = "" if store.token is None else store.token.get_secret_value()
        return InfluxStore(store.url, org=store.org, bucket=store.bucket, token=token)
    return EmbeddedStore(config.settings.data_dir / "series.db", clock=now_ms)


def _source_settings(broker: Broker) -> SourceSettings:
    return SourceSettings(
        url=broker.url,
        client_id=broker.client_id,
        username=broker.username,
        password=None if broker.password is None else broker.password.get_secret_value(),
        ca_file=_text(broker.ca_file),
        cert_file=_text(broker.cert_file),
        key_file=_text(broker.key_file),
        topic_root=broker.topic_root,
        firmware=version("ioc-monitor"),
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])
