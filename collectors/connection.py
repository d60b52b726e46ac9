"""One MQTT connection, driven by the running loop: from CONNECT to whatever ends it. Never reconnects by itself."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collectors.acknowledgement import OwedAcknowledgements
from collectors.canary import CanaryTrack
from collectors.delivery import CanaryBack, Delivery
from collectors.ending import Ending, Kind, closed_by_broker, lost, refused, subscribe_refused
from collectors.source import SessionLimits, SourceSettings
from collectors.transport import BufferedSocket

log = structlog.get_logger("ioc.session")

MQTT5 = MQTTProtocolVersion.MQTTv5
MQTT311 = MQTTProtocolVersion.MQTTv311
PACKETS_A_TURN = 500
"""Packets read before the loop gets its turn."""
_FAILURE_CODE = 0x80
_OFFLINE = b'{"online": false}'


class Inbox(Protocol):
    """Where a connection puts what it reads."""

    def deliver(self, item: Delivery | CanaryBack) -> bool:
        """Takes an item in arrival order; False = no room for more: stop reading."""

    def accepted(self, connection: "Connection", *, session_present: bool) -> None:
        """CONNACK said yes: deliveries follow."""

    def turn_ended(self) -> None:
        """The present turn of reading is over."""


class _Client(paho.Client):
    """paho opens its socket itself, blocking the loop; this one is given a socket that is already open."""

    def __init__(self, opened: BufferedSocket, **arguments: Any) -> None:  # noqa: ANN401 - paho's own arguments
        super().__init__(CallbackAPIVersion.VERSION2, reconnect_on_failure=False, manual_ack=True, **arguments)
        self._opened = opened

    def _create_socket(self) -> BufferedSocket:
        return self._opened


class Connection:
    """Callbacks come in the loop's thread; `ended` resolves exactly once."""

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
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.accepted = False
        self.subscribed = False
        self.paused_since: float | None = None
        self.complaint: str | None = None
        """What the broker refused without ending the connection."""
        self.faults = 0
        self._loop = asyncio.get_running_loop()
        self._socket = opened
        self._settings = settings
        self._limits = limits
        self.version = version
        self._clock = clock
        self._inbox = inbox
        self._own_prefix = f"{settings.own_topic}/".encode()
        self._canary_topic = settings.canary_topic.encode()
        self._canaries = CanaryTrack(epoch, nonce, most_out=limits.canaries_out, every=limits.canary_every)
        self._backlog = False
        self._arrival = 0
        self._read_at = self._publish_at = self._owing_until = self._loop.time()
        self._leaving = False
        self._client = self._make_client()
        self._owed = OwedAcknowledgements(partial(self._client.ack, qos=1))
        self._take_owed = self._owed.arrived
        opened.on_bytes = self._note_bytes

    # --- starting -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Sends CONNECT."""
        properties = None
        if self.version is MQTT5:
            properties = Properties(PacketTypes.CONNECT)
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

    def _make_client(self) -> _Client:
        arguments = {} if self.version is MQTT5 else {"clean_session": False}
        client = _Client(self._socket, client_id=self._settings.client_id, protocol=self.version, **arguments)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._settings.password)
        client.will_set(self._settings.status_topic, _OFFLINE, qos=1, retain=True)
        # An exception that paho lets through would leave its packet reader in mid-packet.
        client.suppress_exceptions = True
        client.on_socket_open = lambda *_: self._loop.add_reader(self._socket.fileno(), self._readable)
        client.on_socket_close = lambda *_: self._forget_socket()
        client.on_socket_register_write = lambda *_: self._want_writer()
        client.on_socket_unregister_write = lambda *_: self._rest_writer()
        client.on_connect = self._guarded(self._on_connect)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_publish = self._guarded(self._on_publish)
        client.on_disconnect = self._guarded(self._on_disconnect)
        client.on_message = self._on_message
        return client

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: object) -> None:
            try:
                callback(*arguments)
            except Exception as error:  # noqa: BLE001 - boundary to paho
                self._fault(callback.__name__, error)

        return guarded

    def _fault(self, where: str, error: Exception) -> None:
        """An error of ours: this connection can't be trusted any more, a new one starts from the broker's session."""
        self.faults += 1
        log.error("session_fault", where=where, exc_info=error)
        self._end(Ending(Kind.LOST, f"internal error in {where}, see the log"))

    # --- reading and writing --------------------------------------------------------------------------------------

    def _readable(self) -> None:
        self._arrival = self._clock()
        opened, read = self._socket, self._client.loop_read
        opened.blocked = False
        try:
            for _ in range(PACKETS_A_TURN):
                read()
                if opened.blocked or self.paused_since is not None or self.ended.done():
                    break
            else:
                self._loop.call_soon(self._read_on)
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self._fault("reading", error)
        self._inbox.turn_ended()

    def _read_on(self) -> None:
        if not self.ended.done() and self.paused_since is None:
            self._readable()

    def _writable(self) -> None:
        try:
            self._client.loop_write()
            if not self.ended.done():
                self._socket.flush()
                self._rest_writer()
        except OSError as error:
            self._end(lost(error, "can't write"))
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self._fault("writing", error)

    def _want_writer(self) -> None:
        if (descriptor := self._socket.fileno()) >= 0:
            self._loop.add_writer(descriptor, self._writable)

    def _rest_writer(self) -> None:
        descriptor = self._socket.fileno()
        if descriptor >= 0 and not self._socket.unsent and not self._client.want_write():
            self._loop.remove_writer(descriptor)

    def _note_bytes(self) -> None:
        self._read_at = self._loop.time()

    def _forget_socket(self) -> None:
        descriptor = self._socket.fileno()
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            topic: bytes = message._topic  # noqa: SLF001 - `topic` raises where it is not UTF-8
            self._publish_at = self._read_at
            if topic.startswith(self._own_prefix):
                self._on_own(topic, message)
                return
            qos = message.qos
            delivery = Delivery(
                topic,
                message.payload,  # type: ignore[arg-type]  # paho slices bytes out of bytes
                self._arrival,
                message.mid,
                self.epoch,
                qos,
                message.dup,
                message.retain,
                self._backlog,
            )
            if qos:
                self._take_owed(delivery)
            if not self._inbox.deliver(delivery):
                self.pause()
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self._fault("on_message", error)

    def _on_own(self, topic: bytes, message: paho.MQTTMessage) -> None:
        back = None
        if topic == self._canary_topic and message.qos:
            back = self._canaries.back(bytes(message.payload))
        if back is None:
            if message.qos:
                self._owed.arrived_own(message.mid)
            return
        sent_at, first = back
        self._backlog = False
        canary = CanaryBack(sent_at, self._arrival, self.epoch, message.mid, first)
        self._take_owed(canary)
        self._inbox.deliver(canary)

    # --- callbacks ------------------------------------------------------------------------------------------------

    def _on_connect(self, _client: object, _userdata: object, flags: paho.ConnectFlags, code: ReasonCode, _properties: object) -> None:
        if code.is_failure:
            self._end(refused(code.value, str(code), user=self._settings.username, client_id=self._settings.client_id))
            return
        self.accepted = True
        self._backlog = bool(flags.session_present)
        self._inbox.accepted(self, session_present=self._backlog)
        if self.version is MQTT5:
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            self._client.subscribe([(topic, options) for topic in self._settings.subscriptions])
        else:
            self._client.subscribe([(topic, 1) for topic in self._settings.subscriptions])

    def _on_subscribe(self, _client: object, _userdata: object, _mid: int, codes: list[ReasonCode], _properties: object) -> None:
        asked = self._settings.subscriptions
        denied = [topic for topic, code in zip(asked, codes, strict=False) if code.value >= _FAILURE_CODE]
        if denied or len(codes) != len(asked):
            self._end(subscribe_refused(denied or list(asked)))
            return
        weaker = [topic for topic, code in zip(asked, codes, strict=False) if code.value == 0]
        if weaker:
            self.complaint = f"the broker grants only QoS 0 for {', '.join(weaker)}: messages may be lost"
        self.subscribed = True
        birth = {"online": True, "ts": self._clock(), "fw": self._settings.firmware}
        self._client.publish(self._settings.status_topic, msgspec.json.encode(birth), qos=1, retain=True)
        self._beat()

    def _on_publish(self, _client: object, _userdata: object, _mid: int, code: ReasonCode, _properties: object) -> None:
        if code.value >= _FAILURE_CODE:
            self.complaint = f"not authorised to publish under {self._settings.own_topic} ({code}): our canary can't come back"

    def _on_disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, code: ReasonCode, _properties: object
    ) -> None:
        if self._leaving:
            self._end(Ending(Kind.LEFT, "disconnected"))
        elif flags.is_disconnect_packet_from_server:
            self._end(closed_by_broker(code.value, str(code), client_id=self._settings.client_id))
        else:
            self._end(lost(self._socket.failure, str(code).lower()))

    # --- from the session -----------------------------------------------------------------------------------------

    @property
    def owed(self) -> int:
        """PUBACKs that we owe."""
        return len(self._owed)

    def settle(self, item: Delivery | CanaryBack) -> None:
        """Acknowledges an item of this connection in its turn."""
        self._owed.settle(item)
        self._owing_until = self._loop.time()

    def pause(self) -> None:
        """Stops reading: no room."""
        if self.paused_since is None and not self.ended.done():
            self.paused_since = self._loop.time()
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        """Reads on."""
        if self.paused_since is not None and not self.ended.done():
            self.paused_since = None
            self._read_at = self._publish_at = self._loop.time()
            self._loop.add_reader(self._socket.fileno(), self._readable)
            self._loop.call_soon(self._read_on)

    def tick(self) -> None:
        """Keepalive, canary, and whether the broker still speaks; to be called about once a second."""
        if self.ended.done() or self._leaving:
            return
        if self.paused_since is None:
            if self._dead():
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
        if now - self._read_at > patience:
            self._end(Ending(Kind.LOST, f"connection lost: nothing heard from the broker for {patience:g} s"))
        elif self.subscribed and not self._owed and now - max(self._publish_at, self._owing_until) > patience:
            # While we owe acknowledgements it may be the broker that waits for us.
            self._end(
                Ending(
                    Kind.LOST,
                    f"connected but deaf: no canary of ours came back for {patience:g} s; "
                    f"check the access list for reading {self._settings.subscriptions[0]} and writing {self._settings.canary_topic}",
                )
            )
        return self.ended.done()

    async def leave(self) -> None:
        """Says goodbye as the Will would, and disconnects; the broker keeps the session."""
        if self.ended.done():
            return
        if self.accepted:
            self._client.publish(self._settings.status_topic, _OFFLINE, qos=1, retain=True)
        self._leaving = True
        self._client.disconnect()
        await asyncio.wait({self.ended}, timeout=self._limits.leave_timeout)
        self._end(Ending(Kind.LEFT, "disconnected"))

    def abort(self, ending: Ending) -> None:
        """Ends it now, without a word to the broker."""
        self._end(ending)

    def _end(self, ending: Ending) -> None:
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self._forget_socket()
        self._socket.close()
