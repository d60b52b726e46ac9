"""Topics of a vendor: `tx/{group}/{device}`. A level is a fixed text or one name in braces; there is no other pattern."""

import re
from collections.abc import Mapping, Sequence
from itertools import product

import msgspec

DEVICE_LEVEL = "device"
MOST_FILTERS = 64
_NAME = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
_NOT_IN_LEVEL = re.compile(r"[+#{}\x00-\x1f\x7f]")


class Level(msgspec.Struct, frozen=True):
    """One level: its name where it has one, and the texts it may hold (None = any)."""

    name: str | None
    allowed: tuple[str, ...] | None


class TopicTemplate(msgspec.Struct, frozen=True):
    """The levels of a vendor's topic."""

    levels: tuple[Level, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its levels, in order."""
        return tuple(level.name for level in self.levels if level.name is not None)

    def match(self, topic: str) -> dict[str, str] | None:
        """What the named levels hold in a topic; None when the topic is another's."""
        texts = topic.split("/")
        if len(texts) != len(self.levels):
            return None
        found: dict[str, str] = {}
        for level, text in zip(self.levels, texts, strict=True):
            if level.allowed is not None and text not in level.allowed:
                return None
            if level.name is not None:
                found[level.name] = text
        return found

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to: exactly the topics that match, so that no two templates share a message unless they overlap."""
        return tuple("/".join(texts) for texts in product(*(level.allowed or ("+",) for level in self.levels)))

    def common_topic(self, other: "TopicTemplate") -> str | None:
        """A topic that both match; None where there can't be one."""
        if len(self.levels) != len(other.levels):
            return None
        texts: list[str] = []
        for mine, theirs in zip(self.levels, other.levels, strict=True):
            if mine.allowed is None or theirs.allowed is None:
                texts.append(next(iter(mine.allowed or theirs.allowed or ("x",))))
                continue
            shared = [text for text in mine.allowed if text in theirs.allowed]
            if not shared:
                return None
            texts.append(shared[0])
        return "/".join(texts)

    def reaches_below(self, root: str) -> bool:
        """Whether a topic of this template may lie at or below a root, as `ioc/v1`."""
        texts = root.split("/")
        return len(self.levels) >= len(texts) and all(
            level.allowed is None or text in level.allowed for level, text in zip(self.levels, texts, strict=False)
        )


def parse_template(text: str, allowed: Mapping[str, Sequence[str]]) -> TopicTemplate:
    """The template of a text, with the texts that its named levels may hold; ValueError says what is wrong, and what to do."""
    levels = tuple(_level(level, allowed) for level in text.split("/"))
    template = TopicTemplate(levels)
    names = template.names
    if len(set(names)) != len(names):
        msg = f"a name stands twice in `{text}`; give every level its own"
        raise ValueError(msg)
    if text.startswith("$"):
        msg = f"`{text}` starts with $, where brokers keep their own topics; name the vendor's topics"
        raise ValueError(msg)
    filters = 1
    for level in levels:
        filters *= 1 if level.allowed is None else len(level.allowed)
    if filters > MOST_FILTERS:
        msg = f"the lists of allowed texts make {filters} subscriptions of `{text}`; at most {MOST_FILTERS}: leave out the longest list"
        raise ValueError(msg)
    return template


def _level(text: str, allowed: Mapping[str, Sequence[str]]) -> Level:
    named = _NAME.fullmatch(text)
    if named is not None:
        listed = allowed.get(named[1])
        return Level(named[1], None if listed is None else tuple(dict.fromkeys(listed)))
    if not text or _NOT_IN_LEVEL.search(text):
        msg = f"`{text[:40]}` is no level of a topic; write a text without + # {{ }}, or one name in braces as {{device}}"
        raise ValueError(msg)
    return Level(None, (text,))
