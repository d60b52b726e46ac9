"""What an exception that ends a command means to the person who gave it."""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ioc.cli.failure import Exit, Failure


@dataclass(frozen=True, slots=True)
class Ending:
    """What is printed, and what scripts see."""

    text: str
    code: Exit


_REMEDIES = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; check api.host",
    errno.EACCES: "this user may not do that; check the permissions",
    errno.EPERM: "this user may not do that; check the permissions",
    errno.ENOSPC: "make room on the disk",
    errno.EROFS: "the disk is mounted read-only; choose another folder",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
}


def ending_of(error: BaseException) -> Ending | None:
    """The sentence and code of a foreseeable failure; None for a fault of ours, which deserves its traceback."""
    endings = [_of_one(one) for one in _leaves(error)]
    known = [ending for ending in endings if ending is not None]
    return known[0] if known and len(known) == len(endings) else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The failures inside the groups that task groups raise."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _of_one(error: BaseException) -> Ending | None:
    from dashboards.grafana import GrafanaError, GrafanaUnreachableError
    from ioc.api.control import ControlError
    from ioc.app.demo import DemoError
    from ioc.app.lock import DataDirError
    from ioc.app.registry import RegistryFileError
    from ioc.config.problem import ConfigError
    from ioc.domain.point import StoreDeniedError, StoreUnavailableError
    from ioc.domain.state import FencedError, StateSchemaError, StateUnavailableError
    from ioc.simulator.broker import BrokerStartError
    from ioc.simulator.simulate import SimulationError

    if isinstance(error, Failure):
        return Ending(str(error), error.code)
    if isinstance(error, OSError):
        return Ending(_os_sentence(error), Exit.WRONG)
    away = isinstance(error, StoreUnavailableError | GrafanaUnreachableError) and not isinstance(error, StoreDeniedError)
    if away or (isinstance(error, ControlError) and error.kind == "unavailable"):
        return Ending(str(error), Exit.UNREACHABLE)
    ours = (
        ControlError,
        ConfigError,
        DataDirError,
        RegistryFileError,
        SimulationError,
        DemoError,
        BrokerStartError,
        StoreDeniedError,
        GrafanaError,
    )
    if isinstance(error, (*ours, StateSchemaError, StateUnavailableError, FencedError)):
        return Ending(str(error), Exit.WRONG)
    return None


def _os_sentence(error: OSError) -> str:
    remedy = _REMEDIES.get(error.errno or 0)
    # asyncio words a failing bind itself and keeps the address only in its words.
    bind = re.search(r"on address \('([^']+)', (\d+)", str(error))
    if bind is not None and error.errno:
        what = f"can't listen on {bind[1]}:{bind[2]}: {os.strerror(error.errno).lower()}"
    else:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return f"{what}; {remedy}" if remedy else what
