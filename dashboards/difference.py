"""How two JSON documents differ, in lines for people. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

MAX_LINES = 40
_MAX_VALUE = 120
_MISSING = object()


def differences(old: object, new: object) -> tuple[str, ...]:
    """`path: old → new` for everything that differs, at most `MAX_LINES` of them; panels and the like are named by their titles."""
    lines: list[str] = []
    for line in _walk("", old, new):
        if len(lines) == MAX_LINES:
            return (*lines, "… and more")
        lines.append(line)
    return tuple(lines)


def _walk(path: str, old: object, new: object) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _walk(f"{path}.{key}" if path else key, old.get(key, _MISSING), new.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _named(old), _named(new)
        for name in dict.fromkeys([*before, *after]):
            yield from _walk(f"{path}[{name}]", before.get(name, _MISSING), after.get(name, _MISSING))
        if list(before) != list(after) and set(before) == set(after):
            yield f"{path}: the order changes"
    elif old is _MISSING:
        yield f"{path}: added {_short(new)}"
    elif new is _MISSING:
        yield f"{path}: removed {_short(old)}"
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield f"{path}: {_short(old)} → {_short(new)}"


def _named(items: list[Any]) -> dict[str, Any]:
    """Items by what people know them by, else by their position."""
    named: dict[str, Any] = {}
    for position, item in enumerate(items):
        name = next((str(item[key]) for key in ("title", "name", "refId") if item.get(key)), "") if isinstance(item, dict) else ""
        named[f"“{name}”" if name and f"“{name}”" not in named else f"{name}#{position}"] = item
    return named


def _short(value: object) -> str:
    if isinstance(value, dict):
        return f"“{value['title']}”" if value.get("title") else "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "…"
