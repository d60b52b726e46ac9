"""The MQTT session of one source: reconnects for ever, hands over in arrival order, acknowledges in that order."""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import structlog

from collectors.canary import new_nonce
from collectors.client import MQTT5
from collectors.connection import Connection
from collectors.delivery import CanaryBack, Connected, Delivery, Disconnected, SessionItem
from collectors.ending import Ending, Kind, unreachable
from collectors.intake import Intake
from collectors.reconnecting import Life, Reconnecting
from collectors.source import SessionLimits, SourceSettings
from collectors.transport import open_socket

log = structlog.get_logger("ioc.session")

_jitter = secrets.SystemRandom().random
_TICK_S = 1.0
_LOG_EVERY_S = 60.0


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
        self._intake = Intake(self._limits)
        self._reconnecting = Reconnecting(settings, self._limits)
        self._connection: Connection | None = None
        self._epoch = 0
        self._faults = 0
        self._last_error: str | None = None
        self._logged: tuple[str, float] = ("", 0.0)
        self._told_down = False

    # --- for the consumer -----------------------------------------------------------------------------------------

    async def receive(self, *, most: int, linger: float) -> list[SessionItem]:
        """At least one item, in exact order of arrival: waits for the first, then up to `linger` seconds for `most`."""
        return await self._intake.take(most, linger)

    def acknowledge(self, items: Iterable[SessionItem]) -> int:
        """Settles items that `receive` gave; PUBACKs leave in order of arrival.

        Returns how many deliveries came by a connection that is gone: they are not acknowledged, the broker sends them again.
        """
        connection = self._connection
        live = -1 if connection is None or connection.ended.done() else connection.epoch
        stale = 0
        for item in items:
            if isinstance(item, Delivery):
                self._intake.settle(item)
                if item.qos == 0:
                    continue
                if item.epoch != live:
                    stale += 1
                    continue
            elif not isinstance(item, CanaryBack) or item.epoch != live:
                continue
            connection.settle(item)  # type: ignore[union-attr]  # live ≥ 0 says that there is one
        if self._intake.reopen() and connection is not None:
            connection.resume()
        return stale

    def remaining(self) -> list[SessionItem]:
        """Takes all that `receive` has not given out: for the end, when nothing will be received any more."""
        return self._intake.take_now()

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
        return self._intake.unsettled

    @property
    def oldest_unacknowledged(self) -> int | None:
        """When the oldest of them on the present connection arrived (Unix ms)."""
        return None if self._connection is None else self._connection.oldest_owed

    @property
    def queued(self) -> int:
        """Deliveries that `receive` has not given out yet."""
        return self._intake.queued

    @property
    def paused(self) -> bool:
        """Reading has stopped until the consumer settles more."""
        return self._intake.full

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
        return "5" if self._reconnecting.version is MQTT5 else "3.1.1"

    @property
    def last_error(self) -> str | None:
        """What is wrong with the connection, as a sentence; None while nothing is."""
        if self._connection is not None and self._connection.complaint is not None:
            return self._connection.complaint
        return self._last_error

    # --- inbox of the connection ----------------------------------------------------------------------------------

    def deliver(self, item: Delivery | CanaryBack) -> bool:
        """Takes what the connection read; False = stop reading."""
        return self._intake.put(item)

    def accepted(self, connection: Connection, *, session_present: bool) -> None:
        """Counts the connection."""
        self._epoch = connection.epoch
        self._intake.put_mark(Connected(self._clock(), connection.epoch, session_present))

    def subscribed(self) -> None:
        """The session is up."""
        self._last_error = None
        if self._told_down:
            self._told_down = False
            log.info("session_up", broker=self._settings.url, protocol=self.protocol, epoch=self._epoch)

    def turn_ended(self) -> None:
        """Wakes the consumer when enough has arrived."""
        self._intake.wake()

    # --- connecting -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then says goodbye to the broker, which keeps the session."""
        while True:
            await self._intake.room()
            try:
                life = await self._live()
            except Exception:
                self._faults += 1
                log.exception("session_fault", where="connecting", broker=self._settings.url)
                life = Life(ending=Ending(Kind.FAULT, "internal error while connecting, see the log"))
            ending, wait = self._reconnecting.next(life, self._jitter())
            self._last_error = ending.detail
            self._log(ending)
            await asyncio.sleep(wait)

    async def _live(self) -> Life:
        """One connection from the first byte to the last."""
        loop = asyncio.get_running_loop()
        try:
            opened = await open_socket(self._settings, self._limits.connect_timeout)
        except OSError as error:
            return Life(ending=unreachable(error, self._settings.url))
        connection = self._connection = Connection(
            opened,
            self._settings,
            self._limits,
            version=self._reconnecting.version,
            epoch=self._epoch + 1,
            nonce=self._nonce,
            clock=self._clock,
            inbox=self,
        )
        began = loop.time()
        try:
            connection.start()
            await self._hold(connection, began)
        finally:
            await connection.leave()
            self._close_books(connection)
        return Life(
            ending=connection.ended.result(),
            accepted=connection.accepted,
            subscribed=connection.subscribed,
            lived_s=loop.time() - began,
            complaint=connection.complaint,
        )

    async def _hold(self, connection: Connection, began: float) -> None:
        loop = asyncio.get_running_loop()
        while not connection.ended.done():
            now = loop.time()
            if not connection.accepted and now - began > self._limits.connack_timeout:
                connection.abort(Ending(Kind.NO_ANSWER, f"no answer from {self._settings.url} to an MQTT {self.protocol} CONNECT"))
            elif connection.paused_since is not None and now - connection.paused_since > self._settings.keepalive_s / 2:
                # Any longer and the broker, or paho, would take us for dead: better to go, and leave the rest in the session.
                await connection.leave("reading paused: too many messages wait to be stored")
            else:
                connection.tick()
                await asyncio.wait({connection.ended}, timeout=_TICK_S)

    def _close_books(self, connection: Connection) -> None:
        self._faults += connection.faults
        self._connection = None
        if connection.accepted:
            self._intake.put_mark(Disconnected(self._clock(), connection.epoch, connection.ended.result().detail))
        self._intake.wake()

    def _log(self, ending: Ending) -> None:
        """One line when it changes, and one a minute while it lasts."""
        now = asyncio.get_running_loop().time()
        said, at = self._logged
        if ending.detail != said or now - at >= _LOG_EVERY_S:
            self._logged = (ending.detail, now)
            self._told_down = True
            log.warning("session_down", broker=self._settings.url, kind=str(ending.kind), detail=ending.detail)
