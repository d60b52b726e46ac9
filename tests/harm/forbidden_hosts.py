"""URLs by which somebody makes us connect where no channel may, tried with every kind of channel that has a URL."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import ValidationError

from alerts.channel import SendError
from alerts.channel_set import open_channels
from alerts.notify_file import NotifyFile
from alerts.secret_files import ChannelSetupError
from ioc.domain.alarm import OutboxMessage
from notifying.gateway import Gateway
from notifying.names import Names
from notifying.stage import Stage
from notifying.surroundings import around

INSIDE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254",  # noqa: S104
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fec0::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::",
)  # fmt: skip
"""What a name may resolve to: loopback, private, link-local, metadata, reserved, and IPv4 wrapped in IPv6."""
DISGUISED = (
    "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
    "１６９.２５４.１６９.２５４", "169。254。169。254", "①⑥⑨.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25eth0]", "0.0.0.0", "[::]", "169.254.169.254.", "0",  # noqa: S104
    "public.example@169.254.169.254", "user:pw@[::ffff:a9fe:a9fe]", "169.254.169.254#@public.example", "169.254.169.254?@public.example",
    "public.example\\@169.254.169.254", "public.example:80@2130706433", "%31%36%39.254.169.254", "169.254.169.254%00.public.example",
)  # fmt: skip
"""Hosts as they may stand in a URL."""
REDIRECTS = (301, 302, 303, 307, 308)
PUBLIC = "1.1.1.1"
ELSEWHERE = "http://169.254.169.254/latest/meta-data/iam/"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: how, and the addresses that we began to connect to."""

    how: str
    connected: tuple[str, ...]
    refused: bool


def message() -> OutboxMessage:
    """About one alarm."""
    stage = Stage({"group_wait": "0s", "group_interval": "0s"})
    stage.raise_("tt-1")
    return stage.outbox[0]


@asynccontextmanager
async def connections(*, allowed_port: int | None = None) -> AsyncIterator[list[str]]:
    """The addresses to which this process begins to connect; none but the allowed loopback port is let through."""
    loop, seen = asyncio.get_running_loop(), list[str]()
    connect = loop.sock_connect

    async def watched(sock: Any, address: Any) -> None:
        if address[0] in {"127.0.0.1", "::1"} and address[1] == allowed_port:
            await connect(sock, address)
            return
        seen.append(address[0])
        raise ConnectionRefusedError(111, "nobody is let through in this test")

    with patch.object(loop, "sock_connect", watched):
        yield seen


def channels_for(url: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Every kind of channel that takes a URL of the file."""
    yield "webhook", {"ops": {"kind": "webhook", "url": url}}
    yield "http", {"ops": {"kind": "http", "url": url, "json": '{"text": "{text}"}'}}


async def attempt(folder: Path, how: str, channels: dict[str, Any], names: Names, *, allow: str = "", port: int | None = None) -> Tried:
    """One message through such a channel."""
    refused = False
    async with connections(allowed_port=port) as seen:
        try:
            more = {"allow_private": allow} if allow else {}
            declared = NotifyFile.model_validate({"channels": channels, **more})
            async with open_channels(declared, around(folder, names=names, link=lambda _message: "")) as opened:
                await opened["ops"].send(message())
        except (SendError, ChannelSetupError, ValidationError):
            refused = True
    return Tried(how, tuple(seen), refused)


async def resolved(folder: Path) -> list[Tried]:
    """A name that leads to each address inside."""
    found = []
    for address in INSIDE:
        for kind, channels in channels_for("http://evil.example/hook"):
            found.append(await attempt(folder, f"{kind}: a name that leads to {address}", channels, Names({"evil.example": [[address]]})))
    return found


async def written(folder: Path) -> list[Tried]:
    """Each disguise in a URL. Names that are none of them lead to a public address."""
    found = []
    for host in DISGUISED:
        for kind, channels in channels_for(f"http://{host}/hook"):
            found.append(await attempt(folder, f"{kind}: http://{host}/", channels, _AnyName({})))
    return found


async def rebound(folder: Path) -> list[Tried]:
    """A name that is public at the first attempt and leads inside from then on."""
    names = Names({"evil.example": [[PUBLIC], ["127.0.0.1"]]})
    found = []
    for kind, channels in channels_for("http://evil.example/hook"):
        names.answers["evil.example"] = [[PUBLIC], ["127.0.0.1"]]
        found += [await attempt(folder, f"{kind}: rebinding, attempt {turn}", channels, names) for turn in (1, 2, 3)]
    return found


async def redirected(folder: Path) -> list[Tried]:
    """An allowed receiver that points to the metadata service."""
    gateway, found = Gateway(), []
    async with gateway.server() as server:
        assert server.port is not None
        for status in REDIRECTS:
            gateway.says((status, b"", {"Location": ELSEWHERE}))
            for kind, channels in channels_for(f"http://desk.example:{server.port}/hook"):
                names = Names({"desk.example": [["127.0.0.1"]], "169.254.169.254": [["169.254.169.254"]]})
                how = f"{kind}: answered {status} to the metadata service"
                found.append(await attempt(folder, how, channels, names, allow="127.0.0.1", port=server.port))
    return found


async def everything(folder: Path) -> list[Tried]:
    """All of the set."""
    return [*await resolved(folder), *await written(folder), *await rebound(folder), *await redirected(folder)]


def forbidden(tried: Iterable[Tried]) -> list[str]:
    """What connected where it must not, or was taken for delivered."""
    return [json.dumps([one.how, one.connected]) for one in tried if not one.refused or set(one.connected) - {PUBLIC}]


class _AnyName(Names):
    """Digits and dots are read as the system reads them; every real name is public."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        self.answers[host] = [[_as_the_system(host)]]
        return await super().resolve(host, port, family)


def _as_the_system(host: str) -> str:
    """What the system makes of digits, else a public address: no look-up leaves the machine."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return PUBLIC
