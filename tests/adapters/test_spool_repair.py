"""A damaged spool.db costs what lies on the damaged spot, never the rest, and never the start."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.adapters.assigned import AssignedTimes
from ioc.adapters.spool import Spool, SpoolRow
from ioc.adapters.spool_file import SpoolError, spool_file
from ioc.domain.point import Point

BATCHES = 14
_names = itertools.count()


def points(seed: int) -> list[Point]:
    """About 3 KB when packed."""
    draw = random.Random(seed)
    return [Point.of("speaker", (("device", f"d{i}"),), {"v": draw.random(), "lag_ms": i}, 10_000 + i) for i in range(120)]


def row(number: int) -> SpoolRow:
    """The batch with this id."""
    return SpoolRow(number, "ioc", 1_000, points(number), b"note %d" % number)


async def write_sample(path: Path) -> None:
    """14 batches, the second taken out again, with as many assigned times."""
    file = spool_file(path)
    await file.open()
    spool, assigned = Spool(file, limit_bytes=1 << 30, clock=lambda: 1_000), AssignedTimes(file)
    for number in range(1, BATCHES + 1):
        assert await spool.append("ioc", points(number), b"note %d" % number) == number
        await assigned.record("ioc", [(number, number)])
    await spool.remove([2])
    await file.close()


async def read_back(path: Path) -> tuple[Sequence[SpoolRow], list[tuple[int, int]], int]:
    """What is readable, and the next id; the file takes new batches again."""
    file = spool_file(path)
    await file.open()
    spool = Spool(file, limit_bytes=1 << 30, clock=lambda: 1_000)
    await spool.open()
    rows = [one async for one in spool.since()]
    times = await AssignedTimes(file).load("ioc")
    added = await spool.append("ioc", points(0), b"")
    assert [one.id for one in await spool.oldest(1_000)][-1] == added
    await file.close()
    return rows, times, added


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample's bytes."""
    path = tmp_path_factory.mktemp("spool") / "sample.db"
    asyncio.run(write_sample(path))
    return path.read_bytes()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Where damaged copies go."""
    return tmp_path


_settings = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_settings
@given(data=st.data())
async def test_file_cut_anywhere_keeps_what_lies_before_the_cut(sample: bytes, damaged: Path, data: st.DataObject) -> None:
    """Batches are laid down one after the other; the cut one and its page's neighbours may go."""
    cut = data.draw(st.integers(0, len(sample) - 1))
    path = damaged / f"{next(_names)}.db"
    path.write_bytes(sample[:cut])
    rows, times, added = await read_back(path)
    assert rows == [row(one.id) for one in rows]
    assert len(rows) >= (BATCHES - 1) * cut // len(sample) - 8
    assert times == [(number, number) for number, _ in times]
    assert added > max((one.id for one in rows), default=0)


@_settings
@given(data=st.data())
async def test_flipped_bit_anywhere_costs_what_lies_on_its_page(sample: bytes, damaged: Path, data: st.DataObject) -> None:
    """Header, table of contents, trees and contents alike; what is given back is as it was."""
    flipped = bytearray(sample)
    bit = data.draw(st.one_of(st.integers(0, len(sample) * 8 - 1), st.integers(0, 4_096 * 24)))
    flipped[bit // 8] ^= 1 << bit % 8
    path = damaged / f"{next(_names)}.db"
    path.write_bytes(bytes(flipped))
    rows, times, added = await read_back(path)
    assert [one for one in rows if one.id != 2] == [row(one.id) for one in rows if one.id != 2]
    assert len(rows) >= BATCHES - 1 - 3
    assert times == [(number, number) for number, _ in times]
    assert added > BATCHES


async def test_damaged_file_is_kept_beside_the_new_one(sample: bytes, damaged: Path) -> None:
    """Somebody may want to look."""
    path = damaged / "spool.db"
    broken = b"\0" * 200 + sample[200:]
    path.write_bytes(broken)
    rows, times, _ = await read_back(path)
    assert {one.id for one in rows} >= set(range(1, BATCHES + 1)) - {2}
    assert len(times) == BATCHES
    assert (damaged / "spool.db.damaged-1").read_bytes() == broken


async def test_log_of_a_killed_process_counts_too(damaged: Path) -> None:
    """What was committed to the log but not yet to the file is found, also when the file is damaged."""
    path = damaged / "spool.db"
    file = spool_file(path)
    await file.open()
    spool = Spool(file, limit_bytes=1 << 30, clock=lambda: 1_000)
    for number in range(1, 6):
        await spool.append("ioc", points(number), b"note %d" % number)
    for part in ("", "-wal"):
        (damaged / f"killed.db{part}").write_bytes((damaged / f"spool.db{part}").read_bytes())
    await file.close()
    killed = damaged / "killed.db"
    log = bytearray((damaged / "killed.db-wal").read_bytes())
    log[32 + 24 : 32 + 24 + 4_096] = bytes(4_096)  # the first page written
    (damaged / "killed.db-wal").write_bytes(bytes(log))
    killed.write_bytes(b"\0" * len(killed.read_bytes()))
    rows, _, _ = await read_back(killed)
    assert rows == [row(one.id) for one in rows]


async def test_file_of_a_newer_program_is_left_alone(sample: bytes, damaged: Path) -> None:
    """Not damaged: refused with a sentence, and unchanged."""
    newer = sample[:60] + (7).to_bytes(4, "big") + sample[64:68] + b"IOC\7" + sample[72:]
    path = damaged / "spool.db"
    path.write_bytes(newer)
    with pytest.raises(SpoolError, match="written by a newer version"):
        await spool_file(path).open()
    assert path.read_bytes() == newer
