"""Short messages: Vietnamese without accents, and how many parts a text takes. Pure."""

import unicodedata
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38's default alphabet: one septet each."""
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Its extension table: two septets each."""
_PLAIN = str.maketrans(
    {
        "đ": "d",
        "Đ": "D",
        "…": "...",
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "`": "'",
        "“": '"',
        "”": '"',
        "·": "-",
        "•": "-",
        "₫": "d",
        "°": " ",
    }
)
_MOST_ASCII = 0x7F


@dataclass(frozen=True, slots=True)
class Size:
    """What one short message holds, alone and as a part of several (a header takes the rest), in septets or UTF-16 units."""

    alone: int
    part: int


GSM7 = Size(160, 153)
UCS2 = Size(70, 67)


def unaccented(text: str) -> str:
    """The text in ASCII letters, as Vietnamese is written without accents; what has no such form becomes `?`."""
    bare = unicodedata.normalize("NFKD", text.translate(_PLAIN)).translate(_PLAIN)
    kept = (char for char in bare if not unicodedata.combining(char))
    return "".join(
        char if char == "\n" or " " <= char <= "~" else " " if char.isspace() or ord(char) <= _MOST_ASCII else "?" for char in kept
    )


def parts(text: str) -> int:
    """How many short messages the text takes: GSM-7 where its alphabet suffices, else UCS-2. An escape or a pair is never split."""
    widths = _septets(text)
    size = GSM7 if widths is not None else UCS2
    widths = widths if widths is not None else [2 if ord(char) > 0xFFFF else 1 for char in text]  # noqa: PLR2004  beyond UTF-16's first plane
    if sum(widths) <= size.alone:
        return 1
    count, room = 1, size.part
    for width in widths:
        if width > room:
            count, room = count + 1, size.part
        room -= width
    return count


def _septets(text: str) -> list[int] | None:
    """The septets of each character, None where one has none."""
    widths = [1 if char in _BASIC else 2 if char in _EXTENDED else 0 for char in text]
    return widths if all(widths) else None
