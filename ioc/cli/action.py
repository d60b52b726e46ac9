"""Carries out a command: through the running server where there is one, else on the files in the data folder."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ioc.adapters.state.store import StateDb
from ioc.api.commands import ledger_commands, registry_commands, token_commands
from ioc.api.control import Handler, perform
from ioc.app.clock import now_ms
from ioc.app.lock import data_dir_lock
from ioc.cli.control_client import NotRunningError, ask
from ioc.cli.failure import Failure
from ioc.cli.place import Place
from ioc.config.families import load_families
from ioc.config.problem import Problem
from ioc.config.settings import Site

_NEEDS_SERVER = ("quarantine.", "ledger.audit")
"""Commands for which decoder and store must be at work."""
_FOR_EVER_MS = 2**62


def act(where: Place, command: str, **args: Any) -> Any:  # noqa: ANN401  any JSON
    """The command's result; ControlError or Failure say why there is none."""
    return asyncio.run(_act(where, command, args))


def csv_bytes(path: Path) -> bytes:
    """A file's content, or that of standard input for `-`."""
    import sys

    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        msg = f"{path}: can't be read: {error.strerror}; check the path"
        raise Failure(msg) from None


async def _act(where: Place, command: str, args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
    try:
        return await ask(where.data_dir, command, args)
    except NotRunningError:
        if command.startswith(_NEEDS_SERVER):
            msg = f"no server is running on {where.data_dir}, and `{command.replace('.', ' ')}` needs one; start `ioc run`"
            raise Failure(msg) from None
    async with _on_files(where) as handlers:
        return await perform(command, args, handlers)


@asynccontextmanager
async def _on_files(where: Place) -> AsyncIterator[Mapping[str, Handler]]:
    """Handlers on state.db itself; the lock keeps a server from starting meanwhile."""
    with data_dir_lock(where.data_dir):
        async with await StateDb.open(where.data_dir / "state.db") as state:
            site = where.config.settings.site if where.config else Site()
            families = where.config.families if where.config else _shipped_families()
            yield {
                **registry_commands(state, families=families, zone=ZoneInfo(site.timezone), clock=now_ms),
                **token_commands(state.tokens, state, clock=now_ms),
                **ledger_commands(state),
            }


def _shipped_families() -> Mapping[str, object]:
    problems: list[Problem] = []
    return load_families((), cadence={}, retention=_FOR_EVER_MS, problems=problems)
