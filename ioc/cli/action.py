"""Carries out a command: through the running server where there is one, else on the files in the data folder."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from alerts.duty_report import Duty
from alerts.notify_file import NotifyPlan
from collectors.drift import DriftTracker
from collectors.drift_watch import DriftWatch
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.state.store import StateDb
from ioc.api.alarm_commands import alarm_commands
from ioc.api.commands import drift_commands, ledger_commands, token_commands
from ioc.api.control import Handler, perform
from ioc.api.duty_commands import duty_commands
from ioc.api.incidents import incident_commands
from ioc.api.link_commands import link_commands
from ioc.api.load_commands import load_commands
from ioc.api.quarantine_commands import quarantine_commands
from ioc.api.registry_commands import registry_commands
from ioc.api.silence_commands import silence_commands
from ioc.api.stream import Hub
from ioc.api.why_commands import why_commands
from ioc.app.ack_links import AckKey
from ioc.app.clock import now_ms
from ioc.app.drift_desk import DriftDesk
from ioc.app.load_desk import LoadDesk
from ioc.app.lock import data_dir_lock
from ioc.app.why_desk import WhyDesk
from ioc.cli.control_client import NotRunningError, ask
from ioc.cli.failure import Exit, Failure
from ioc.cli.place import Place
from ioc.cli.shelf import Shelf
from ioc.config.families import load_families
from ioc.config.problem import Problem
from ioc.config.settings import Site
from ioc.domain.family import Family
from ioc.domain.units import UnitTree

_NEED_SERVER = {
    **dict.fromkeys(("quarantine.replay", "quarantine.replay_many"), "quarantine replay"),
    "quarantine.discard": "quarantine discard",
    **dict.fromkeys(("record.start", "record.stop", "record.state"), "record"),
    **dict.fromkeys(("rules.list",), "rules list"),
    **{f"alarms.{act}": f"alarms {act}" for act in ("ack", "assign", "comment", "shelve", "unshelve", "reset")},
    **{f"service.{act}": f"service {act}" for act in ("out", "in", "list")},
    **dict.fromkeys(("rules.reload",), "rules reload"),
}
"""For these the parts of a server must be at work."""
_FOR_EVER_MS = 2**62
_NO_LIMIT = 2**62


def act(where: Place, command: str, **args: Any) -> Any:  # noqa: ANN401  any JSON
    """The command's result; ControlError or Failure say why there is none."""
    return asyncio.run(_act(where, command, args))


def csv_bytes(path: Path) -> bytes:
    """A file's content, or that of standard input for `-`."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        msg = f"{path}: can't be read: {error.strerror}; check the path"
        raise Failure(msg) from None


async def _act(where: Place, command: str, args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
    try:
        return await ask(where.data_dir, command, args)
    except NotRunningError:
        if command in _NEED_SERVER:
            msg = f"no server is running on {where.data_dir}, and `ioc {_NEED_SERVER[command]}` needs one; start `ioc run`"
            raise Failure(msg, Exit.UNREACHABLE) from None
    with data_dir_lock(where.data_dir):
        async with _on_files(where) as handlers:
            return msgspec.to_builtins(await perform(command, args, handlers))


@asynccontextmanager
async def _on_files(where: Place) -> AsyncIterator[Mapping[str, Handler]]:
    """Handlers on the files themselves; the caller holds the lock, so that no server starts meanwhile."""
    site = where.config.settings.site if where.config else Site()
    channels = where.config.notify.all_channels if where.config else {}
    families = where.config.families if where.config else _shipped_families()
    quarantine = QuarantineFile(where.data_dir / "quarantine.db", limit_bytes=_NO_LIMIT)
    async with await StateDb.open(where.data_dir / "state.db") as state:
        await quarantine.open()
        try:
            yield {
                **registry_commands(state, families=families, zone=site.zone, clock=now_ms),
                **token_commands(state.tokens, state, clock=now_ms),
                **ledger_commands(state),
                **drift_commands(await _drifts(state)),
                **link_commands(AckKey(where.data_dir)),
                **alarm_commands(state, state.incidents, language=site.language),
                **incident_commands(state.incidents),
                **load_commands(LoadDesk(state)),
                **silence_commands(state.silences, calendar=where.config.calendar.calendar if where.config else (), clock=now_ms),
                **duty_commands(await _duty(where, state), clock=now_ms),
                **why_commands(WhyDesk(state, channels, language=site.language, zone=site.zone)),
                **quarantine_commands(Shelf(quarantine)),
            }
        finally:
            await quarantine.close()


async def _drifts(state: StateDb) -> DriftDesk:
    tracker = DriftTracker()
    desk = DriftDesk(tracker, DriftWatch(tracker, {}), state.drift, hub=Hub(clock=now_ms, boot=""), clock=now_ms)
    await desk.restore()
    return desk


def _shipped_families() -> Mapping[str, Family]:
    problems: list[Problem] = []
    return load_families((), cadence={}, retention=_FOR_EVER_MS, problems=problems)


async def _duty(where: Place, state: StateDb) -> Duty:
    """By what the registry holds."""
    zone = (where.config.settings.site if where.config else Site()).zone
    today = datetime.fromtimestamp(now_ms() / 1000, zone).date().isoformat()
    plan = where.config.notify.plan if where.config else NotifyPlan()
    tree, devices = UnitTree(await state.units()), await state.devices()
    return Duty(plan, zone=zone, unit=lambda unit: tree.get(unit, today), devices=lambda: devices)
