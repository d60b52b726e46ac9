"""Secrets of the notify file: as they stand, or from the files it names."""

from pathlib import Path

from pydantic import SecretStr

_MAX_SECRET = 64 * 1024


class ChannelSetupError(Exception):
    """A channel can't be set up; `path` is the key in the notify file, `what` and `do` are for its author."""

    def __init__(self, path: tuple[str, ...], what: str, do: str) -> None:
        super().__init__(f"{'.'.join(path)}: {what}; {do}")
        self.path = path
        self.what = what
        self.do = do


def secret_bytes(path: tuple[str, ...], value: SecretStr | None, file: str | None, folder: Path) -> bytes | None:
    """The secret at key `path` or in the file of key `<path>_file`, without the line's end; None where neither is given."""
    if value is not None:
        return value.get_secret_value().encode()
    if file is None:
        return None
    return read_secret((*path[:-1], f"{path[-1]}_file"), folder / file)


def secret_text(path: tuple[str, ...], value: SecretStr | None, file: str | None, folder: Path) -> str | None:
    """As `secret_bytes`, as text."""
    secret = secret_bytes(path, value, file, folder)
    try:
        return None if secret is None else secret.decode()
    except UnicodeDecodeError:
        raise ChannelSetupError((*path[:-1], f"{path[-1]}_file"), "is not text in UTF-8", "write it on one line") from None


def read_secret(path: tuple[str, ...], file: Path) -> bytes:
    """A secret's file without the line's end; ChannelSetupError names the key `path`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_SECRET + 1).strip()
    except OSError as error:
        raise ChannelSetupError(path, f"{file} can't be read: {error.strerror or error}", "check path and permissions") from None
    if not content or len(content) > _MAX_SECRET:
        raise ChannelSetupError(path, f"{file} is empty or larger than {_MAX_SECRET // 1024} KiB", "write the secret into it")
    return content
