"""What goes on for ever goes on, whatever one turn of it meets; and an outward watchdog, and systemd, hear that we work."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import NoReturn

import aiohttp
import structlog

from ioc.domain.point import StoreUnavailableError
from ioc.domain.state import FencedError, StateUnavailableError

log = structlog.get_logger("ioc.watchdog")

PING_TIMEOUT_S = 10.0


async def forever(what: str, turn: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> NoReturn:
    """Takes a turn, and another after each pause. One that fails is logged and costs only itself; FencedError ends us."""
    while True:
        try:
            await turn()
        except FencedError:
            raise
        except (StoreUnavailableError, StateUnavailableError) as error:
            log.warning("turn_failed", what=what, detail=str(error))
        except Exception:
            log.exception("turn_failed", what=what)
        await asyncio.sleep(pause_s())


def notify_systemd(message: str) -> None:
    """Sends one sd_notify message (`READY=1`, `WATCHDOG=1`, `STOPPING=1`); does nothing where systemd did not ask for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(message.encode(), address)
        except OSError as error:
            log.warning("systemd_not_told", detail=str(error))


async def ping_outward(url: str, every_ms: int, works: Callable[[], bool]) -> None:
    """Pings for ever while `works()`; a ping that fails is logged and tried again at the next turn."""
    timeout = aiohttp.ClientTimeout(total=PING_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:

        async def ping() -> None:
            if not works():
                return
            try:
                async with http.get(url, allow_redirects=False) as answer:
                    if answer.status >= 400:  # noqa: PLR2004  HTTP's refusals
                        log.warning("watchdog_refused", status=answer.status)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("watchdog_unreachable", detail=str(error) or type(error).__name__)

        await forever("watchdog", ping, lambda: every_ms / 1000)
