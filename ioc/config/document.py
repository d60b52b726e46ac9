"""The one reader of YAML: every plain scalar stays text, and every value knows its file and line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from ioc.config.problem import ConfigError, Problem

MAX_BYTES = 4 * 1024 * 1024
MAX_NODES = 200_000
"""Values after aliases are followed: a few lines of nested aliases must not fill the memory."""
MAX_DEPTH = 64

Plain = str | None | list["Plain"] | dict[str, "Plain"]
Step = str | int
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and where it stands; an empty plain scalar is None."""

    source: str
    """The file, or the environment variable, that it comes from."""
    line: int | None
    """The line of its key (in a mapping) or of its first character (elsewhere); None for a variable."""
    value: str | None = None
    items: tuple["Node", ...] | None = None
    entries: dict[str, "Node"] | None = None
    size: int = 1

    @property
    def plain(self) -> Plain:
        """The bare value: text, None, list or dict."""
        if self.entries is not None:
            return {key: node.plain for key, node in self.entries.items()}
        if self.items is not None:
            return [node.plain for node in self.items]
        return self.value

    def child(self, step: Step) -> "Node | None":
        """The value under a key or position, or None."""
        if self.entries is not None:
            return self.entries.get(step) if isinstance(step, str) else None
        if self.items is not None and isinstance(step, int) and 0 <= step < len(self.items):
            return self.items[step]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file's content; `root` is an empty mapping for an empty file."""

    file: str
    root: Node

    @property
    def plain(self) -> Plain:
        """The whole file as dicts, lists and texts."""
        return self.root.plain

    def node(self, path: tuple[Step, ...]) -> Node:
        """The value at a path, or the nearest one above it that exists."""
        node = self.root
        for step in path:
            below = node.child(step)
            if below is None:
                break
            node = below
        return node


def read_document(path: Path) -> Document:
    """The document in a file; ConfigError says what can't be read, where, and what to do."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([unreadable(file, error)]) from None
    if len(raw) > MAX_BYTES:
        raise _fault(file, None, f"larger than {MAX_BYTES // 1024**2} MiB", "split it into several files")
    return parse_document(raw, file)


def unreadable(file: str, error: OSError, *, path: str = "", line: int | None = None, subject: str = "") -> Problem:
    """A problem for a file that the system won't let us read; `subject` names it where it is not `file` itself."""
    prefix = f"{subject} " if subject else ""
    what, do = {
        FileNotFoundError: ("does not exist", "check the path, or create the file"),
        PermissionError: ("can't be read: no permission", "let the user that runs ioc read it"),
        IsADirectoryError: ("is a folder", "name a file"),
    }.get(type(error), (f"can't be read: {error.strerror or error}", "check the path"))
    return Problem(file=file, line=line, path=path, what=prefix + what, do=do)


def parse_document(raw: bytes | str, file: str) -> Document:
    """The document in a text; `file` is how its place is named in errors."""
    text = _decode(raw, file) if isinstance(raw, bytes) else raw
    control = _CONTROL.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        raise _fault(file, line, f"the character U+{ord(control[0]):04X} may not stand in YAML", "remove it")
    loader = _LOADER(text)
    try:
        root = _Builder(file, _events(loader)).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text, error) from None
    finally:
        loader.dispose()
    return Document(file=file, root=root)


def _decode(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8: byte 0x{raw[error.start]:02x}"
        raise _fault(file, line, what, "save the file in the encoding UTF-8") from None


def _events(loader: yaml.SafeLoader | yaml.CSafeLoader) -> Iterator[yaml.Event]:
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, yaml.Event):
            yield event


