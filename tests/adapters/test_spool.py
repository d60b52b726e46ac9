"""The spool and the memory of assigned times."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.adapters.assigned import KEPT, AssignedTimes
from ioc.adapters.spool import Spool, SpoolRow
from ioc.adapters.spool_file import SpoolError, SpoolFullError, spool_file
from ioc.adapters.spool_format import pack_points, unpack_points
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import Point, StoreUnavailableError

MIB = 1 << 20


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    """An open spool.db."""
    opened = spool_file(tmp_path / "spool.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def spool(file: SqliteFile) -> Spool:
    """An empty spool with room."""
    return await opened_spool(file)


async def opened_spool(file: SqliteFile, limit: int = MIB, clock: Callable[[], int] = lambda: 1_000) -> Spool:
    """A spool on this file."""
    spool = Spool(file, limit_bytes=limit, clock=clock)
    await spool.open()
    return spool


def points(count: int, first: int = 0) -> list[Point]:
    """Points that differ."""
    return [
        Point.of("speaker", (("device", f"d{i}"),), {"v": i / 3, "n": i, "s": f"số {i}"}, 10_000 + i) for i in range(first, first + count)
    ]


async def append_for_ever(spool: Spool, ids: list[int]) -> None:
    """Until it raises."""
    while True:
        ids.append(await spool.append("ioc", points(40, len(ids)), b""))


async def test_spool_gives_back_what_it_took_oldest_first(spool: Spool) -> None:
    """Points with their types, the note, the source; ids ascend."""
    ids = [await spool.append(f"ioc-{i}", points(3, i), bytes([i])) for i in range(3)]
    assert ids == sorted(set(ids))
    rows = await spool.oldest(2)
    assert rows == [SpoolRow(ids[0], "ioc-0", 1_000, points(3, 0), b"\0"), SpoolRow(ids[1], "ioc-1", 1_000, points(3, 1), b"\1")]
    assert [type(value) for value in rows[0].points[0].fields.values()] == [float, int, str]


async def test_removed_row_is_gone_and_its_id_never_comes_again(spool: Spool) -> None:
    """The ledger remembers rows by id."""
    first = await spool.append("ioc", points(1), b"")
    await spool.remove([first])
    await spool.remove([first])
    assert await spool.oldest(5) == []
    assert await spool.append("ioc", points(1), b"") > first


async def test_level_tells_rows_bytes_and_age(file: SqliteFile) -> None:
    """Also after a restart."""
    times = iter([1_000, 2_000, 3_000])
    spool = await opened_spool(file, clock=lambda: next(times))
    assert (spool.rows, spool.bytes_used, spool.oldest_at) == (0, 0, None)
    ids = [await spool.append("ioc", points(50), b"note") for _ in range(3)]
    assert (spool.rows, spool.oldest_at) == (3, 1_000)
    used = spool.bytes_used
    await spool.remove([ids[0]])
    assert (spool.rows, spool.oldest_at, spool.bytes_used) == (2, 2_000, used * 2 // 3)
    again = await opened_spool(file)
    assert (again.rows, again.oldest_at, again.bytes_used) == (2, 2_000, used * 2 // 3)


async def test_full_spool_refuses_and_keeps_what_it_has(file: SqliteFile) -> None:
    """SpoolFullError is one of the errors on which nothing is acknowledged; room made is room."""
    spool = await opened_spool(file, limit=4_000)
    ids: list[int] = []
    with pytest.raises(SpoolFullError, match="the spool is full"):
        await append_for_ever(spool, ids)
    assert issubclass(SpoolFullError, StoreUnavailableError)
    assert [row.id for row in await spool.oldest(100)] == ids
    assert spool.bytes_used <= 4_000
    await spool.remove([ids[0]])
    await spool.append("ioc", points(40), b"")


async def test_spool_survives_a_restart(tmp_path: Path) -> None:
    """What was appended is on disk, whatever became of the process."""
    file = spool_file(tmp_path / "spool.db")
    await file.open()
    await (await opened_spool(file)).append("ioc", points(5), b"note")
    # A copy of the files as they lie there now is what a killed process leaves behind.
    for name in ("spool.db", "spool.db-wal"):
        (tmp_path / f"copy-{name}").write_bytes((tmp_path / name).read_bytes())
    await file.close()
    (tmp_path / "copy-spool.db-wal").rename(tmp_path / "copy.db-wal")
    (tmp_path / "copy-spool.db").rename(tmp_path / "copy.db")
    left = spool_file(tmp_path / "copy.db")
    await left.open()
    assert [row.points for row in await (await opened_spool(left)).oldest(5)] == [points(5)]
    await left.close()


async def garble(file: SqliteFile, row: int, column: str, flip: int) -> None:
    """Flips one bit of a stored value."""

    def change(connection: sqlite3.Connection) -> None:
        (stored,) = connection.execute(f"SELECT {column} FROM batch WHERE id = ?", (row,)).fetchone()  # noqa: S608
        garbled = bytearray(stored)
        garbled[flip // 8 % len(garbled)] ^= 1 << flip % 8
        connection.execute(f"UPDATE batch SET {column} = ? WHERE id = ?", (bytes(garbled), row))  # noqa: S608

    await file.write(change)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flip=st.integers(0, 20_000), column=st.sampled_from(["points", "ledger"]))
async def test_garbled_row_is_put_aside_and_stops_nothing(file: SqliteFile, flip: int, column: str) -> None:
    """Any flipped bit is noticed; the rows before and after are given as they were."""
    spool = await opened_spool(file)
    for row in await spool.oldest(10):
        await spool.remove([row.id])
    ids = [await spool.append("ioc", points(20, i), b"ledger note") for i in range(3)]
    await garble(file, ids[1], column, flip)
    assert [row.id for row in await spool.oldest(2)] == [ids[0], ids[2]]
    assert [row.id for row in await spool.oldest(10)] == [ids[0], ids[2]]
    aside = (await spool.damaged())[-1]
    assert (aside.id, aside.source) == (ids[1], "ioc")
    assert aside.detail
    assert spool.rows == 2


async def test_torn_row_is_put_aside(file: SqliteFile) -> None:
    """Also when half of it is missing, and when it is the only one."""
    spool = await opened_spool(file)
    row = await spool.append("ioc", points(20), b"note")
    await file.write(lambda connection: connection.execute("UPDATE batch SET points = substr(points, 1, 40)"))
    assert await spool.oldest(1) == []
    assert [(aside.id, aside.ledger) for aside in await spool.damaged()] == [(row, b"note")]
    assert (spool.rows, spool.oldest_at) == (0, None)


async def test_iteration_gives_every_row_once_and_leaves_it(spool: Spool) -> None:
    """To rebuild the latest values at the start, spooled points count too."""
    ids = [await spool.append("ioc", points(1, i), b"") for i in range(40)]
    assert [row.id async for row in spool.since()] == ids
    assert [row.id async for row in spool.since(ids[30])] == ids[31:]
    assert spool.rows == 40


async def test_full_disk_is_named_and_work_goes_on_once_there_is_room(file: SqliteFile) -> None:
    """Nothing is lost, nothing crashes; the error says what to do."""
    spool = await opened_spool(file, limit=64 * MIB)
    kept = await spool.append("ioc", points(100), b"")
    await file.write(lambda connection: connection.execute("PRAGMA max_page_count=20").fetchone())
    with pytest.raises(SpoolError, match=r"spool.db: database or disk is full: free space"):
        await append_for_ever(spool, [])
    await file.write(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchone())
    await spool.append("ioc", points(100), b"")
    rows = await spool.oldest(10_000)
    assert rows[0].id == kept
    assert spool.rows == len(rows)


async def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A sentence with the path."""
    (tmp_path / "in-the-way").write_text("")
    with pytest.raises(SpoolError, match="in-the-way"):
        await spool_file(tmp_path / "in-the-way" / "spool.db").open()


