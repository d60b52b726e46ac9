"""A server that is recorded: what it begins with, and what it is told from then on."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from alerts.engine import Engine
from alerts.notifier import Notifier
from alerts.proving import tape
from alerts.taped import TapedEngine, TapedNotifier
from ioc.api.ports import Recorded
from ioc.app.clock import now_ms
from ioc.app.recorder import FLUSH_EVERY_S
from ioc.app.supervision import forever
from ioc.config.recorded_site import site_document
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import Value
from ioc.domain.silence import Silence
from ioc.domain.state import Restored

if TYPE_CHECKING:
    from ioc.app.server import Server


class ServerRecording:
    """Begins and ends recordings of a running server.

    A recording begins as a restart does, from what is committed, so that a replay can begin at the same point: rules that look
    back over a span begin it anew.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._recorder = server.recorder

    async def run(self) -> NoReturn:
        """Writes what waits, once a second."""
        await forever("recording", self._recorder.turn, lambda: FLUSH_EVERY_S)

    async def start(self, path: Path, *, until: int, limit: int) -> Recorded:
        """Begins; ConflictError says why it can't."""
        await self._server.desk.renew(lambda: self._begin(path, until=until, limit=limit))
        return self.state()

    async def stop(self) -> Recorded:
        """Ends it; ConflictError where none goes on."""
        return await self._recorder.stop()

    async def interrupt(self) -> None:
        """Ends it because other rules are put to work: a replay would go by those that it began with."""
        if self._recorder.runs:
            await self._recorder.stop("other rules were put to work")

    def state(self) -> Recorded:
        """How far it is."""
        return self._recorder.state()

    def open(self, devices: Iterable[Device], units: Sequence[Unit]) -> None:
        """The first entries, also after a restart: the site, and an engine that begins."""
        self._recorder.put(tape.Opened(site_document(self._server.config, self._server.rule_desk.rules)))
        self._recorder.put(tape.Started(tuple(devices), tuple(units), self._told()))

    def _told(self) -> dict[str, dict[str, Value]]:
        """What devices told of what they may share with others: it may be long ago."""
        fleet, plan = self._server.fleet, self._server.config.notify.plan
        keys = sorted({*plan.incidents.by, *(one.by for one in plan.depends_on)})
        told: dict[str, dict[str, Value]] = {}
        for device in fleet.devices():
            for key in keys:
                if (value := fleet.value(device.device, key)) is not None:
                    told.setdefault(device.device, {})[key] = value
        return told

    def units_changed(self) -> None:
        """The registry was read again."""
        if self._recorder.runs:
            self._recorder.put(tape.UnitsKnown(self._units()))

    async def _begin(self, path: Path, *, until: int, limit: int) -> tuple[Engine, Notifier, Sequence[Silence]]:
        """An engine and a notifier in place of the present ones. Nothing is waited for once the silences are read: none is missed."""
        server = self._server
        restored = await server.files.state.load()
        silences = await server.files.state.silences.list(until_after=now_ms())
        self._recorder.start(path, until=until, limit=limit)
        try:
            server.engine, server.notifier = self._restarted(restored)
        except Exception:
            await self._recorder.stop("it could not begin")
            raise
        return server.engine, server.notifier, silences

    def _restarted(self, restored: Restored) -> tuple[TapedEngine, TapedNotifier]:
        """Engine and notifier as a restart at this moment would have them."""
        server = self._server
        self.open(server.fleet.devices(), self._units())
        rules = server.rule_desk.rules
        engine = server.deciders.engine(rules)
        notifier = server.deciders.notifier(engine)
        engine.restore(
            alarms=restored.alarms,
            rule_states=restored.rule_states,
            latest=server.engine.held(),
            seq=restored.seq,
            heard_until=server.engine.heard_until,
            orders=restored.orders,
        )
        notifier.restore(restored.groups, restored.alarms, restored.position)
        return engine, notifier

    def _units(self) -> tuple[Unit, ...]:
        tree = self._server.province.tree
        return tuple(row for unit in tree.ids() for row in tree.rows(unit))
