"""CSV files written by people: header, rows with line numbers, and what is wrong with them."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

from ioc.domain.nearest import Nearest
from ioc.domain.registry import RowError

MAX_BYTES = 32 * 1024 * 1024
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class TableRow(msgspec.Struct, frozen=True):
    """A row's cells by column, trimmed and NFC, `""` for an empty one; `line` is where it begins in the file, from 1."""

    line: int
    cells: dict[str, str]


class Table(msgspec.Struct, frozen=True):
    """A file's readable rows; without readable header there are none."""

    columns: frozenset[str]
    rows: tuple[TableRow, ...]
    errors: tuple[RowError, ...]


class _RefusedError(Exception):
    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.error = RowError(line, detail)


def read_table(raw: bytes, *, columns: Sequence[str], required: Sequence[str]) -> Table:
    """The rows of a comma-separated UTF-8 file (BOM or not) whose header names some of `columns`, all of `required`."""
    rows: list[TableRow] = []
    errors: list[RowError] = []
    header: list[str] = []
    try:
        records = _records(_text(raw))
        header = _header(*next(records, (1, [])), columns, required)
        for line, cells in records:
            if any(cells[len(header) :]):
                detail = f"{len(cells)} cells, but the header has {len(header)}; a text with a comma in it needs quotation marks around it"
                errors.append(RowError(line, detail))
            else:
                rows.append(TableRow(line, dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=False))))
    except _RefusedError as refused:
        errors.append(refused.error)
    return Table(frozenset(header), tuple(rows), tuple(errors))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and trimmed cells of every record that isn't empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _RefusedError(line, f"not readable as CSV ({error}); check the quotation marks from this line on") from error
        if record is None:
            return
        cells = [unicodedata.normalize("NFC", cell).strip() for cell in record]
        if any(cells):
            yield line, cells


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise _RefusedError(1, f"the file is larger than {MAX_BYTES // 2**20} MiB; split it")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _RefusedError(1, "the file is UTF-16; save it as “CSV UTF-8”")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _RefusedError(line, f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as “CSV UTF-8”") from error
    if "\0" in text:
        raise _RefusedError(text.count("\n", 0, text.index("\0")) + 1, "a NUL byte; this is not a text file, save it as “CSV UTF-8”")
    return text


def _header(line: int, cells: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> list[str]:
    if not cells:
        raise _RefusedError(line, f"the file is empty; its first line must name the columns: {','.join(columns)}")
    names = [cell.lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    for separator, word in _OTHER_SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise _RefusedError(line, f"the columns are separated by {word}; save the file with commas")
    nearest = Nearest(columns)
    for name in names:
        if name not in columns:
            advice = nearest.advice(name) or f"the columns are {','.join(columns)}"
            raise _RefusedError(line, f"unknown column {name[:40]!r}; {advice}")
        if names.count(name) > 1:
            raise _RefusedError(line, f"column {name!r} stands twice; keep one")
    missing = [name for name in required if name not in names]
    if missing:
        raise _RefusedError(line, f"column {missing[0]!r} is missing; the first line must name the columns: {','.join(columns)}")
    return names
