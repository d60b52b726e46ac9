"""Where a value stands in a payload: `temp.amp`, `ch[0].level`; a backslash takes the next character as it is."""

import re

Step = str | int
Path = tuple[Step, ...]
MOST_STEPS = 15
"""One less than the depth to which payloads are read."""
MOST_INDEX = 255
_PIECE = re.compile(r"(?P<key>(?:[^.\[\]\\]|\\.)+)|(?P<index>\[[0-9]{1,4}\])|(?P<dot>\.)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"([.\[\]\\])")


def parse_path(text: str) -> Path:
    """The steps of a path: texts are keys of objects, numbers positions in arrays. ValueError says what is wrong, and what to do."""
    steps: list[Step] = []
    at, wants_key = 0, True
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or (piece["key"] is not None) != wants_key:
            break
        at = piece.end()
        wants_key = piece["dot"] is not None
        if piece["key"] is not None:
            steps.append(_ESCAPE.sub(r"\1", piece["key"]))
        elif piece["index"] is not None:
            steps.append(int(piece["index"][1:-1]))
    if at < len(text) or wants_key:
        msg = f"`{text[:80]}` is no path into a payload; write keys with dots between them and positions in brackets: a.b or a[0].b"
        raise ValueError(msg)
    if len(steps) > MOST_STEPS or any(isinstance(step, int) and step > MOST_INDEX for step in steps):
        msg = f"`{text[:80]}` leads deeper than payloads are read; at most {MOST_STEPS} steps and position {MOST_INDEX}"
        raise ValueError(msg)
    return tuple(steps)


def path_text(path: Path) -> str:
    """The path as it is written: what `parse_path` reads."""
    parts = [f"[{step}]" if isinstance(step, int) else "." + _SPECIAL.sub(r"\\\1", step) for step in path]
    return "".join(parts).removeprefix(".")


def look_up(document: object, path: Path) -> object:
    """The value at a path, None where there is none."""
    node = document
    for step in path:
        if isinstance(step, str):
            node = node.get(step) if isinstance(node, dict) else None
        else:
            node = node[step] if isinstance(node, list) and step < len(node) else None
        if node is None:
            return None
    return node
