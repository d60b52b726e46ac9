"""A relay in front of a broker: reads along, and can stop forwarding as a half-open connection does."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

CONNECT, PUBLISH, PUBACK, SUBACK = 1, 3, 4, 9
_QOS, _V5 = 0x06, 5


@dataclass(slots=True)
class Passage:
    """One connection of the client: times are those of the monotonic clock."""

    began: float
    subscribed: float | None = None
    """When the broker's SUBACK passed."""
    refused: bool = False
    """The broker could not be reached."""
    level: int = 4
    pending: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """Packet id → (topic, payload) of what was handed to the client and is not acknowledged."""


Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Note = Callable[[Passage, int, int, bytes], None]


class Packets:
    """Cuts a byte stream into MQTT packets: (type, flags, body)."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """The packets that are complete now."""
        rest = self._rest
        rest += data
        found, at = [], 0
        while (cut := _packet(rest, at)) is not None:
            start, end = cut
            found.append((rest[at] >> 4, rest[at] & 0x0F, bytes(rest[start:end])))
            at = end
        del rest[:at]
        return found


def _packet(data: bytearray, at: int) -> tuple[int, int] | None:
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(data))):
        length |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 0x80:
            return (place + 1, place + 1 + length) if place + 1 + length <= len(data) else None
    return None


class BrokerTap:
    """Listens on a loopback port. `acknowledged` = (topic, payload) that the client PUBACKed, as the wire had it."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream = upstream_port
        self._server: asyncio.Server | None = None
        self._held: asyncio.Event = asyncio.Event()
        self._stuck: set[int] = set()
        self._serial = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.passages: list[Passage] = []
        self.acknowledged: list[tuple[bytes, bytes]] = []
        self.handed = 0
        """PUBLISH packets given to the client."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """As the configuration takes it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def stop_forwarding(self) -> None:
        """The connections of now stay open, and nothing passes on them any more; new ones are served."""
        self._stuck = set(range(1, self._serial + 1))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        passage = Passage(time.monotonic())
        self.passages.append(passage)
        self._serial += 1
        try:
            await self._relay(self._serial, passage, reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _relay(self, serial: int, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            passage.refused = True
            return
        ways = [
            asyncio.create_task(self._forward(serial, (reader, up_writer), passage, self._from_client)),
            asyncio.create_task(self._forward(serial, (up_reader, writer), passage, self._from_broker)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            up_writer.close()

    async def _forward(self, serial: int, way: Way, passage: Passage, note: Note) -> None:
        reader, writer = way
        packets = Packets()
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if serial in self._stuck:
                    await self._held.wait()
                for kind, flags, body in packets.take(data):
                    note(passage, kind, flags, body)
                writer.write(data)
                await writer.drain()

    def _from_client(self, passage: Passage, kind: int, _flags: int, body: bytes) -> None:
        if kind == CONNECT:
            passage.level = body[6]
        elif kind == PUBACK:
            told = passage.pending.pop(int.from_bytes(body[:2], "big"), None)
            if told is not None:
                self.acknowledged.append(told)

    def _from_broker(self, passage: Passage, kind: int, flags: int, body: bytes) -> None:
        if kind == SUBACK:
            passage.subscribed = time.monotonic()
        elif kind == PUBLISH and flags & _QOS:
            self.handed += 1
            size = int.from_bytes(body[:2], "big")
            topic, rest = body[2 : 2 + size], body[2 + size :]
            mid, payload = int.from_bytes(rest[:2], "big"), rest[2:]
            if passage.level == _V5:
                payload = payload[_property_bytes(payload) :]
            passage.pending[mid] = (topic, payload)


def _property_bytes(data: bytes) -> int:
    """How many bytes an MQTT 5 packet's properties take, with their length (below 16 KiB)."""
    return 1 + data[0] if data[0] < 0x80 else 2 + (data[0] & 0x7F | data[1] << 7)
