"""What is wrong in a hand-written file: where, what, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake; `file` is a path, or the name of an environment variable (then without a line)."""

    file: str
    line: int | None = None
    path: str = ""
    """The key, as `broker.url` or `rules[2].severity`; empty for the whole file."""
    what: str
    do: str = ""
    """The next step, in the imperative; empty where there is nothing to add."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.path}: " if self.path else ""
        return f"{place}: {subject}{self.what}" + (f"; {self.do}" if self.do else "")


class ConfigError(Exception):
    """All the mistakes found, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class KeyFault(ValueError):  # noqa: N818  a validator's finding, not an error of the program
    """What a model's validator says about one of its keys, so that the error stands at that key's line."""

    def __init__(self, *, key: str, what: str, do: str) -> None:
        super().__init__(f"{what}; {do}")
        self.key = key
