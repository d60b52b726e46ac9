"""Packets cut from a connection's bytes, beside paho's own reader."""

import socket
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collectors.client import MQTT5, MQTT311, LoopClient
from collectors.frames import Frames, MalformedError
from collectors.transport import BufferedSocket
from e2e.publisher import variable_length

PUBACK = b"\x40\x02\x00\x07"
PINGRESP = b"\xd0\x00"


def publish(topic: bytes, payload: bytes, mid: int, *, head: int = 0x30, properties: bytes | None = None) -> bytes:
    """A PUBLISH; `mid` 0 = QoS 0; `properties` None = MQTT 3.1.1."""
    carried = b"" if properties is None else variable_length(len(properties)) + properties
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if mid else b"") + carried + payload
    return bytes([head | (2 if mid else 0)]) + variable_length(len(body)) + body


messages = st.tuples(
    st.text("abc/", min_size=1, max_size=20).map(str.encode),
    st.one_of(st.binary(max_size=40), st.just(bytes(3_000))),
    st.integers(0, 65_535),
    st.sampled_from([0x30, 0x31, 0x38, 0x39]),
    st.sampled_from([b"", b"\x26\x00\x01a\x00\x01b", b"\x26\x00\x01a\x00\xc8" + b"v" * 200]),
)
streams = st.lists(st.one_of(messages, st.just(PUBACK), st.just(PINGRESP)), max_size=12)


class StockClient(paho.Client):
    """paho as it comes, on a socket that is open already."""

    def __init__(self, opened: socket.socket, **arguments: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, reconnect_on_failure=False, manual_ack=True, **arguments)
        self._opened = opened

    def _create_socket(self) -> socket.socket:
        return self._opened


class Fed:
    """A connected client that reads what it is fed, and what it made of that."""

    def __init__(self, *, stock: bool, version: Any) -> None:
        self.seen: list[Any] = []
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(0)
        self.client: paho.Client
        if stock:
            self.client = StockClient(self.ours, protocol=version)
            self.client.on_message = lambda _c, _u, m: self.seen.append(
                (m.topic.encode(), m.payload, m.mid, m.qos, bool(m.dup), bool(m.retain))
            )
        else:
            self.client = LoopClient(BufferedSocket(self.ours), self._take, protocol=version)
        self.client.on_publish = lambda _c, _u, mid, *_: self.seen.append(("puback", mid))
        self.client.connect_async("127.0.0.1")
        self.client.reconnect()

    def _take(self, topic: bytes, payload: bytes, mid: int, head: int) -> bool:
        self.seen.append((topic, payload, mid, (head >> 1) & 3, bool(head & 8), bool(head & 1)))
        return True

    def feed(self, data: bytes) -> None:
        """Sends a piece, and lets the client read until nothing is left."""
        self.theirs.sendall(data)
        with suppress(BlockingIOError):
            while self.ours.recv(1, socket.MSG_PEEK):
                self.client.loop_read()

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@given(streams, st.lists(st.integers(1, 60), max_size=8), st.booleans())
def test_same_packets_as_stock_paho_wherever_the_stream_is_cut(stream: list[Any], cuts: list[int], newer: bool) -> None:  # noqa: FBT001
    """Messages and acknowledgements in the same order, with the same topic, payload, packet id and flags."""
    data = b"".join(
        one if isinstance(one, bytes) else publish(*one[:3], head=one[3] if one[2] else one[3] & ~8, properties=one[4] if newer else None)
        for one in stream
    )
    version = MQTT5 if newer else MQTT311
    fed = [Fed(stock=stock, version=version) for stock in (True, False)]
    try:
        for one in fed:
            rest = data
            for cut in cuts:
                one.feed(rest[:cut])
                rest = rest[cut:]
            if rest:
                one.feed(rest)
        assert fed[1].seen == fed[0].seen
        assert sum(1 for one in fed[1].seen if one[0] != "puback") == sum(1 for one in stream if not isinstance(one, bytes))
    finally:
        for one in fed:
            one.close()


@given(st.binary(max_size=200), st.lists(st.integers(1, 20), max_size=12), st.booleans())
def test_any_bytes_are_packets_or_malformed_and_nothing_is_read_twice(data: bytes, cuts: list[int], properties: bool) -> None:  # noqa: FBT001
    """Cut anywhere, the same comes out as from one piece; what is handed over is never more than came in."""

    def read(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        frames, out = Frames(properties=properties), []

        def take(topic: bytes, payload: bytes, _mid: int, _head: int) -> bool:
            out.append(topic + b"|" + payload)
            return True

        try:
            for piece in pieces:
                frames.add(piece)
                while packet := frames.cut(take):
                    out.append(packet)
        except MalformedError:
            return out, True
        return out, False

    pieces, rest = [], data
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert read([*pieces, rest]) == read([data])
    assert sum(map(len, read([data])[0])) <= len(data)


def test_what_nobody_wants_to_take_waits() -> None:
    """A message that was refused room has been taken all the same; those behind it come next time, once."""
    frames, taken = Frames(properties=False), []
    frames.add(b"".join(publish(b"t", b"%d" % n, n) for n in range(1, 5)))

    def one_at_a_time(_topic: bytes, payload: bytes, _mid: int, _head: int) -> bool:
        taken.append(payload)
        return False

    turns = 0
    while not turns or frames.stopped:
        assert frames.cut(one_at_a_time) == b""
        turns += 1
    assert taken == [b"1", b"2", b"3", b"4"]
    assert turns == 5


@pytest.mark.parametrize(
    "data",
    [b"\x32\x03\x00\x09t", b"\x32\x00", b"\x30\xff\xff\xff\xff\x01", b"\x32\x05\x00\x01tab"],
    ids=["topic beyond the packet", "no topic", "length of five bytes", "properties beyond the packet"],
)
def test_what_is_no_mqtt_is_said(data: bytes) -> None:
    """Rather than read on at a wrong place."""
    frames = Frames(properties=True)
    frames.add(data)
    with pytest.raises(MalformedError):
        frames.cut(lambda *_: True)
