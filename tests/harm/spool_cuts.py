"""What a cut or flipped byte of spool.db costs: copies of one sample, damaged at one place each, opened as a start would."""

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ioc.adapters.spool import Spool, SpoolRow
from ioc.adapters.spool_file import SpoolError, spool_file
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import Point

BATCHES = 12
_CLOCK = 1_000
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk that syncs would make 40,000 openings a matter of hours


@dataclass(frozen=True, slots=True)
class Sample:
    """A spool of BATCHES batches: its file, the log of a process that was killed, and where the last two batches begin in each."""

    file: bytes
    log: bytes
    from_file: int
    """Bytes of the closed file before the last two batches were written."""
    from_log: int
    """Bytes of the log before the last two batches were written."""
    closed: bytes
    """The file after a clean end, the log merged into it."""


@dataclass(slots=True)
class Cost:
    """Over all damaged copies."""

    copies: int = 0
    refused: int = 0
    """Starts that failed."""
    wrong: int = 0
    """Batches that came back other than they were written."""
    most_lost: int = 0
    """Batches lost to one cut that were whole before it."""
    lost_before: int = 0
    """Over all copies: batches lost that lay before the torn ones."""

    def add(self, other: "Cost") -> None:
        """Sums up."""
        self.copies += other.copies
        self.refused += other.refused
        self.wrong += other.wrong
        self.most_lost = max(self.most_lost, other.most_lost)
        self.lost_before += other.lost_before


def points(number: int) -> list[Point]:
    """About 3 KB when packed."""
    draw = random.Random(number)
    return [Point.of("speaker", (("device", f"d{i}"),), {"v": draw.random(), "lag_ms": i}, 10_000 + i) for i in range(120)]


def workplace() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one."""
    return tempfile.TemporaryDirectory(prefix="ioc-spool-", dir=_MEMORY if _MEMORY.is_dir() else None)


async def _append(file: SqliteFile, numbers: Sequence[int]) -> None:
    spool = Spool(file, limit_bytes=1 << 30, clock=lambda: _CLOCK)
    for number in numbers:
        await spool.append("ioc", points(number), b"note %d" % number)


async def make_sample(folder: Path) -> Sample:
    """Written as the program writes it; the log is that of a process which died with the file open."""
    numbers = range(1, BATCHES + 1)
    path = folder / "sample.db"
    file = spool_file(path)
    await file.open()
    await _append(file, numbers[:-2])
    log = path.with_name("sample.db-wal")
    from_log = log.stat().st_size
    await _append(file, numbers[-2:])
    killed = path.read_bytes(), log.read_bytes()
    await file.close()
    closed = path.read_bytes()
    before = folder / "before.db"
    file = spool_file(before)
    await file.open()
    await _append(file, numbers[:-2])
    await file.close()
    return Sample(*killed, from_file=before.stat().st_size, from_log=from_log, closed=closed)


def cuts_of_file(sample: Sample) -> range:
    """Every length that cuts into the last two batches of the closed file."""
    return range(sample.from_file, len(sample.closed))


def cuts_of_log(sample: Sample) -> range:
    """Every length that cuts into the last two batches of the log."""
    return range(sample.from_log, len(sample.log))


async def cut_file(sample: Sample, folder: Path, lengths: Sequence[int]) -> Cost:
    """The closed file, cut."""
    copies = ((sample.closed[:length], b"") for length in lengths)
    return await _open_all(folder, copies)


async def cut_log(sample: Sample, folder: Path, lengths: Sequence[int]) -> Cost:
    """The killed process's file with its log cut."""
    copies = ((sample.file, sample.log[:length]) for length in lengths)
    return await _open_all(folder, copies)


async def flip_bits(sample: Sample, folder: Path, count: int, seed: int) -> Cost:
    """One bit each, anywhere in the closed file."""
    return await _open_all(folder, _flipped(sample.closed, count, random.Random(seed)), torn=0)


def _flipped(whole: bytes, count: int, dice: random.Random) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(count):
        flipped = bytearray(whole)
        bit = dice.randrange(len(whole) * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped), b""


async def _open_all(folder: Path, copies: Iterator[tuple[bytes, bytes]], *, torn: int = 2) -> Cost:
    """`torn`: how many of the last batches the damage may have hit."""
    cost = Cost()
    path = folder / "copy.db"
    for file, log in copies:
        _lay_out(folder, file, log)
        cost.copies += 1
        try:
            rows = await _read(path)
        except SpoolError:
            cost.refused += 1
            continue
        cost.wrong += sum(list(row.points) != _written[row.id] for row in rows)
        lost = set(range(1, BATCHES + 1)) - {row.id for row in rows}
        cost.most_lost = max(cost.most_lost, len(lost))
        cost.lost_before += len([number for number in lost if number <= BATCHES - torn])
    return cost


def _lay_out(folder: Path, file: bytes, log: bytes) -> None:
    for old in folder.glob("copy.db*"):
        old.unlink()
    (folder / "copy.db").write_bytes(file)
    if log:
        (folder / "copy.db-wal").write_bytes(log)


async def _read(path: Path) -> list[SpoolRow]:
    file = spool_file(path)
    try:
        await file.open()
        spool = Spool(file, limit_bytes=1 << 30, clock=lambda: _CLOCK)
        await spool.open()
        return [row async for row in spool.since()]
    finally:
        await file.close()


_written = {number: points(number) for number in range(1, BATCHES + 1)}
