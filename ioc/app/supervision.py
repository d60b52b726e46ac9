"""Tells systemd and an outward watchdog that we work: only while canary, store and journal do."""

import asyncio
import os
import socket
from collections.abc import Callable

import aiohttp
import structlog

log = structlog.get_logger("ioc.watchdog")

PING_TIMEOUT_S = 10.0


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
        while True:
            if works():
                try:
                    async with http.get(url, allow_redirects=False) as answer:
                        if answer.status >= 400:  # noqa: PLR2004  HTTP's refusals
                            log.warning("watchdog_refused", status=answer.status)
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.warning("watchdog_unreachable", detail=str(error) or type(error).__name__)
            await asyncio.sleep(every_ms / 1000)
