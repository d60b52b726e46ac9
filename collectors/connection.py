"""One MQTT connection, driven by the running loop: from CONNECT to whatever ends it. Never reconnects by itself."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collectors.acknowledgement import OwedAcknowledgements
from collectors.canary import CanaryTrack
from collectors.client import MQTT5, LoopClient
from collectors.delivery import CanaryBack, Delivery
from collectors.ending import Ending, Kind, closed_by_broker, lost, refused, subscribe_refused
from collectors.frames import DUP, RETAIN
from collectors.source import SessionLimits, SourceSettings
from collectors.transport import BufferedSocket
from collectors.wire import Wire

_FAILURE_CODE = 0x80
_PUBACK_HEAD = b"\x40\x02"
_OFFLINE = b'{"online": false}'


class Inbox(Protocol):
    """Where a connection puts what it reads."""

    def deliver(self, item: Delivery | CanaryBack) -> bool:
        """Takes an item in arrival order; False = no room for more: stop reading."""

    def accepted(self, connection: "Connection", *, session_present: bool) -> None:
        """CONNACK said yes: deliveries follow."""

    def subscribed(self) -> None:
        """SUBACK said yes."""

    def turn_ended(self) -> None:
        """The present turn of reading is over."""


class Connection:
    """Made in the running loop for a socket that is open; `start` sends CONNECT, `ended` resolves exactly once."""

    def __init__(
        self,
        opened: BufferedSocket,
        settings: SourceSettings,
        limits: SessionLimits,
        *,
        version: MQTTProtocolVersion,
        epoch: int,
        nonce: str,
        clock: Callable[[], int],
        inbox: Inbox,
    ) -> None:
        self.epoch = epoch
        self.accepted = False
        self.subscribed = False
        self.complaint: str | None = None
        """What the broker refused without ending the connection."""
        self._loop = asyncio.get_running_loop()
        self._socket = opened
        self._settings = settings
        self._limits = limits
        self._version = version
        self._clock = clock
        self._inbox = inbox
        self._own_prefix = f"{settings.own_topic}/".encode()
        self._canary_topic = settings.canary_topic.encode()
        self._canaries = CanaryTrack(epoch, nonce, most_out=limits.canaries_out, every=limits.canary_every)
        self._backlog = False
        self._leaving: str | None = None
        self._arrival = 0
        self._publish_at = self._owing_at = self._loop.time()
        self._wire = Wire(opened, before_turn=self._before_turn, after_turn=inbox.turn_ended)
        self.ended = self._wire.ended
        self._owed = OwedAcknowledgements(self._puback)
        self._note_owed = self._owed.arrived
        self._client = self._make_client()

    def start(self) -> None:
        """Sends CONNECT."""
        if self._version is MQTT5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self._settings.session_expiry_s
            properties.ReceiveMaximum = min(self._limits.unacknowledged, 65_535)
            self._client.connect_async(
                self._settings.host,
                self._settings.port,
                keepalive=self._settings.keepalive_s,
                clean_start=False,
                properties=properties,
            )
        else:
            self._client.connect_async(self._settings.host, self._settings.port, keepalive=self._settings.keepalive_s)
        self._client.reconnect()

    def _make_client(self) -> LoopClient:
        arguments = {} if self._version is MQTT5 else {"clean_session": False}
        client = LoopClient(self._socket, self._on_message, client_id=self._settings.client_id, protocol=self._version, **arguments)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._settings.password)
        client.will_set(self._settings.status_topic, _OFFLINE, qos=1, retain=True)
        client.on_connect = self._wire.guarded(self._on_connect)
        client.on_subscribe = self._wire.guarded(self._on_subscribe)
        client.on_publish = self._wire.guarded(self._on_publish)
        client.on_disconnect = self._wire.guarded(self._on_disconnect)
        self._wire.attach(client)
        return client

    # --- what the broker sends ------------------------------------------------------------------------------------

    def _before_turn(self) -> None:
        self._arrival = self._clock()

    def _on_message(self, topic: bytes, payload: bytes, mid: int, head: int) -> bool:
        """Takes a message; False = reading has stopped."""
        try:
            self._publish_at = self._wire.read_at
            if topic.startswith(self._own_prefix):
                self._on_own(topic, payload, mid)
                return True
            qos = 1 if mid else 0
            delivery = Delivery(topic, payload, self._arrival, mid, self.epoch, qos, head & DUP != 0, head & RETAIN != 0, self._backlog)
            if qos:
                self._note_owed(delivery)
            if self._inbox.deliver(delivery):
                return True
            self._wire.pause()
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self._wire.fault("on_message", error)
        return False

    def _on_own(self, topic: bytes, payload: bytes, mid: int) -> None:
        back = self._canaries.back(payload) if mid and topic == self._canary_topic else None
        if back is None:
            if mid:
                self._owed.arrived_own(mid)
            return
        sent_at, first = back
        self._backlog = False
        canary = CanaryBack(sent_at, self._arrival, self.epoch, mid, first)
        self._note_owed(canary)
        self._inbox.deliver(canary)

    def _on_connect(self, _client: object, _userdata: object, flags: paho.ConnectFlags, code: ReasonCode, _properties: object) -> None:
        if code.is_failure:
            self._wire.end(refused(code.value, str(code), user=self._settings.username, client_id=self._settings.client_id))
            return
        self.accepted = True
        self._backlog = bool(flags.session_present)
        self._inbox.accepted(self, session_present=self._backlog)
        if self._version is MQTT5:
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            self._client.subscribe([(topic, options) for topic in self._settings.subscriptions])
        else:
            self._client.subscribe([(topic, 1) for topic in self._settings.subscriptions])

    def _on_subscribe(self, _client: object, _userdata: object, _mid: int, codes: list[ReasonCode], _properties: object) -> None:
        asked = self._settings.subscriptions
        denied = [topic for topic, code in zip(asked, codes, strict=False) if code.value >= _FAILURE_CODE]
        if denied or len(codes) != len(asked):
            self._wire.end(subscribe_refused(denied or list(asked)))
            return
        weaker = [topic for topic, code in zip(asked, codes, strict=False) if code.value == 0]
        if weaker:
            self.complaint = f"the broker grants only QoS 0 for {', '.join(weaker)}: messages may be lost"
        self.subscribed = True
        self._inbox.subscribed()
        birth = {"online": True, "ts": self._clock(), "fw": self._settings.firmware}
        self._client.publish(self._settings.status_topic, msgspec.json.encode(birth), qos=1, retain=True)
        self._beat()

    def _on_publish(self, _client: object, _userdata: object, _mid: int, code: ReasonCode, _properties: object) -> None:
        if code.value >= _FAILURE_CODE:
            self.complaint = f"not authorised to publish under {self._settings.own_topic} ({code}): our canary can't come back"

    def _on_disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, code: ReasonCode, _properties: object
    ) -> None:
        if self._leaving is not None:
            self._wire.end(Ending(Kind.LEFT, self._leaving))
        elif flags.is_disconnect_packet_from_server:
            self._wire.end(closed_by_broker(code.value, str(code), client_id=self._settings.client_id))
        else:
            self._wire.end(lost(self._socket.failure, str(code).lower()))

    # --- from the session -----------------------------------------------------------------------------------------

    @property
    def owed(self) -> int:
        """PUBACKs that we owe."""
        return len(self._owed)

    @property
    def faults(self) -> int:
        """Errors of our own in callbacks."""
        return self._wire.faults

    @property
    def oldest_owed(self) -> int | None:
        """When the oldest unacknowledged message arrived (Unix ms)."""
        return self._owed.oldest

    @property
    def paused_since(self) -> float | None:
        """Since when (loop time) reading has stopped."""
        return self._wire.paused_since

    def settle(self, item: Delivery | CanaryBack) -> None:
        """Acknowledges an item of this connection in its turn."""
        self._owed.settle(item)

    def _puback(self, mid: int) -> None:
        self._wire.put(_PUBACK_HEAD + mid.to_bytes(2, "big"))

    def resume(self) -> None:
        """Reads on after a pause."""
        self._publish_at = self._loop.time()
        self._wire.resume()

    def tick(self) -> None:
        """Keepalive, canary, and whether the broker still speaks; to be called about once a second."""
        if self.ended.done() or self._leaving is not None or self._wire.paused_since is not None or self._dead():
            return
        self._client.loop_misc()
        if self.subscribed and not self.ended.done():
            self._beat()

    def _beat(self) -> None:
        now = self._loop.time()
        if self._canaries.due(now):
            self._client.publish(self._settings.canary_topic, self._canaries.send(now, self._clock()), qos=1)

    def _dead(self) -> bool:
        """Half-open, or deaf: ends the connection then."""
        patience = 1.5 * self._client.keepalive
        now = self._loop.time()
        if self._owed:
            # It may be the broker that waits for us.
            self._owing_at = now
        if now - self._wire.read_at > patience:
            self._wire.end(Ending(Kind.LOST, f"connection lost: nothing heard from the broker for {patience:g} s"))
        elif self.accepted and now - max(self._publish_at, self._owing_at) > patience:
            detail = (
                f"connected but deaf: no canary of ours came back for {patience:g} s; "
                f"check the access list for reading {self._settings.subscriptions[0]} and writing {self._settings.canary_topic}"
            )
            self._wire.end(Ending(Kind.REFUSED, detail))
        return self.ended.done()

    async def leave(self, why: str = "disconnected") -> None:
        """Says goodbye as the Will would, and disconnects; the broker keeps the session. Does nothing once ended."""
        if self.ended.done():
            return
        if self.accepted:
            self._client.publish(self._settings.status_topic, _OFFLINE, qos=1, retain=True)
        self._leaving = why
        self._client.disconnect()
        await asyncio.wait({self.ended}, timeout=self._limits.leave_timeout)
        self._wire.end(Ending(Kind.LEFT, why))

    def abort(self, ending: Ending) -> None:
        """Ends it now, without a word to the broker."""
        self._wire.end(ending)
