"""paho's client under a socket that is already open, with a short way for incoming messages."""

from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket

from collectors.transport import BufferedSocket

MQTT5 = MQTTProtocolVersion.MQTTv5
MQTT311 = MQTTProtocolVersion.MQTTv311

TakePublish = Callable[[bytes, bytes, int, int, bool, bool], None]
"""(topic, payload, packet id, QoS, DUP, RETAIN) of a message of QoS 0 or 1."""


class LoopClient(paho.Client):
    """Acknowledges only by `ack`; gives messages to `take` instead of `on_message`.

    Overrides two inner methods of paho 2.2: it would open its socket itself, blocking the loop, and it builds five objects
    for a message, MQTT 5 properties among them, that nobody here asks for.
    """

    def __init__(self, opened: BufferedSocket, take: TakePublish, **arguments: Any) -> None:  # noqa: ANN401 - paho's own arguments
        super().__init__(CallbackAPIVersion.VERSION2, reconnect_on_failure=False, manual_ack=True, **arguments)
        # An exception that paho lets through would leave its packet reader in mid-packet.
        self.suppress_exceptions = True
        self._opened = opened
        self._take = take
        self._has_properties = arguments.get("protocol") == MQTT5

    def _create_socket(self) -> BufferedSocket:
        return self._opened

    def _handle_publish(self) -> MQTTErrorCode:
        head, body = self._in_packet["command"], self._in_packet["packet"]
        qos = (head >> 1) & 3
        if qos > 1:
            # Never granted: we subscribe with QoS 1.
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        try:
            at = 2 + (body[0] << 8 | body[1])
            topic = bytes(body[2:at])
            mid = 0
            if qos:
                mid = body[at] << 8 | body[at + 1]
                at += 2
            if self._has_properties:
                at = _after_properties(body, at)
        except IndexError as error:
            message = "PUBLISH shorter than its own lengths"
            raise MalformedPacket(message) from error
        self._take(topic, bytes(body[at:]), mid, qos, bool(head & 8), bool(head & 1))
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def _after_properties(body: bytes | bytearray, at: int) -> int:
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the last byte of a variable-length integer
            break
        shift += 7
    if at + length > len(body):
        raise IndexError
    return at + length
