"""The socket under paho: opened without blocking the loop, read and written in large pieces."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from collectors.source import SourceSettings

_READ_SIZE = 65_536
_WRITE_SIZE = 65_536


async def open_socket(settings: SourceSettings, timeout: float) -> "BufferedSocket":  # noqa: ASYNC109 - one bound over three steps
    """A connected, non-blocking socket, TLS done; OSError (TimeoutError, ssl.SSLError, gaierror) when it can't be had."""
    context = tls_context(settings) if settings.tls else None
    async with asyncio.timeout(timeout):
        plain = await _connect(settings.host, settings.port)
        if context is None:
            return BufferedSocket(plain)
        try:
            secured = context.wrap_socket(plain, server_hostname=settings.host, do_handshake_on_connect=False)
        except BaseException:
            plain.close()
            raise
        try:
            await _handshake(secured)
        except BaseException:
            secured.close()
            raise
        return BufferedSocket(secured)


def tls_context(settings: SourceSettings) -> ssl.SSLContext:
    """Verifies the broker, and shows our certificate where one is configured; OSError names the file that can't be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise OSError(0, f"ca_file {settings.ca_file} can't be used ({error})") from error
    if settings.cert_file is not None:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        except (OSError, ValueError) as error:
            raise OSError(0, f"cert_file {settings.cert_file} and key_file {settings.key_file} can't be used ({error})") from error
    return context


async def _connect(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(0, f"no address for {host}")
    for family, kind, protocol, _, address in await _addresses(host, port):
        plain = socket.socket(family, kind, protocol)
        plain.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            await loop.sock_connect(plain, address)
        except OSError as error:
            plain.close()
            failure = error
        except BaseException:
            plain.close()
            raise
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
    raise failure


async def _addresses(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    try:
        # Numbers need no resolver, hence no thread.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def _handshake(secured: ssl.SSLSocket) -> None:
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(secured, writing=False)
        except ssl.SSLWantWriteError:
            await _ready(secured, writing=True)
        else:
            return


async def _ready(sock: socket.socket, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    watch, unwatch = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    watch(sock.fileno(), wake)
    try:
        await ready
    finally:
        unwatch(sock.fileno())


class BufferedSocket:
    """What paho takes for a socket (its SocketLike), with one call for much: paho reads from it only what is lent.

    paho writes each PUBACK by itself; here that costs no system call each.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lent = b""
        self._unsent = bytearray()
        self.failure: OSError | None = None
        """What the system said when the connection broke."""
        self.on_bytes: Callable[[], None] = lambda: None
        """Called at each successful read."""

    def read(self) -> bytes:
        """What is there, in one piece; BlockingIOError when nothing is, empty once the connection is over (then `failure` says why)."""
        try:
            piece = self._sock.recv(_READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            # A TLS 1.3 connection never needs to write in order to read, and our ticks write often enough for older ones.
            raise BlockingIOError from None
        except OSError as error:
            self.failure = error
            return b""
        if not piece:
            self.failure = ConnectionResetError(0, "closed by the broker")
        self.on_bytes()
        return piece

    @property
    def read_ahead(self) -> bool:
        """Whether TLS holds more that no selector sees."""
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.fileno() >= 0 and self._sock.pending() > 0

    def lend(self, packet: bytes) -> None:
        """One whole packet, for paho to read."""
        self._lent = packet

    def recv(self, size: int) -> bytes:
        """At most `size` bytes of what is lent; then BlockingIOError, or nothing once the connection is over."""
        if not self._lent and self.failure is None:
            raise BlockingIOError
        piece, self._lent = self._lent[:size], self._lent[size:]
        return piece

    def send(self, data: bytes | bytearray) -> int:
        """Takes bytes to be sent by `flush`; BlockingIOError when enough is waiting."""
        if len(self._unsent) >= _WRITE_SIZE:
            self.flush()
            if len(self._unsent) >= _WRITE_SIZE:
                raise BlockingIOError
        self._unsent += data
        return len(data)

    def put(self, packet: bytes) -> None:
        """Takes a small packet whatever else waits: the caller bounds how many."""
        self._unsent += packet

    def flush(self) -> bool:
        """Sends what waits; True once nothing does."""
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return False
            except ssl.SSLError as error:
                self.failure = self.failure or self._alert() or error
                raise
            except OSError as error:
                self.failure = self.failure or error
                raise
            del self._unsent[:sent]
        return True

    def _alert(self) -> ssl.SSLError | None:
        """What the broker said over TLS before it ended a connection that we were still writing to."""
        try:
            self._sock.recv(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as error:
            return error
        except OSError:
            return None
        return None

    @property
    def unsent(self) -> bool:
        """Whether bytes wait for `flush`."""
        return bool(self._unsent)

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self._sock.fileno()

    def pending(self) -> int:
        """Bytes that are lent and not yet read."""
        return len(self._lent)

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - paho's signature
        """Stays non-blocking whatever is asked."""

    def close(self) -> None:
        """Sends what can be sent at once, and closes."""
        if self._sock.fileno() < 0:
            return
        try:
            self.flush()
        except OSError:
            pass
        finally:
            self._sock.close()
