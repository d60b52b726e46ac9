"""A publisher that costs next to nothing a message: packets made beforehand, PUBACKs only counted."""

import asyncio
import struct
from collections.abc import Iterable, Sequence
from itertools import islice

_CONNECT_FLAGS_CLEAN = 0x02
_PUBACK_SIZE = 4
WINDOW = 1_000
"""Messages in one write; the next write waits for all their PUBACKs, so that packet identifiers are free again."""

Packet = tuple[bytes, bytes]
"""A PUBLISH before and after its packet identifier."""

_IDENTIFIERS = [struct.pack(">H", n + 1) for n in range(WINDOW)]


class Feed:
    """One MQTT 3.1.1 connection for QoS 1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.acknowledged = 0

    async def send(self, packets: Sequence[Packet]) -> None:
        """At most WINDOW packets; returns once the broker has taken them all."""
        self._writer.write(b"".join([head + mid + rest for (head, rest), mid in zip(packets, _IDENTIFIERS, strict=False)]))
        await self._writer.drain()
        await self._reader.readexactly(_PUBACK_SIZE * len(packets))
        self.acknowledged += len(packets)

    async def close(self) -> None:
        """Says goodbye."""
        self._writer.write(b"\xe0\x00")
        await self._writer.drain()
        self._writer.close()


async def connect(port: int, client_id: str) -> Feed:
    """A connection that the broker accepted; ConnectionError otherwise."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04" + bytes((_CONNECT_FLAGS_CLEAN,)) + b"\x00\x00" + struct.pack(">H", len(name)) + name
    writer.write(bytes((0x10, len(body))) + body)
    answer = await reader.readexactly(4)
    if answer[3]:
        message = f"the broker refuses the publisher: {answer.hex()}"
        raise ConnectionError(message)
    return Feed(reader, writer)


async def send_all(port: int, packets: Iterable[Packet]) -> int:
    """Publishes all as fast as the broker takes them; how many it took."""
    feed = await connect(port, "bench-feed")
    rest = iter(packets)
    while chunk := list(islice(rest, WINDOW)):
        await feed.send(chunk)
    await feed.close()
    return feed.acknowledged


def packet(topic: bytes, payload: bytes, *, retain: bool = False) -> Packet:
    """A PUBLISH of QoS 1."""
    head = bytes((0x33 if retain else 0x32,)) + length(4 + len(topic) + len(payload))
    return head + struct.pack(">H", len(topic)) + topic, payload


def length(size: int) -> bytes:
    """MQTT's variable-length integer."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)
