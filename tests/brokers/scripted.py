"""A broker that says what a test tells it to: for what a real one refuses to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[["Peer"], Awaitable[None]]
CONNECT, PUBLISH, PUBACK, SUBSCRIBE = 1, 3, 4, 8


class Peer:
    """One connection seen from the broker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.pubacks: list[int] = []
        self.level = 0

    async def read(self) -> tuple[int, bytes]:
        """The next packet: (type, body)."""
        head = (await self._reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        body = await self._reader.readexactly(length)
        if head >> 4 == PUBACK:
            self.pubacks.append(int.from_bytes(body[:2], "big"))
        return head >> 4, body

    async def until(self, kind: int) -> bytes:
        """The body of the next packet of a type."""
        while True:
            seen, body = await self.read()
            if seen == kind:
                return body

    async def write(self, packet: bytes) -> None:
        """Sends bytes."""
        self._writer.write(packet)
        await self._writer.drain()

    async def welcome(self, codes: bytes = b"\x01") -> None:
        """CONNACK and SUBACK (3.1.1)."""
        self.level = (await self.until(CONNECT))[6]
        await self.write(b"\x20\x02\x00\x00")
        mid = (await self.until(SUBSCRIBE))[:2]
        await self.write(bytes([0x90, 2 + len(codes)]) + mid + codes)

    async def publish(self, topic: bytes, payload: bytes, mid: int) -> None:
        """A PUBLISH of QoS 1 (3.1.1)."""
        body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + payload
        await self.write(bytes([0x32, len(body)]) + body)


@asynccontextmanager
async def scripted_broker(script: Script) -> AsyncIterator[int]:
    """A broker on a loopback port that plays the script to each connection, then closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
