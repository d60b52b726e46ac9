"""How a command ends when it can't do what was asked: a sentence and an exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """What scripts see."""

    FINE = 0
    WRONG = 1
    """The thing checked is wrong, or what was asked is refused."""
    USAGE = 2
    UNREACHABLE = 3
    """A server can't be reached."""
    INTERRUPTED = 130


class Failure(Exception):  # noqa: N818  an outcome of a command
    """Ends a command; the text says what is wrong, where, and what to do."""

    def __init__(self, text: str, code: Exit = Exit.WRONG) -> None:
        super().__init__(text)
        self.code = code
