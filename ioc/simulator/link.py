"""One device's own MQTT connection: client id, Will, birth; no thread, no reconnect of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.client import MQTT311, LoopClient
from collectors.ending import Ending, Kind, lost, refused
from collectors.source import SourceSettings
from collectors.transport import open_socket
from collectors.wire import Wire

_CONNECT_TIMEOUT_S = 20.0
_KEEPALIVE_S = 60


@dataclass(frozen=True, slots=True)
class Birth:
    """What a device says of itself when it comes back."""

    at: int
    fw: str


class DeviceLink:
    """Open once; `ended` once the connection is gone."""

    def __init__(self, settings: SourceSettings, *, family: str, device: str, changed: Callable[[], None]) -> None:
        """`changed` is called when the connection comes up or ends."""
        self._settings = settings
        self._device = device
        self._base = f"{settings.topic_root}/{family}/{device}"
        self._changed = changed
        self._client: LoopClient | None = None
        self._wire: Wire | None = None
        self.up = False
        self.failure: Ending | None = None

    async def open(self) -> None:
        """Connects and sends CONNECT; OSError when the broker can't be reached. `up` follows with CONNACK."""
        opened = await open_socket(self._settings, _CONNECT_TIMEOUT_S)
        self.up, self.failure = False, None
        wire = self._wire = Wire(opened, before_turn=_nothing, after_turn=_nothing)
        client = self._client = LoopClient(opened, _ignore, client_id=self._device, protocol=MQTT311, clean_session=True)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._settings.password)
        client.will_set(f"{self._base}/status", b'{"online": false}', qos=1, retain=True)
        client.on_connect = wire.guarded(self._on_connect)
        client.on_disconnect = wire.guarded(lambda *_: wire.end(lost(opened.failure, "disconnected")))
        wire.attach(client)
        wire.ended.add_done_callback(self._on_end)
        client.connect_async(self._settings.host, self._settings.port, keepalive=_KEEPALIVE_S)
        client.reconnect()

    def birth(self, birth: Birth) -> None:
        """Publishes the retained birth."""
        self._publish("status", {"online": True, "ts": birth.at, "fw": birth.fw}, retain=True)

    def telemetry(self, payload: dict[str, Any]) -> None:
        """Publishes one telemetry message."""
        self._publish("telemetry", payload)

    def event(self, payload: dict[str, Any]) -> None:
        """Publishes one event."""
        self._publish("event", payload)

    def tick(self) -> None:
        """Keepalive; to be called several times within it."""
        if self._client is not None and self.up:
            self._client.loop_misc()

    def cut(self) -> None:
        """The connection breaks without DISCONNECT: the broker sends the Will."""
        if self._wire is not None:
            self._wire.end(Ending(Kind.LOST, "cut"))

    def _publish(self, channel: str, payload: dict[str, Any], *, retain: bool = False) -> None:
        if self._client is not None and self.up:
            self._client.publish(f"{self._base}/{channel}", msgspec.json.encode(payload), qos=1, retain=retain)

    def _on_connect(self, _client: object, _userdata: object, _flags: object, code: Any, _properties: object) -> None:  # noqa: ANN401 - paho's
        if code.is_failure:
            assert self._wire is not None  # noqa: S101 - made before the client
            self._wire.end(refused(code.value, str(code), user=self._settings.username, client_id=self._device))
            return
        self.up = True
        self._changed()

    def _on_end(self, ended: Any) -> None:  # noqa: ANN401 - a future of Ending
        self.up = False
        self.failure = ended.result()
        self._client = None
        self._changed()


def _nothing() -> None:
    pass


def _ignore(*_: object) -> bool:
    return True
