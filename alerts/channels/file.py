"""File: every message becomes one line of JSON, on disk before it counts as delivered."""

import asyncio
import os
from pathlib import Path

from alerts.channel import SendError
from ioc.domain.alarm import OutboxMessage

MAX_BYTES = 64 * 1024 * 1024


class FileOutbox:
    """Appends to one file; when it exceeds `max_bytes` it becomes `<name>.1`, and the one before that goes."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes

    async def send(self, message: OutboxMessage) -> str:
        """The file's name; SendError says why it can't be written."""
        try:
            await asyncio.to_thread(self._append, message.body)
        except OSError as error:
            detail = f"{self._path} can't be written: {error.strerror or error}"
            raise SendError(detail) from None
        return f"appended to {self._path.name}"

    def _append(self, body: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > self._max_bytes:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:  # noqa: PTH123  the descriptor sets the mode bits
            torn = file.seek(0, os.SEEK_END) > 0 and os.pread(descriptor, 1, file.tell() - 1) != b"\n"
            _write_all(descriptor, (b"\n" if torn else b"") + body + b"\n")
            os.fsync(descriptor)


def _write_all(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
