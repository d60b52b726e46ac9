"""Between the loop and one paho client: reads and writes when the socket can, pauses reading, ends once."""

import asyncio
from collections.abc import Callable

import structlog

from collectors.client import LoopClient
from collectors.ending import Ending, Kind, lost
from collectors.frames import MalformedError
from collectors.transport import BufferedSocket

log = structlog.get_logger("ioc.session")


class Wire:
    """`ended` resolves exactly once; nothing is read after that."""

    def __init__(self, opened: BufferedSocket, *, before_turn: Callable[[], None], after_turn: Callable[[], None]) -> None:
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.faults = 0
        self.paused_since: float | None = None
        self.read_at = asyncio.get_running_loop().time()
        """When bytes were last read (loop time)."""
        self._loop = asyncio.get_running_loop()
        self._socket = opened
        self._before_turn = before_turn
        self._after_turn = after_turn
        self._writing = False
        opened.on_bytes = self._note_bytes

    def attach(self, client: LoopClient) -> None:
        """Takes over a client's socket callbacks; `client.reconnect()` follows."""
        self._client = client
        client.on_socket_open = lambda *_: self._loop.add_reader(self._socket.fileno(), self._readable)
        client.on_socket_close = lambda *_: self._forget()
        client.on_socket_register_write = lambda *_: self._want_to_write()
        client.on_socket_unregister_write = lambda *_: self._rest()

    def guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """A callback for paho: an exception in it ends the connection, nothing else."""

        def guarded(*arguments: object) -> None:
            try:
                callback(*arguments)
            except Exception as error:  # noqa: BLE001 - boundary to paho
                self.fault(callback.__name__, error)

        return guarded

    def fault(self, where: str, error: Exception) -> None:
        """An error of ours: this connection can't be trusted any more, a new one starts from the broker's session."""
        self.faults += 1
        log.error("session_fault", where=where, exc_info=error)
        self.end(Ending(Kind.FAULT, f"internal error in {where}, see the log"))

    def put(self, packet: bytes) -> None:
        """Sends a whole packet past paho's queue, with whatever else is being sent."""
        self._socket.put(packet)
        if not self._writing:
            self._want_to_write()

    def pause(self) -> None:
        """Stops reading."""
        if self.paused_since is None and not self.ended.done():
            self.paused_since = self._loop.time()
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        """Reads on, first what was read already."""
        if self.paused_since is not None and not self.ended.done():
            self.paused_since = None
            self.read_at = self._loop.time()
            self._loop.add_reader(self._socket.fileno(), self._readable)
            self._loop.call_soon(self._read_on)

    def end(self, ending: Ending) -> None:
        """The connection is over, for this reason if no other came first."""
        if self.ended.done():
            return
        self.ended.set_result(ending)
        self._forget()
        self._socket.close()

    def _readable(self) -> None:
        """One turn: what one read brings."""
        try:
            self._before_turn()
            self._client.loop_read()
            self._after_turn()
            if self._socket.read_ahead:
                self._loop.call_soon(self._read_on)
        except MalformedError:
            self.end(lost(None, "what the broker sent is no MQTT"))
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self.fault("reading", error)

    def _read_on(self) -> None:
        if not self.ended.done() and self.paused_since is None:
            self._readable()

    def _writable(self) -> None:
        try:
            self._client.loop_write()
            if not self.ended.done():
                self._socket.flush()
                self._rest()
        except OSError as error:
            self.end(lost(error, "can't write"))
        except Exception as error:  # noqa: BLE001 - boundary to paho
            self.fault("writing", error)

    def _want_to_write(self) -> None:
        if not self.ended.done() and (descriptor := self._socket.fileno()) >= 0:
            self._writing = True
            self._loop.add_writer(descriptor, self._writable)

    def _rest(self) -> None:
        descriptor = self._socket.fileno()
        if descriptor >= 0 and not self._socket.unsent and not self._client.want_write():
            self._writing = False
            self._loop.remove_writer(descriptor)

    def _note_bytes(self) -> None:
        self.read_at = self._loop.time()

    def _forget(self) -> None:
        descriptor = self._socket.fileno()
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)
