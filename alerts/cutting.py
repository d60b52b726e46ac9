"""Texts cut to what a channel carries: at the end of a character as people see it, and never through the link. Pure."""

import unicodedata
from collections.abc import Callable

Measure = Callable[[str], int]
"""The length of a text in the channel's own unit: characters, bytes, parts of a short message."""
_JOINER = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_TONES = range(0x1F3FB, 0x1F400)


def fit(text: str, link: str, most: int, *, measure: Measure = len, more: str = "…") -> str:
    """Text and link (empty = none) with a blank between, at most `most` by `measure`; what is cut ends with `more`.

    The link stands whole or, where it doesn't fit even alone, not at all.
    """
    tail = f" {link}" if link else ""
    if measure(text + tail) <= most:
        return text + tail
    if link and measure(link) > most:
        return fit(text, "", most, measure=measure, more=more)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(_shortened(text, middle, more) + tail) <= most:
            low = middle
        else:
            high = middle - 1
    short = _shortened(text, low, more) + tail
    return short if measure(short) <= most else link


def boundary(text: str, length: int) -> int:
    """The largest place up to `length` that tears no character as people see it: marks, joiners, flags, tones stay with their base."""
    at = min(length, len(text))
    while 0 < at < len(text) and _joins(text, at):
        at -= 1
    return at


def _shortened(text: str, length: int, more: str) -> str:
    return text[: boundary(text, length)].rstrip() + more


def _joins(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before it."""
    char, before = text[at], text[at - 1]
    if _JOINER in {char, before} or (before, char) == ("\r", "\n"):
        return True
    if ord(char) in _REGIONAL and ord(before) in _REGIONAL:
        run = 0
        while run < at and ord(text[at - 1 - run]) in _REGIONAL:
            run += 1
        return run % 2 == 1
    return unicodedata.category(char) in {"Mn", "Me", "Mc"} or ord(char) in _TONES
