"""How people and programs reach the server: HTTP, the command line's socket, metrics, the event stream about ourselves."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from alerts.duty_report import Duty
from ioc.api.ack_page import AckPage
from ioc.api.alarm_commands import alarm_act_commands, alarm_commands
from ioc.api.app import build_app
from ioc.api.commands import drift_commands, ledger_commands, record_commands, rule_commands, token_commands
from ioc.api.control import SOCKET_NAME, Handler, serve_control
from ioc.api.documents import ledger_document, platform_document
from ioc.api.duty_commands import duty_commands
from ioc.api.incidents import incident_commands
from ioc.api.link_commands import link_commands
from ioc.api.load_commands import load_commands
from ioc.api.ports import Backend, Site
from ioc.api.quarantine_commands import quarantine_commands
from ioc.api.registry_commands import registry_commands
from ioc.api.service_commands import service_commands
from ioc.api.silence_commands import silence_commands
from ioc.api.why_commands import why_commands
from ioc.app.ack_desk import AckDesk
from ioc.app.ack_links import LinkSigner
from ioc.app.alarm_desk import AlarmActs
from ioc.app.clock import now_ms
from ioc.app.duty_metrics import DutyMetrics
from ioc.app.load_desk import LoadDesk
from ioc.app.metrics import ServerMetrics
from ioc.app.records import RuleList, SeriesReader
from ioc.app.service_desk import ServiceDesk
from ioc.app.supervision import forever, notify_systemd
from ioc.app.why_desk import WhyDesk

if TYPE_CHECKING:
    from ioc.app.server import Server

OWN_EVERY = 5
"""Seconds after which the wall is told again how we are, also when nothing changed."""


class Front:
    """The server's doors; each method runs until cancelled."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._service = ServiceDesk(server.desk, server.files.state.service, server.house.write, now_ms)

    async def serve_http(self, listening: Callable[[str], None]) -> None:
        """The API and the wall; `listening` is told the URL."""
        api = self._server.config.settings.api
        server, registry = self._server, self.metrics_registry()
        app = build_app(self._backend(), server.hub, registry=registry, clock=now_ms, open_access=server.open_access)
        AckPage(self._links(), language=server.config.settings.site.language, clock=now_ms).add_to(app.router)
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

    async def serve_commands(self) -> None:
        """The command line's socket."""
        await serve_control(self._server.config.settings.data_dir / SOCKET_NAME, self._commands())

    async def tell_own_state(self) -> None:
        """How we hear and store, once a second where it changed, else every five: the wall judges our age by it."""
        told, turn = None, 0

        async def tell() -> None:
            nonlocal told, turn
            checks, platform = await self._server.health.checks(), await self._server.health.platform()
            site = self._site()
            now = now_ms()
            document = platform_document(platform, site, store_ok=checks.store.ok, store_detail=checks.store.detail, at=now)
            gist = msgspec.structs.replace(document, at="", heard_until=None)
            turn += 1
            if gist != told or turn % OWN_EVERY == 0:
                self._server.hub.publish("own", document)
                self._server.hub.publish("ledger", ledger_document(await self._server.ledger.ledger(None, None)))
                told = gist

        await forever("own state", tell, lambda: 1.0)

    def _backend(self) -> Backend:
        state = self._server.files.state
        return Backend(
            site=self._site(),
            families=list(self._server.config.families.values()),
            devices=self._server.province,
            units=self._server.province,
            alarms=state,
            desk=self._acts(),
            incidents=state.incidents,
            held=self._server,
            silences=self._server.silence_desk,
            service=self._service,
            quarantine=self._server.quarantine,
            drift=self._server.drift,
            ledger=self._server.ledger,
            series=SeriesReader(self._server.store, self._server.config.settings.store.retention, rolled=self._rolled, clock=now_ms),
            rules=self._rules(),
            outbox=state,
            why=self._why(),
            load=LoadDesk(state),
            duty=self._duty(),
            health=self._server.health,
            tokens=state.tokens,
            calendar=self._server.config.calendar.calendar,
        )

    def _why(self) -> WhyDesk:
        site, notify = self._server.config.settings.site, self._server.config.notify
        return WhyDesk(self._server.files.state, notify.all_channels, language=site.language, zone=site.zone)

    def _duty(self) -> Duty:
        config, province = self._server.config, self._server.province
        zone, devices = config.settings.site.zone, self._server.fleet.devices
        return Duty(config.notify.plan, zone=zone, unit=lambda unit: province.tree.get(unit, province.today()), devices=devices)

    def _acts(self) -> AlarmActs:
        return AlarmActs(self._server.desk, self._server.files.state, self._server.house.write)

    def _links(self) -> AckDesk:
        server, notify = self._server, self._server.config.notify
        signer = LinkSigner(server.ack_key, notify.acknowledge)
        return AckDesk(signer, server.files.state, self._acts(), notify.all_channels, language=server.config.settings.site.language)

    def _rules(self) -> RuleList:
        server = self._server
        return RuleList(lambda: server.rule_desk.rules, server.config.clock_rules, server.engine.remembered)

    def _rolled(self) -> bool:
        return self._server.config.settings.store.rollups.enabled and not self._server.rollups.fault

    def _commands(self) -> dict[str, Handler]:
        state, config = self._server.files.state, self._server.config
        language = config.settings.site.language
        zone, changed = config.settings.site.zone, self._server.province.reload
        return {
            **registry_commands(state, families=config.families, zone=zone, clock=now_ms, changed=changed),
            **token_commands(state.tokens, state, clock=now_ms),
            **ledger_commands(self._server.ledger),
            **drift_commands(self._server.drift),
            **link_commands(self._server.ack_key),
            **alarm_commands(state, state.incidents, language=language),
            **alarm_act_commands(state, state.incidents, self._acts(), language=language, clock=now_ms),
            **incident_commands(state.incidents, self._server),
            **quarantine_commands(self._server.quarantine),
            **record_commands(self._server.recording, clock=now_ms),
            **why_commands(self._why()),
            **silence_commands(self._server.silence_desk, calendar=config.calendar.calendar, clock=now_ms),
            **load_commands(LoadDesk(state)),
            **service_commands(self._service, self._server.province, self._server.province),
            **duty_commands(self._duty(), clock=now_ms),
            **rule_commands(self._rules(), self._server.rule_desk),
        }

    def metrics_registry(self) -> CollectorRegistry:
        """All that /metrics shows, but for what the API adds of its own."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        metrics = ServerMetrics(
            sessions={name: one.session for name, one in self._server.sources.items()},
            pipelines={name: one.pipeline for name, one in self._server.sources.items()},
            ears=self._server.ears,
            desk=self._server.desk,
            engine=self._server.engine,
            rules=self._server.rule_desk,
            writer=self._server.writer,
            drain=self._server.drain,
            books=self._server.books,
            spool=self._server.files.spool,
            fleet=self._server.fleet,
            strangers=self._server.strangers,
            outbox=self._server.outbox,
            house=self._server.house,
            ledger=self._server.ledger,
            auditor=self._server.auditor,
            ingests={name: one.ingest for name, one in self._server.sources.items()},
            unmapped=self._server.unmapped,
            quarantine=self._server.files.quarantine,
            tracker=self._server.tracker,
            rollups=self._server.rollups,
            deadbands=self._server.deadbands,
            clock=now_ms,
        )
        registry.register(metrics)
        registry.register(DutyMetrics(self._duty(), clock=now_ms))
        return registry

    def _site(self) -> Site:
        site = self._server.config.settings.site
        return Site(id=site.id, name=site.name, language=site.language, timezone=site.timezone)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])
