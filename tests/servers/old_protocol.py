"""A front before a broker that accepts MQTT 3.1.1 and turns MQTT 5 away, as older brokers do."""

import asyncio
import threading
from contextlib import suppress

from servers.waiting import PATIENCE_S

_UNACCEPTABLE_VERSION = bytes([0x20, 0x02, 0x00, 0x01])  # CONNACK, MQTT 3.1.1 section 3.2.2.3
_MQTT_5 = 5


class OldProtocolFront:
    """Listens on a loopback port and relays 3.1.1 connections to `upstream_port`."""

    def __init__(self, *, upstream_port: int, answer: bool) -> None:
        self._upstream_port = upstream_port
        self._answer = answer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._port = 0

    def start(self) -> int:
        """Starts the front and gives its port."""
        self._started.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="old-protocol-front", daemon=True)
        self._thread.start()
        if not self._started.wait(PATIENCE_S):
            message = "the MQTT 3.1.1 front did not start"
            raise RuntimeError(message)
        return self._port

    def stop(self) -> None:
        """Ends the front and its connections."""
        if self._loop is None or self._thread is None:
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE_S)
        self._loop = self._thread = None

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connect = await asyncio.wait_for(_first_packet(reader), PATIENCE_S)
            if _protocol_level(connect) >= _MQTT_5:
                if self._answer:
                    writer.write(_UNACCEPTABLE_VERSION)
                    await writer.drain()
                return
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            upstream_writer.write(connect)
            await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


async def _first_packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(2)
    length, shift = head[1] & 0x7F, 7
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
        length |= (head[-1] & 0x7F) << shift
        shift += 7
    return head + await reader.readexactly(length)


def _protocol_level(connect: bytes) -> int:
    start = 1
    while connect[start] & 0x80:
        start += 1
    name_length = int.from_bytes(connect[start + 1 : start + 3], "big")
    return connect[start + 3 + name_length]


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()
    finally:
        sink.close()
