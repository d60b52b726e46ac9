"""The file itself: schema, settings, and what is said when it can't be used."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ioc.adapters.state import StateDb, engine, store
from ioc.adapters.state.migrate import NEWEST, upgrade
from ioc.adapters.state.schema import metadata
from ioc.domain.alarm import Alarm, Decisions, Severity
from ioc.domain.state import StateSchemaError, StateUnavailableError

ALARM = Alarm(id="a", rule="r", severity=Severity.MAJOR, since=1)


def pragma(connection: Connection, words: str) -> Any:
    """What SQLite answers."""
    return connection.exec_driver_sql(f"PRAGMA {words}").scalar_one()


async def test_migrations_end_in_the_declared_schema(state: StateDb) -> None:
    """An empty file that ran through every migration has exactly the tables that the code uses."""

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    assert await state._read(differences) == []


def test_newest_schema_is_the_last_migration() -> None:
    """The number that a start compares is Alembic's own."""
    config = Config()
    config.set_main_option("script_location", "ioc.adapters.state:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


async def test_file_survives_a_power_cut_by_its_settings(state: StateDb) -> None:
    """Write-ahead log, and every commit flushed to the disk; readers can't write."""
    assert await state._write(pragma, "journal_mode") == "wal"
    assert await state._write(pragma, "synchronous") == 2
    assert await state._write(pragma, "foreign_keys") == 1
    assert await state._write(pragma, "busy_timeout") == engine.BUSY_TIMEOUT_MS
    assert await state._read(pragma, "query_only") == 1


async def test_file_of_a_newer_program_is_refused_in_a_sentence(path: Path) -> None:
    """Nobody's alarms are at risk because of a downgrade."""
    await (await StateDb.open(path)).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StateSchemaError, match=r"newer version of this program \(schema 9999, known here up to \d+\); install"):
        await StateDb.open(path)


async def test_migration_that_breaks_off_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start begins the migration anew instead of standing before half a schema."""

    def break_off(connection: Connection, path: Path) -> None:
        upgrade(connection, path)
        msg = "the power went"
        raise OSError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(store, "upgrade", break_off)
        with pytest.raises(OSError, match="power"):
            await StateDb.open(path)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []
    async with await StateDb.open(path) as state:
        assert await state.take_epoch() == 1


async def test_foreign_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Neither another program's database nor a text file is touched."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as raw, raw:
        raw.execute("CREATE TABLE theirs (x)")
    text = tmp_path / "text.db"
    text.write_text("không phải cơ sở dữ liệu" * 100)
    for path, words in ((other, "tables that are not ours"), (text, "not a database of ours")):
        before = path.read_bytes()
        with pytest.raises(StateSchemaError, match=words):
            await StateDb.open(path)
        if path is text:
            assert path.read_bytes() == before


async def test_missing_folder_is_named(tmp_path: Path) -> None:
    """The sentence says what to check."""
    with pytest.raises(StateUnavailableError, match="check that its folder exists"):
        await StateDb.open(tmp_path / "nowhere" / "state.db")


async def test_locked_file_is_named_and_work_goes_on_afterwards(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """A foreign lock costs a wait and a sentence, nothing else."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(engine, "_PRAGMAS", ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 50", "foreign_keys = ON"))
    async with await StateDb.open(path) as state:
        await state.take_epoch()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StateUnavailableError, match="another program keeps it locked"):
                await state.commit(Decisions(alarms=(ALARM,)))
            assert (await state.load()).alarms == ()
            other.execute("ROLLBACK")
        await state.commit(Decisions(alarms=(ALARM,)))
        assert (await state.load()).alarms == (ALARM,)


async def test_full_disk_is_named_and_work_goes_on_once_there_is_room(state: StateDb) -> None:
    """Nothing of the refused transaction stays."""
    pages = await state._write(pragma, "page_count")
    await state._write(pragma, f"max_page_count = {pages + 2}")
    many = Decisions(alarms=tuple(Alarm(id=f"a{n}", rule="r" * 100, severity=Severity.MAJOR, since=n) for n in range(2000)))
    with pytest.raises(StateUnavailableError, match="the disk is full; free some space"):
        await state.commit(many)
    assert (await state.load()).alarms == ()
    await state._write(pragma, "max_page_count = 1000000")
    await state.commit(many)
    assert len((await state.load()).alarms) == 2000


async def test_cancelled_commit_is_done_or_undone_and_the_next_goes_through(state: StateDb) -> None:
    """A shutdown in the middle of a write leaves neither half a write nor a stuck lock."""
    batch = Decisions(alarms=tuple(Alarm(id=f"a{n}", rule="r", severity=Severity.MAJOR, since=n) for n in range(200)))
    for steps in range(0, 60, 3):
        task = asyncio.ensure_future(state.commit(batch))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len((await state.load()).alarms) in {0, 200}
    await state.commit(Decisions(alarms=(ALARM,)))
    assert await state.alarm("a") == ALARM


async def test_writes_from_many_tasks_take_their_turn(state: StateDb) -> None:
    """One writer at a time, none lost, readers not held up."""
    batches = [Decisions(alarms=(Alarm(id=f"a{n}", rule="r", severity=Severity.MAJOR, since=n),)) for n in range(30)]
    await asyncio.gather(*(state.commit(batch) for batch in batches), *(state.load() for _ in range(10)))
    assert len((await state.load()).alarms) == 30


COMMITTER = """
import asyncio, sys
from pathlib import Path
from ioc.adapters.state import StateDb
from ioc.domain.alarm import Alarm, Decisions, Severity, Step, Transition

def entry(seq):
    return Transition(seq=seq, alarm=f"a{seq}", rule="r", severity=Severity.MAJOR, device=None, unit=None, step=Step.RAISED, at=seq,
                      recorded=seq, by="sample")

async def main():
    async with await StateDb.open(Path(sys.argv[1])) as state:
        await state.take_epoch()
        seq = (await state.load()).seq
        while True:
            numbers = range(seq + 1, seq + 11)
            alarms = tuple(Alarm(id=f"a{n}", rule="r", severity=Severity.MAJOR, since=n) for n in numbers)
            await state.commit(Decisions(transitions=tuple(map(entry, numbers)), alarms=alarms, position=seq + 10))
            seq += 10
            print(seq, flush=True)

asyncio.run(main())
"""


async def test_killed_process_keeps_what_it_committed_and_no_half_of_a_commit(path: Path) -> None:
    """After kill -9 the file holds whole commits, at least those that were reported as done."""
    reported = 0
    for lines in (1, 7, 20):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", COMMITTER, str(path), stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(lines):
            reported = int(await process.stdout.readline())
        process.kill()
        await process.wait()
        async with await StateDb.open(path) as state:
            restored = await state.load()
            assert restored.seq >= reported
            assert restored.seq % 10 == 0
            assert restored.position == restored.seq == len(restored.alarms) == len(await state.journal_since(0, 10_000))
