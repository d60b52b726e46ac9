"""paho's client under a socket that is already open, with a short way for incoming messages."""

from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from collectors.frames import Frames, TakeMessage
from collectors.transport import BufferedSocket

MQTT5 = MQTTProtocolVersion.MQTTv5
MQTT311 = MQTTProtocolVersion.MQTTv311


class LoopClient(paho.Client):
    """Gives messages to `take` instead of `on_message` and acknowledges none; all other packets are paho's.

    Overrides one inner method of paho 2.2, which would open its socket itself, blocking the loop; and `loop_read`, as paho
    reads heads byte by byte and builds five objects for a message.
    """

    def __init__(self, opened: BufferedSocket, take: TakeMessage, **arguments: Any) -> None:  # noqa: ANN401 - paho's own arguments
        super().__init__(CallbackAPIVersion.VERSION2, reconnect_on_failure=False, manual_ack=True, **arguments)
        # An exception that paho lets through would leave its packet reader in mid-packet.
        self.suppress_exceptions = True
        self._opened = opened
        self._take = take
        self._frames = Frames(properties=arguments.get("protocol") == MQTT5)

    def _create_socket(self) -> BufferedSocket:
        return self._opened

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Reads once, or goes on with what `take` did not want last time; MalformedError when it is no MQTT."""
        if not self._frames.stopped:
            try:
                piece = self._opened.read()
            except BlockingIOError:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            if not piece:
                return super().loop_read(max_packets)  # which finds the socket's end
            self._frames.add(piece)
        while packet := self._frames.cut(self._take):
            self._opened.lend(packet)
            code = super().loop_read(max_packets)
            if code or self._sock is None:
                return code
        return MQTTErrorCode.MQTT_ERR_SUCCESS
