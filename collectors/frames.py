"""MQTT packets cut from what a connection reads: messages of QoS 0 and 1 here, all others whole for paho.

paho asks its socket for a packet's head byte by byte, which costs more than all that we do with most messages.
"""

from collections.abc import Callable

_VARIABLE_MOST = 4
"""Bytes of a variable-length integer [MQTT-1.5.5]."""
_TYPE_AND_QOS = 0xF6
_MESSAGES = frozenset({0x30, 0x32})
"""PUBLISH of QoS 0 and 1; QoS 2 is never granted to us."""
DUP, RETAIN = 0x08, 0x01

TakeMessage = Callable[[bytes, bytes, int, int], bool]
"""(topic, payload, packet id, first byte of the packet) of a message, packet id 0 = QoS 0; False = no more for now."""


class MalformedError(Exception):
    """The bytes are no MQTT."""


class Frames:
    """Takes bytes as they come, in pieces of any size, and gives packets in their order."""

    def __init__(self, *, properties: bool) -> None:
        """`properties`: whether messages carry them (MQTT 5); nobody here asks for one."""
        self._properties = properties
        self._data = b""
        self._at = 0
        self._pieces: list[bytes] = []
        """What has come of a packet that is not whole yet, after `_data`."""
        self._missing = 0
        self.stopped = False
        """Messages wait here that nobody wanted to take."""

    def add(self, piece: bytes) -> None:
        """Takes what was read; a packet in many pieces is joined once."""
        self._pieces.append(piece)
        self._missing -= len(piece)
        if self._missing <= 0:
            self._data = b"".join([self._data[self._at :], *self._pieces])
            self._at = self._missing = 0
            self._pieces.clear()

    def cut(self, take: TakeMessage) -> bytes:
        """Hands over messages up to the first packet of another kind, which it returns; empty = no whole packet is left, or `take` said no.

        MalformedError for what can't be a packet.
        """
        if self._pieces:
            return b""
        data, at, end = self._data, self._at, len(self._data)
        self.stopped = False
        while end - at >= 2:  # noqa: PLR2004  the shortest packet
            body, length = at + 2, data[at + 1]
            if length >= 0x80:  # noqa: PLR2004  more bytes of the length follow
                try:
                    body, length = _variable(data, at + 1)
                except IndexError:
                    break
            after = body + length
            if after > end:
                self._missing = after - end
                break
            head = data[at]
            if head & _TYPE_AND_QOS not in _MESSAGES:
                self._at = after
                return data[at:after]
            at = after
            if not self._message(data, body, after, head, take):
                self.stopped = True
                break
        self._at = at
        return b""

    def _message(self, data: bytes, at: int, after: int, head: int, take: TakeMessage) -> bool:
        begins, mid = at + 2, 0
        try:
            at = begins + (data[at] << 8 | data[at + 1])
            topic = data[begins:at]
            if head & 2:
                mid = data[at] << 8 | data[at + 1]
                at += 2
            if self._properties:
                length = data[at]
                at += 1
                if length:
                    at, length = _variable(data, at - 1)
                    at += length
        except IndexError as error:
            raise MalformedError from error
        if at > after:
            raise MalformedError
        return take(topic, data[at:after], mid, head)


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """Where what follows a variable-length integer begins, and its value; IndexError where it is not all there."""
    value = shift = 0
    for position in range(at, at + _VARIABLE_MOST):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  its last byte
            return position + 1, value
        shift += 7
    raise MalformedError
