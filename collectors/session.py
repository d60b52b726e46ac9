"""The MQTT session of one source: reconnects for ever, hands over in arrival order, acknowledges in that order."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable

import structlog
from paho.mqtt.enums import MQTTProtocolVersion

from collectors.backoff import backoff
from collectors.canary import new_nonce
from collectors.connection import MQTT5, MQTT311, Connection
from collectors.delivery import CanaryBack, Connected, Delivery, Disconnected, SessionItem
from collectors.ending import Ending, Kind, taken_over, unreachable
from collectors.source import SessionLimits, SourceSettings
from collectors.transport import open_socket

log = structlog.get_logger("ioc.session")

_jitter = secrets.SystemRandom().random
_TICK_S = 1.0
_LOG_EVERY_S = 60.0
_RESUME_SHARE = 0.75
_SHORT_LIFE_S = 10.0
"""A connection that ends sooner counts as a failure for the back-off."""
_SHORT_LIVES_LIKE_A_TAKEOVER = 3


class Session:
    """Run `run` as a task; `receive` and `acknowledge` from one consumer in the same loop."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        clock: Callable[[], int],
        limits: SessionLimits | None = None,
        jitter: Callable[[], float] = _jitter,
    ) -> None:
        """`clock` gives Unix ms; `jitter` numbers in [0, 1)."""
        self._settings = settings
        self._limits = limits or SessionLimits()
        self._clock = clock
        self._jitter = jitter
        self._nonce = new_nonce()
        self._queue: deque[SessionItem] = deque()
        self._queued = 0
        self._unsettled = 0
        self._unsettled_bytes = 0
        self._waiter: tuple[int, asyncio.Future[None]] | None = None
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        self._connection: Connection | None = None
        self._version: MQTTProtocolVersion = MQTT311 if settings.protocol == "3.1.1" else MQTT5
        self._version_worked = False
        self._epoch = 0
        self._failures = 0
        self._short_lives = 0
        self._logged: tuple[str, float] = ("", 0.0)
        self._last_error: str | None = None
        self._faults = 0

    # --- for the consumer -----------------------------------------------------------------------------------------

    async def receive(self, *, most: int, linger: float) -> list[SessionItem]:
        """At least one item, in exact order of arrival: waits for the first, then up to `linger` seconds for `most`."""
        if not self._queue:
            await self._arrival_of(1)
        if len(self._queue) < most and linger > 0:
            try:
                async with asyncio.timeout(linger):
                    await self._arrival_of(most)
            except TimeoutError:
                pass
        return self._take(most)

    def acknowledge(self, items: Iterable[SessionItem]) -> int:
        """Settles items that `receive` gave; PUBACKs leave in order of arrival.

        Returns how many deliveries came by a connection that is gone: they are not acknowledged, the broker sends them again.
        """
        connection = self._connection
        live = -1 if connection is None or connection.ended.done() else connection.epoch
        stale = 0
        for item in items:
            if isinstance(item, Delivery):
                self._unsettled -= 1
                self._unsettled_bytes -= len(item.payload)
                if item.qos == 0:
                    continue
                if item.epoch != live:
                    stale += 1
                    continue
            elif not isinstance(item, CanaryBack) or item.epoch != live:
                continue
            connection.settle(item)  # type: ignore[union-attr]  # live ≥ 0 says that there is one
        if not self._room.is_set() and self._has_room(_RESUME_SHARE):
            self._room.set()
            if connection is not None:
                connection.resume()
        return stale

    def remaining(self) -> list[SessionItem]:
        """Takes all that `receive` has not given out: for the end, when nothing will be received any more."""
        return self._take(len(self._queue))

    # --- for metrics and readiness --------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """CONNACK accepted, SUBACK checked, and not ended."""
        connection = self._connection
        return connection is not None and connection.subscribed and not connection.ended.done()

    @property
    def epoch(self) -> int:
        """How many connections were accepted so far."""
        return self._epoch

    @property
    def unacknowledged(self) -> int:
        """Deliveries of any connection that the consumer has not settled."""
        return self._unsettled

    @property
    def queued(self) -> int:
        """Deliveries that `receive` has not given out yet."""
        return self._queued

    @property
    def paused(self) -> bool:
        """Reading has stopped until the consumer settles more."""
        return not self._room.is_set()

    @property
    def reconnects(self) -> int:
        """Accepted connections after the first."""
        return max(0, self._epoch - 1)

    @property
    def faults(self) -> int:
        """Errors of our own in callbacks; each cost a connection."""
        return self._faults + (self._connection.faults if self._connection is not None else 0)

    @property
    def protocol(self) -> str:
        """The MQTT version in use, or to be tried next."""
        return "5" if self._version is MQTT5 else "3.1.1"

    @property
    def last_error(self) -> str | None:
        """What is wrong with the connection, as a sentence; None while nothing is."""
        if self._connection is not None and self._connection.complaint is not None:
            return self._connection.complaint
        return self._last_error

    # --- inbox of the connection ----------------------------------------------------------------------------------

    def deliver(self, item: Delivery | CanaryBack) -> bool:
        """Takes what the connection read; False = stop reading."""
        self._queue.append(item)
        if type(item) is Delivery:
            self._queued += 1
            self._unsettled += 1
            self._unsettled_bytes += len(item.payload)
            if self._unsettled >= self._limits.unacknowledged or self._unsettled_bytes >= self._limits.unacknowledged_bytes:
                self._room.clear()
                return False
        return True

    def accepted(self, connection: Connection, *, session_present: bool) -> None:
        """Counts the connection."""
        self._epoch = connection.epoch
        self._version_worked = True
        self._queue.append(Connected(self._clock(), connection.epoch, session_present))

    def turn_ended(self) -> None:
        """Wakes the consumer when enough has arrived."""
        if self._waiter is not None:
            wanted, future = self._waiter
            if len(self._queue) >= wanted and not future.done():
                future.set_result(None)

    # --- connecting -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then says goodbye to the broker, which keeps the session."""
        while True:
            await self._room.wait()
            try:
                ending = await self._connect_and_hold()
            except Exception:
                self._faults += 1
                log.exception("session_fault", where="connecting", broker=self._settings.url)
                ending = Ending(Kind.LOST, "internal error while connecting, see the log")
            await asyncio.sleep(self._next_attempt_in(ending))

    async def _connect_and_hold(self) -> Ending:
        try:
            opened = await open_socket(self._settings, self._limits.connect_timeout)
        except OSError as error:
            return unreachable(error, self._settings.url)
        connection = self._connection = Connection(
            opened,
            self._settings,
            self._limits,
            version=self._version,
            epoch=self._epoch + 1,
            nonce=self._nonce,
            clock=self._clock,
            inbox=self,
        )
        began = asyncio.get_running_loop().time()
        try:
            connection.start()
            ending = await self._hold(connection, began)
        finally:
            if not connection.ended.done():
                await connection.leave()
            self._close_books(connection)
        return self._judge(ending, connection, asyncio.get_running_loop().time() - began)

    async def _hold(self, connection: Connection, began: float) -> Ending:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.wait({connection.ended}, timeout=_TICK_S)
            if connection.ended.done():
                return connection.ended.result()
            now = loop.time()
            if not connection.subscribed and now - began > self._limits.connack_timeout and not connection.accepted:
                connection.abort(Ending(Kind.NO_ANSWER, f"no answer from {self._settings.url} to an MQTT {self.protocol} CONNECT"))
            elif connection.paused_since is not None and now - connection.paused_since > self._settings.keepalive_s / 2:
                # Any longer and the broker, or paho, would take us for dead: better to go, and leave the rest in the session.
                await connection.leave()
            else:
                connection.tick()
                self._note_health(connection)

    def _note_health(self, connection: Connection) -> None:
        if connection.subscribed and self._last_error is not None:
            log.info("session_up", broker=self._settings.url, protocol=self.protocol, epoch=connection.epoch)
            self._last_error = None

    def _close_books(self, connection: Connection) -> None:
        self._faults += connection.faults
        self._connection = None
        if connection.accepted:
            self._queue.append(Disconnected(self._clock(), connection.epoch, connection.ended.result().detail))
        self.turn_ended()

    def _judge(self, ending: Ending, connection: Connection, lived: float) -> Ending:
        """Takes a loop of short lives for what it most probably is; moves on to the other version where this one got no answer."""
        if not connection.accepted and self._settings.protocol == "auto":
            silent = ending.kind in {Kind.NO_ANSWER, Kind.LOST} and not self._version_worked
            if ending.kind is Kind.WRONG_VERSION or silent:
                self._version = MQTT311 if self._version is MQTT5 else MQTT5
                self._version_worked = False
                if self._version is MQTT311:
                    return Ending(Kind.WRONG_VERSION, ending.detail)
        if not connection.subscribed or lived >= _SHORT_LIFE_S or ending.kind is not Kind.LOST:
            self._short_lives = 0
            if connection.subscribed and lived >= _SHORT_LIFE_S:
                self._failures = 0
            return ending
        self._short_lives += 1
        if connection.version is MQTT311 and self._short_lives >= _SHORT_LIVES_LIKE_A_TAKEOVER:
            return taken_over(self._settings.client_id, certain=False)
        return ending

    def _next_attempt_in(self, ending: Ending) -> float:
        if ending.kind is Kind.LEFT:
            self._last_error = "reading paused: too many messages wait to be stored"
            return 0.0
        self._last_error = ending.detail
        self._log(ending)
        if ending.kind is Kind.WRONG_VERSION and self._version is MQTT311 and self._settings.protocol == "auto":
            return 0.0
        self._failures += 1
        wait = backoff(self._failures, self._jitter(), first=self._limits.backoff_first, most=self._limits.backoff_most)
        if ending.kind is Kind.TAKEN_OVER:
            wait = max(wait, self._limits.takeover_wait * (1 + self._jitter() / 4))
        return wait

    def _log(self, ending: Ending) -> None:
        """One line when it changes, and one a minute while it lasts."""
        now = asyncio.get_running_loop().time()
        said, at = self._logged
        if ending.detail != said or now - at >= _LOG_EVERY_S:
            self._logged = (ending.detail, now)
            log.warning("session_down", broker=self._settings.url, kind=str(ending.kind), detail=ending.detail)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _has_room(self, share: float) -> bool:
        return self._unsettled < share * self._limits.unacknowledged and self._unsettled_bytes < share * self._limits.unacknowledged_bytes

    async def _arrival_of(self, wanted: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiter = (wanted, future)
        try:
            await future
        finally:
            self._waiter = None

    def _take(self, most: int) -> list[SessionItem]:
        queue = self._queue
        if len(queue) <= most:
            taken = list(queue)
            queue.clear()
        else:
            taken = [queue.popleft() for _ in range(most)]
        self._queued -= sum(1 for item in taken if type(item) is Delivery)
        return taken