async def test_closed_spool_says_so(tmp_path: Path) -> None:
    """And does not hang."""
    with pytest.raises(SpoolError, match="is not open"):
        await Spool(spool_file(tmp_path / "spool.db"), limit_bytes=1, clock=lambda: 0).append("ioc", points(1), b"")


async def test_transaction_for_which_nobody_waits_is_not_done(tmp_path: Path) -> None:
    """The caller who was told of a failure writes again: twice would be counted twice."""
    rolled_back = threading.Event()
    file = SqliteFile(tmp_path / "x.db", "CREATE TABLE IF NOT EXISTS t (n INTEGER)", rolled_back=rolled_back.set)
    await file.open()
    begun, release = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (1)")
        begun.set()
        release.wait()

    writing = asyncio.create_task(file.write(slow))
    await asyncio.to_thread(begun.wait)
    writing.cancel()
    await asyncio.wait((writing,))
    release.set()
    assert await file.write(lambda connection: connection.execute("SELECT count(*) FROM t").fetchone()) == (0,)
    assert rolled_back.is_set()
    await file.close()


async def test_assigned_times_come_back_newest_last(file: SqliteFile) -> None:
    """By source; fingerprints use all 64 bits."""
    assigned = AssignedTimes(file)
    await assigned.record("ioc-1", [(2**64 - 1, 1_000), (0, 2_000)])
    await assigned.record("ioc-2", [(5, 5)])
    await assigned.record("ioc-1", [])
    await assigned.record("ioc-1", [(7, 3_000)])
    assert await AssignedTimes(file).load("ioc-1") == [(2**64 - 1, 1_000), (0, 2_000), (7, 3_000)]
    assert await assigned.load("ioc-2") == [(5, 5)]
    assert await assigned.load("nobody") == []


async def test_assigned_times_are_bounded(file: SqliteFile) -> None:
    """The last 100,000 entries are loaded, and what lies before them goes away in time."""
    assigned = AssignedTimes(file)
    for batch in range(600):
        await assigned.record("ioc", [(batch * 1_000 + i, i) for i in range(1_000)])
    loaded = await assigned.load("ioc")
    assert len(loaded) == KEPT
    assert loaded[0] == (500_000, 0)
    assert loaded[-1] == (599_999, 999)
    rows = await file.read(lambda connection: connection.execute("SELECT count(*) FROM assigned").fetchone()[0])
    assert rows < 400


def test_points_that_were_spooled_are_written_column_by_column_again() -> None:
    """They share their names, whoever packed them."""
    points = [Point.of("m", (("device", f"d{n}"),), {"a": n, "b": 0.5}, n) for n in range(3)]
    found = unpack_points(pack_points(points))
    assert found == points
    assert len({id(point.names) for point in found}) == 1
