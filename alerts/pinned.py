"""HTTP connections for channels: every name is resolved and checked, and the connection goes to the address that was checked."""

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from alerts.addresses import Allowance, refusal

MAX_CONNECTIONS = 32


class RefusedAddressError(OSError):
    """A name leads only to addresses that channels may not reach; the text says which, and what to do."""


class CheckedResolver(AbstractResolver):
    """Gives the connector only addresses that may be reached: what a name says later can't change where we connect."""

    def __init__(self, allowance: Allowance, names: AbstractResolver | None = None) -> None:
        self._allowance = allowance
        self._names = names or aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The reachable addresses; RefusedAddressError where there are only others."""
        found = await self._names.resolve(host, port, family)
        refused = [refusal(host, one["host"], self._allowance) for one in found]
        allowed = [one for one, why in zip(found, refused, strict=True) if why is None]
        if found and not allowed:
            raise RefusedAddressError(next(why for why in refused if why is not None))
        return allowed

    async def close(self) -> None:
        """Closes the resolver behind."""
        await self._names.close()


def open_session(allowance: Allowance, names: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A session for channels: checked addresses, no cookies, no proxy from the environment."""
    connector = aiohttp.TCPConnector(resolver=CheckedResolver(allowance, names), limit=MAX_CONNECTIONS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
