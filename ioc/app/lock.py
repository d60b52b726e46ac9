"""One `ioc run` per data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataDirError(Exception):
    """The data folder can't be used; the text says why and what to do."""


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Makes the folder (mode 0700) and holds its lock; DataDirError when it can't be written or another server holds it."""
    path = data_dir / "lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        msg = (
            f"cannot write to the data folder {data_dir}: {error.strerror}; choose another one, or give this user the right to write there"
        )
        raise DataDirError(msg) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip()
            msg = f"another server (process {owner or '?'}) is running on {data_dir}; stop it first, or use another data folder"
            raise DataDirError(msg) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
