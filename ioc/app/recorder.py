"""`ioc record`: what rules and routes are told, written into a bounded file, over restarts too, until its time or size is reached."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from alerts.proving import tape
from ioc.api.ports import ConflictError, Recorded

log = structlog.get_logger("ioc.recorder")

BUFFER_MOST = 48 * 1024 * 1024
"""Bytes that may wait for the disk; a frame holds no more."""
FLUSH_EVERY_S = 1.0
NOTE = "recording.json"


class _Note(msgspec.Struct):
    """In the data folder while a recording goes on: where to go on after a restart."""

    path: str
    until: int
    limit: int


class Recorder:
    """A tape for engine, notifier and registry. Whatever becomes of the file, nobody else is kept waiting, and nothing fails."""

    def __init__(self, data_dir: Path, *, clock: Callable[[], int]) -> None:
        self._note_path = data_dir / NOTE
        self._clock = clock
        self._note: _Note | None = None
        self._waiting: list[bytes] = []
        self._bytes_waiting = 0
        self._written = 0
        self._closing = False
        """Its last entry is put."""
        self._last = ""
        """How the last recording ended."""
        self._lock = asyncio.Lock()

    @property
    def runs(self) -> bool:
        """Whether entries are taken."""
        return self._note is not None and not self._closing

    def put(self, entry: tape.Entry) -> None:
        """Takes one entry; a disk that is too slow for them ends the recording."""
        if not self.runs:
            return
        encoded = tape.encode(entry)
        self._waiting.append(encoded)
        self._bytes_waiting += len(encoded)
        if self._bytes_waiting > BUFFER_MOST:
            self._waiting, self._bytes_waiting = [], 0
            self._end("the disk is too slow for it")

    def start(self, path: Path, *, until: int, limit: int) -> None:
        """Begins a new file (mode 0600), up to a time (Unix ms) or a size (bytes). ConflictError says why it can't."""
        if self._note is not None:
            msg = f"a recording goes on already, to {self._note.path}; `ioc record --stop` ends it"
            raise ConflictError(msg)
        note = _Note(str(path), until, limit)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(tape.MAGIC)
            self._note_path.write_bytes(msgspec.json.encode(note))
        except FileExistsError:
            msg = f"{path} exists already; name another file"
            raise ConflictError(msg) from None
        except OSError as error:
            msg = f"{path} can't be written by the server: {error.strerror}; name a file where it may write"
            raise ConflictError(msg) from None
        self._note, self._written, self._last = note, len(tape.MAGIC), ""

    def resume(self) -> bool:
        """Whether a recording goes on that was begun before a restart; what a crash cut off is left out."""
        try:
            note = msgspec.json.decode(self._note_path.read_bytes(), type=_Note)
            with Path(note.path).open("r+b") as file:
                self._written = tape.whole_until(file)
                file.truncate(self._written)
        except FileNotFoundError:
            return False
        except (OSError, msgspec.DecodeError, tape.TapeError) as error:
            log.warning("recording_not_resumed", detail=str(error))
            self._forget()
            return False
        self._note = note
        return True

    async def stop(self, why: str = "stopped") -> Recorded:
        """Ends the recording; what it came to. ConflictError where none goes on."""
        if not self.runs:
            msg = "no recording goes on"
            raise ConflictError(msg)
        self.put(tape.Ended(self._clock(), why))
        self._closing = True
        await self.flush()
        if self._note is not None:
            self._end(why)
        return self.state()

    def state(self) -> Recorded:
        """Whether one goes on, and how far it is."""
        note = self._note
        if note is None:
            return Recorded(path=None, until=None, limit=None, written=self._written, ended=self._last)
        return Recorded(path=note.path, until=note.until, limit=note.limit, written=self._written, ended="")

    async def turn(self) -> None:
        """Writes what waits, and ends a recording whose time or size is reached."""
        await self.flush()
        if self._note is None or self._closing:
            return
        if self._clock() >= self._note.until:
            await self.stop("its time is over")
        elif self._written >= self._note.limit:
            await self.stop("its size is reached")

    async def flush(self) -> None:
        """What was put so far is in the file; one that can't be written ends the recording."""
        async with self._lock:
            note, waiting = self._note, self._waiting
            if note is None or not waiting:
                return
            self._waiting, self._bytes_waiting = [], 0
            try:
                self._written += await asyncio.to_thread(_append, Path(note.path), waiting)
            except OSError as error:
                self._end(f"the file can't be written: {error.strerror}")

    def _end(self, why: str) -> None:
        log.info("recording_ended", path=None if self._note is None else self._note.path, why=why)
        self._note, self._last, self._closing = None, why, False
        self._waiting, self._bytes_waiting = [], 0
        self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self._note_path.unlink(missing_ok=True)


def _append(path: Path, waiting: list[bytes]) -> int:
    """Bytes that were added."""
    body = tape.frame(waiting)
    with path.open("ab") as file:
        file.write(body)
    return len(body)
