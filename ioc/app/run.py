"""`ioc run`: one server from its configuration, until a signal ends it."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from ioc.app.clock import now_ms
from ioc.app.lock import data_dir_lock
from ioc.app.server import Server, open_server
from ioc.config.load import Config
from ioc.domain.principal import Role

log = structlog.get_logger("ioc.run")

COLLECT_AFTER = (50_000, 10, 10)
"""Allocations, then collections, between looks for garbage in cycles: what a message makes holds none, and goes away by itself."""

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

SWITCH_S = 0.0005
"""How long the loop waits at most for a thread of ours that computes: Python's 5 ms, several times in a decision, would be felt."""


async def run(config: Config, *, open_access: bool = False, listening: Callable[[str], None] = lambda _: None) -> None:
    """Runs until SIGTERM or SIGINT, reads the rule files anew on SIGHUP; `listening` is told the URL.

    DataDirError, RegistryFileError, ChangedTypesError and OSError speak for themselves.
    """
    _share_memory_among_threads()
    data_dir = config.settings.data_dir
    with data_dir_lock(data_dir):
        async with open_server(config, open_access=open_access) as server:
            if not open_access:
                await first_token(server, data_dir)
            for doubt in config.doubts:
                log.warning("look_at", detail=str(doubt))
            loop = asyncio.get_running_loop()
            for one in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(one, server.stop)
            loop.add_signal_handler(signal.SIGHUP, server.rule_desk.want)
            _spare_the_collector()
            sys.setswitchinterval(SWITCH_S)
            await server.serve(listening)
            log.info("stopped")


def _share_memory_among_threads() -> None:
    """glibc would keep an arena for each thread, mostly idle: of 190 MB some 10. Other C libraries have none, and no such option."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _spare_the_collector() -> None:
    """What stands after the start stands to the end: it is not searched again and again while messages come in."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def first_token(server: Server, data_dir: Path) -> None:
    """The first start makes one admin token, prints it, and writes it to `admin.token` (mode 0600)."""
    tokens = server.files.state.tokens
    if await tokens.list():
        return
    token = await tokens.create(Role.ADMIN, now=now_ms(), name="first start")
    path = data_dir / "admin.token"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(token + "\n")
    print(f"Admin token (also in {path}): {token}", flush=True)  # noqa: T201  the contract's first start
