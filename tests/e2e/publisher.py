"""A publisher over plain asyncio streams, QoS 1: what the broker has PUBACKed is the oracle of every loss test."""

import asyncio
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from e2e.message import Message
from servers.waiting import PATIENCE_S

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PINGREQ, _DISCONNECT = 0x10, 0x20, 0x32, 0x40, 0xC0, 0xE0
_DUP, _RETAIN = 0x08, 0x01
_TURN_S = 0.005


class Publisher:
    """One MQTT 3.1.1 connection. `acknowledged` holds, in order, every message that the broker took over."""

    def __init__(self, port: int, *, client_id: str, window: int = 1_000, username: str | None = None, password: str | None = None) -> None:
        self._port = port
        self._client_id = client_id
        self._window = window
        self._login = (username, password)
        self._out: dict[int, Message] = {}
        self._mid = 0
        self._room = asyncio.Event()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self.acknowledged: list[Message] = []

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connects, or connects again: what was not acknowledged goes out once more, as DUP."""
        await self._drop()
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._connect_packet())
        try:
            head = await self._reader.readexactly(4)
        except asyncio.IncompleteReadError:
            message = "the broker ended the connection instead of answering"
            raise ConnectionError(message) from None
        if head[0] != _CONNACK or head[3]:
            message = f"the broker refuses the publisher: {head.hex()}"
            raise ConnectionError(message)
        for mid, sent in self._out.items():
            self._writer.write(_publish(sent, mid, dup=True))
        self._listening = asyncio.create_task(self._listen(self._reader))

    async def close(self) -> None:
        """Says goodbye; what is not acknowledged stays so."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.write(bytes((_DISCONNECT, 0)))
                await self._writer.drain()
        await self._drop()

    async def break_off(self) -> None:
        """Ends the connection without DISCONNECT, as a power cut would."""
        await self._drop()

    async def send(self, message: Message) -> None:
        """Sends it as soon as fewer than `window` are unacknowledged; ConnectionError when the broker is gone."""
        while len(self._out) >= self._window:
            self._room.clear()
            await self._room.wait()
            self._alive()
        self._alive()
        assert self._writer is not None
        self._mid = self._mid % 65_535 + 1
        self._out[self._mid] = message
        message.sent_at = time.time() * 1000
        self._writer.write(_publish(message, self._mid, dup=False))

    async def send_all(self, messages: Iterable[Message], *, rate: float | None = None) -> None:
        """Sends them in order, as fast as the broker acknowledges or at `rate` a second, and waits for the last PUBACK."""
        began = time.monotonic()
        for number, message in enumerate(messages):
            if rate is not None and (early := began + number / rate - time.monotonic()) > _TURN_S:
                await asyncio.sleep(early)
            await self.send(message)
            if number % 100 == 0:
                await self.flush()
        await self.settle()

    async def flush(self) -> None:
        """Gives the socket and other tasks their turn."""
        assert self._writer is not None
        await self._writer.drain()
        await asyncio.sleep(0)

    async def settle(self, deadline: float = PATIENCE_S) -> None:
        """Waits until everything sent is acknowledged."""
        async with asyncio.timeout(deadline):
            while self._out:
                self._alive()
                self._room.clear()
                await self._room.wait()

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return self._listening is not None and not self._listening.done()

    @property
    def waiting(self) -> int:
        """Messages sent and not acknowledged."""
        return len(self._out)

    def _alive(self) -> None:
        if not self.connected:
            message = "the broker ended the publisher's connection"
            raise ConnectionError(message)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                kind, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                if kind == _PUBACK:
                    sent = self._out.pop(struct.unpack(">H", body)[0], None)
                    if sent is not None:
                        self.acknowledged.append(sent)
                    self._room.set()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._room.set()

    async def _drop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None

    def _connect_packet(self) -> bytes:
        username, password = self._login
        flags = (0x80 if username else 0) | (0x40 if password else 0)
        body = b"\x00\x04MQTT\x04" + bytes((flags,)) + struct.pack(">H", 0)
        for text in (self._client_id, username, password):
            if text:
                body += struct.pack(">H", len(text.encode())) + text.encode()
        return bytes((_CONNECT,)) + variable_length(len(body)) + body


def _publish(message: Message, mid: int, *, dup: bool) -> bytes:
    topic = message.topic.encode()
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", mid) + message.payload
    flags = _PUBLISH | (_DUP if dup else 0) | (_RETAIN if message.retain else 0)
    return bytes((flags,)) + variable_length(len(body)) + body


def variable_length(size: int) -> bytes:
    """MQTT's variable-length integer."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)