@dataclass(slots=True)
class _Builder:
    """Builds the tree from the parser's events, within the bounds."""

    file: str
    events: Iterator[yaml.Event]
    anchors: dict[str, Node] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise self._fault(event, "a second document starts", "keep one document in a file; remove the `---`")
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0)
        if root is None or (root.entries is None and root.items is None and root.value is None):
            return Node(source=self.file, line=1, entries={})
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._fault(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor: str | None = getattr(event, "anchor", None)
        self._refuse_tag(event)
        if anchor is not None:
            self.open_anchors.add(anchor)
        node = self._content(event, depth)
        if node.size > MAX_NODES:
            raise self._fault(event, f"more than {MAX_NODES} values after aliases are followed", "write less")
        if anchor is not None:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = node
        return node

    def _content(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        if not isinstance(event, yaml.ScalarEvent):  # pragma: no cover  the parser sends nothing else here
            raise self._fault(event, "unexpected structure", "check the indentation")
        empty = event.value == "" and not event.style
        return Node(source=self.file, line=_line(event), value=None if empty else event.value)

    def _mapping(self, start: yaml.Event, depth: int) -> Node:
        entries: dict[str, Node] = {}
        size = 1
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            name = self._key(key, entries)
            value = self._node(next(self.events), depth + 1)
            entries[name] = replace(value, line=_line(key))
            size += value.size
        return Node(source=self.file, line=_line(start), entries=entries, size=size)

    def _sequence(self, start: yaml.Event, depth: int) -> Node:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(replace(self._node(event, depth + 1), line=_line(event)))
            size += items[-1].size
        return Node(source=self.file, line=_line(start), items=tuple(items), size=size)

    def _key(self, event: yaml.Event, entries: dict[str, Node]) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._fault(event, "a key must be plain text", "quote it if it starts with [, {, * or &")
        name = str(event.value)
        if name == "<<":
            raise self._fault(event, "the merge key `<<` is not read", "write the keys out")
        if name in entries:
            what = f"the key `{name}` stands twice in the same mapping, first in line {entries[name].line}"
            raise self._fault(event, what, "remove one of them")
        return name

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor in self.open_anchors:
            raise self._fault(event, f"the alias *{event.anchor} stands inside its own anchor", "write the value out")
        if event.anchor not in self.anchors:
            do = f'quote the text if it is meant to start with *: "*{event.anchor}"'
            raise self._fault(event, f"there is no anchor &{event.anchor} above this alias", do)
        return self.anchors[event.anchor]

    def _refuse_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag not in {None, "!", "tag:yaml.org,2002:str"}:
            raise self._fault(event, f"the tag {tag!r} is not read", "remove it; the declared type decides how a text is read")

    def _fault(self, event: yaml.Event, what: str, do: str) -> ConfigError:
        return _fault(self.file, _line(event), what, do)


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else int(event.start_mark.line) + 1


def _fault(file: str, line: int | None, what: str, do: str) -> ConfigError:
    return ConfigError([Problem(file=file, line=line, what=what, do=do)])


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    words = f"{error.context or ''} {error.problem or ''}".strip()
    opened = any(part in words for part in _OPENED) and "escape" not in words
    mark = (error.context_mark if opened else error.problem_mark) or error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    lines = text.splitlines() or [""]
    what, do = _explain(words, lines[min(line, len(lines)) - 1])
    return _fault(file, line, what, do)


_OPENED = ("quoted scalar", "flow sequence", "flow mapping")
"""What stays open until far below: the error belongs to the line that opens it."""


_SAID: tuple[tuple[tuple[str, ...], tuple[str, str]], ...] = (
    (
        ("mapping values are not allowed",),
        ("a second `: ` in one line, or wrong indentation", "quote a text that holds a colon, and align keys of one mapping"),
    ),
    (("escape",), ("a backslash in double quotes starts no known escape", "use single quotes, or write \\\\ for a backslash")),
    (("entries are not allowed",), ("a list item stands behind a key", "start the item on its own line")),
    (("quoted scalar",), ("a quoted text is not closed", "add the closing quote")),
    (("flow sequence",), ("a list in [ ] is not closed or misses a comma", "add the ] or the comma")),
    (("flow mapping",), ("a mapping in { } is not closed or misses a comma", "add the } or the comma")),
    (
        ("expected ':'", "expected <block end>", "did not find expected key"),
        ("the indentation does not fit, or a key lacks its colon", "align the keys of one mapping, and write `key: value`"),
    ),
    (("cannot start any token",), ("a text starts with a character that YAML reserves", "put the text in quotes")),
)
"""Words of the parser (libyaml's and PyYAML's own), and what they mean to a person: the first that fits."""


def _explain(words: str, line: str) -> tuple[str, str]:
    """The parser's words as a person would say them."""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in words:
        return "a tab stands where YAML wants spaces", "indent with spaces"
    said = next((said for parts, said in _SAID if any(part in words for part in parts)), None)
    return said or (f"not YAML: {words}", "check the line and the one above it")


def is_there(path: Path) -> bool:
    """Whether a file or folder exists; a name that the system can't even look up does not."""
    try:
        return path.exists()
    except OSError:
        return False
