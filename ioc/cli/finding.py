"""What a check found about one thing, and how findings add up to an exit code."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ioc.cli.failure import Exit

_MARKS = {"fine": "ok", "wrong": "WRONG", "unreachable": "AWAY", "note": "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence about one thing."""

    about: str
    state: Literal["fine", "wrong", "unreachable", "note"]
    text: str

    def __str__(self) -> str:
        return f"{_MARKS[self.state]:<6} {self.about}: {self.text}"


def exit_code(findings: Iterable[Finding]) -> Exit:
    """What is wrong wins over what is away."""
    states = {finding.state for finding in findings}
    if "wrong" in states:
        return Exit.WRONG
    return Exit.UNREACHABLE if "unreachable" in states else Exit.FINE
