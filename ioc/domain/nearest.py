"""Suggestions for misspelt names."""

import difflib
from collections.abc import Iterable

_COMPARED = 100
"""Names for which a suggestion is looked up: comparing costs much, and a file that is wrong throughout needs none per row."""
_LISTED = 8


class Nearest:
    """Known names, and what to say about one that isn't among them."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(set(known))
        self._said: dict[str, str] = {}

    def advice(self, name: str) -> str:
        """`did you mean 'x'?`, or the known names where they are few, or nothing."""
        if name not in self._said:
            if len(self._said) >= _COMPARED:
                return ""
            self._said[name] = self._look_up(name)
        return self._said[name]

    def _look_up(self, name: str) -> str:
        close = difflib.get_close_matches(name, self._known, n=1)
        if close:
            return f"did you mean {close[0]!r}?"
        if self._known and len(self._known) <= _LISTED:
            return "known are " + ", ".join(self._known)
        return ""
