"""Captured messages in files: what `mosquitto_sub -v` or `-F '%j'` wrote, JSON lines, or a folder with `topic` and `payload`."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ioc.cli.failure import Exit, Failure
from ioc.domain.rfc3339 import to_unix_ms

MOST_BYTES = 64 * 2**20
MOST_MESSAGES = 100_000
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d):?(\d\d)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One message; `arrival` (Unix ms) only where the capture tells it."""

    place: str
    """`file:line`, or the folder."""
    topic: str
    payload: bytes
    arrival: int | None = None
    retain: bool = False


def read_captured(paths: Iterable[Path]) -> list[Captured]:
    """The messages of all files and folders in order; Failure says which line is none."""
    found: list[Captured] = []
    for path in paths:
        for message in _of_path(path):
            if len(found) >= MOST_MESSAGES:
                msg = f"{message.place}: more than {MOST_MESSAGES} messages; give a part of them"
                raise Failure(msg)
            found.append(message)
    if not found:
        msg = "the samples hold no message; capture some: mosquitto_sub -v -t '#' > samples.txt"
        raise Failure(msg)
    return found


def _of_path(path: Path) -> Iterator[Captured]:
    if path.is_dir():
        yield from _of_folder(path)
        return
    text = _read(path).decode("utf-8", errors="surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            yield _of_json(line, place) if line.lstrip().startswith("{") else _of_words(line.rstrip("\r"), place)


def _of_folder(folder: Path) -> Iterator[Captured]:
    """A folder of a case, or of such folders."""
    if not (folder / "topic").is_file():
        below = sorted(path for path in folder.iterdir() if path.is_dir())
        if not below:
            msg = f"{folder}: holds no file `topic`; a folder of samples holds `topic` and `payload`, or folders that do"
            raise Failure(msg)
        for path in below:
            yield from _of_folder(path)
        return
    payload = _read(folder / "payload")
    for topic in _read(folder / "topic").decode("utf-8", errors="surrogateescape").splitlines():
        if topic:
            yield Captured(place=str(folder), topic=topic, payload=payload)


def _of_words(line: str, place: str) -> Captured:
    topic, gap, payload = line.partition(" ")
    if not gap:
        msg = f"{place}: no `topic payload`; capture with mosquitto_sub -v, or with -F '%j' where payloads have several lines"
        raise Failure(msg, Exit.WRONG)
    return Captured(place=place, topic=topic, payload=payload.encode("utf-8", errors="surrogateescape"))


def _of_json(line: str, place: str) -> Captured:
    try:
        document = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        msg = f"{place}: neither `topic payload` nor JSON ({error}); one message a line"
        raise Failure(msg) from None
    topic, payload = document.get("topic"), document.get("payload")
    if not isinstance(topic, str) or payload is None:
        msg = f'{place}: lacks `topic` or `payload`; write {{"topic": …, "payload": …}}, or capture with mosquitto_sub -F \'%j\''
        raise Failure(msg)
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    raw = text.encode("utf-8", errors="surrogatepass")
    return Captured(place=place, topic=topic, payload=raw, arrival=_stamp(document.get("tst")), retain=bool(document.get("retain")))


def _stamp(text: object) -> int | None:
    """When mosquitto_sub got it: `2025-07-01T08:00:00.123456+0700`."""
    found = _STAMP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    zone = "+00:00" if found[2] == "Z" else f"{found[2]}:{found[3] or '00'}"
    try:
        return to_unix_ms(datetime.fromisoformat(found[1][:26] + zone))
    except ValueError:
        return None


def _read(path: Path) -> bytes:
    """OSError where it can't be read: the sentence for it is the command line's."""
    with path.open("rb") as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        msg = f"{path}: larger than {MOST_BYTES // 2**20} MiB; give a part of it"
        raise Failure(msg)
    return raw
