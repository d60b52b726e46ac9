"""Files that hold secrets of our own: replaced in one step, for the owner's eyes only."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file, mode 0600, on disk when the call returns; OSError leaves the old one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
