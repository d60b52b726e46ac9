"""The running server's socket for the command line: newline-delimited JSON, one answer for each request.

`{"command": …, "args": {…}}` is answered with `{"ok": …}`, or with `{"error": text, "kind": kind}` where kind is one of ControlError's.
Whoever may open the socket may do everything: it lies in the data folder, mode 0600.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from ioc.api.ports import ConflictError, UnavailableError
from ioc.domain.point import StoreUnavailableError
from ioc.domain.state import CursorError, StateUnavailableError

log = structlog.get_logger("ioc.control")

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Takes the request's args; its result must be writable as JSON by msgspec."""
SOCKET_NAME = "ioc.sock"
MAX_REQUEST = 16 * 1024 * 1024
"""Bytes: a registry file of 100,000 rows fits."""
_READ_TIMEOUT_S = 30.0
_MAX_CONNECTIONS = 16


class ControlError(Exception):
    """A command can't be done; the text is for the person who gave it.

    Kinds: `refused` (what was asked is wrong), `unknown` (no such command), `unavailable` (a part does not work now), `failed` (our fault).
    """

    def __init__(self, text: str, kind: Literal["refused", "unknown", "unavailable", "failed"] = "refused") -> None:
        super().__init__(text)
        self.kind = kind


class Request(msgspec.Struct, frozen=True):
    """One line of a client."""

    command: str
    args: dict[str, Any] = {}


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for a socket that fits into the system's 108 bytes, however deep its folder lies; valid inside the block."""
    if len(os.fsencode(path)) < 100:  # noqa: PLR2004  108 with room for the ending zero
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def serve_control(path: Path, handlers: Mapping[str, Handler]) -> None:
    """Answers commands until cancelled, then removes the socket. The caller holds the lock of the data folder."""
    connections = _Connections(handlers)
    _remove(path)
    with short_path(path) as name:
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(connections.serve, name, limit=MAX_REQUEST)
        finally:
            os.umask(mask)
    try:
        await server.serve_forever()
    finally:
        _remove(path)
        server.close()
        connections.end()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


class _Connections:
    """The open connections, at most a few."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._open: set[asyncio.StreamWriter] = set()

    def end(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if len(self._open) > _MAX_CONNECTIONS:
                writer.write(_line({"error": "too many commands at once; try again", "kind": "unavailable"}))
                return
            await self._answer_all(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # the client is gone, or says nothing
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    line = await reader.readline()
            except ValueError:
                writer.write(_line({"error": f"the request is larger than {MAX_REQUEST // 1024**2} MiB", "kind": "refused"}))
                return
            if not line:
                return
            writer.write(await answer(line, self._handlers))
            await writer.drain()


async def answer(line: bytes, handlers: Mapping[str, Handler]) -> bytes:
    """The answer to one request, as a line; whatever a handler raises becomes an error."""
    try:
        request = msgspec.json.decode(line, type=Request)
        return _line({"ok": await perform(request.command, request.args, handlers)})
    except ControlError as error:
        return _line({"error": str(error), "kind": error.kind})
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _line({"error": f"not a request: {error}", "kind": "refused"})


async def perform(command: str, args: Mapping[str, Any], handlers: Mapping[str, Handler]) -> Any:  # noqa: ANN401  any JSON
    """What a command gives; ControlError for whatever goes wrong."""
    handler = handlers.get(command)
    if handler is None:
        msg = f"this server knows no command {command!r}; is it older than this program?"
        raise ControlError(msg, "unknown")
    try:
        return await handler(args)
    except ControlError:
        raise
    except (ConflictError, CursorError, msgspec.ValidationError) as error:
        raise ControlError(str(error)) from None
    except (UnavailableError, StateUnavailableError, StoreUnavailableError) as error:
        raise ControlError(str(error), "unavailable") from None
    except Exception:
        log.exception("command_failed", command=command)
        msg = f"the command {command!r} failed; the server's log says why"
        raise ControlError(msg, "failed") from None


def _line(document: object) -> bytes:
    return msgspec.json.encode(document) + b"\n"
