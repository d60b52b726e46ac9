"""What an engine commits, and what it finds again."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ioc.adapters.state import StateDb
from ioc.adapters.state.fingerprint_rows import KEPT_DELIVERIES
from ioc.domain.alarm import Alarm, Attempt, Decisions, NotificationGroup, OutboxMessage, RuleState, Severity, Step, Transition
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms, SpooledBatch
from ioc.domain.registry import Device, Unit
from ioc.domain.state import FencedError, Restored


def alarm(name: str = "a1", **changes: Any) -> Alarm:
    """A major alarm of a loudspeaker."""
    texts = {"summary": {"vi": "Mất tiếng", "en": "Silent"}, "action": {"vi": "Đến kiểm tra"}, "labels": {"team": "ky_thuat"}}
    return Alarm(
        **{"id": name, "rule": "silent", "severity": Severity.MAJOR, "device": "d1", "unit": "u1", "since": 10, **texts, **changes}
    )


def transition(seq: int, name: str = "a1", step: Step = Step.RAISED) -> Transition:
    """A journal entry of that alarm."""
    return Transition(
        seq=seq, alarm=name, rule="silent", severity=Severity.MAJOR, device="d1", unit="u1", step=step, at=10, recorded=11, by="sample",
        detail="audio_dbfs = -60",
    )  # fmt: skip


RULE_STATE = RuleState(
    rule="silent", device="d1", phase="active", since=9, heard_since=10, alarm="a1", memory={"side": 1, "last": "x", "none": None}
)
GROUP = NotificationGroup(key="route 0|silent|u1", due_at=40, body=b'{"members":["a1"]}')
MESSAGE = OutboxMessage(key="k1", channel="ops", event="raised", at=41, body=b'{"key":"k1"}')
UNKNOWN = Device(device="heard", family="speaker", approved=False, registered_at=3)


def batch(row: int) -> SpooledBatch:
    return SpooledBatch(id=row, source="ioc-1")


async def test_engine_finds_everything_again_after_a_restart(path: Path) -> None:
    """Whatever was committed or booked is there when the file is opened anew."""
    decisions = Decisions(
        transitions=(transition(1),), alarms=(alarm(),), rule_states=(RULE_STATE,), groups=(GROUP,), outbox=(MESSAGE,), position=1
    )
    unit = Unit(unit="u1", code="04792", valid_from="2025-07-01", name="Phường Tân Hòa", type="phường", lat=20.87, lon=105.32)
    async with await StateDb.open(path) as state:
        assert await state.take_epoch() == 1
        await state.import_units([unit])
        await state.commit(decisions, devices=[UNKNOWN])
        await state.book(Booking(source="ioc-1", fingerprints=b"fingerpr", spool_added=(batch(7), batch(8))))
        await state.book(Booking(source="ioc-1", fingerprints=b"intsmore", spool_removed=(7,)))
    async with await StateDb.open(path) as state:
        assert await state.take_epoch() == 2
        restored = await state.load()
        assert restored == Restored(
            alarms=(alarm(),),
            rule_states=(RULE_STATE,),
            groups=(GROUP,),
            seq=1,
            position=1,
            devices=(UNKNOWN,),
            units=(unit,),
            booked={"ioc-1": (b"fingerpr", b"intsmore")},
            spooled=frozenset({8}),
        )
        assert restored.fingerprints("ioc-1") == [b"fingerpr", b"intsmore"]
        assert restored.fingerprints("another") == []
        assert await state.journal("a1") == [transition(1)]


async def test_new_database_starts_from_nothing(state: StateDb) -> None:
    """An empty state, not an error."""
    empty = Restored(alarms=(), rule_states=(), groups=(), seq=0, position=0, devices=(), units=(), booked={}, spooled=frozenset())
    assert await state.load() == empty


async def test_commit_leaves_nothing_behind_when_one_part_of_it_fails(state: StateDb) -> None:
    """A transaction that can't be completed has not happened at all."""
    await state.commit(Decisions(transitions=(transition(1),), alarms=(alarm(),)))
    before = await state.load()
    broken = Decisions(
        transitions=(transition(2, "a2"), transition(1)), alarms=(alarm("a2"),), rule_states=(RULE_STATE,), outbox=(MESSAGE,)
    )
    with pytest.raises(IntegrityError):
        await state.commit(broken, devices=[UNKNOWN])
    assert await state.load() == before
    assert await state.pending() == []
    assert await state.journal_since(0) == [transition(1)]


async def test_transaction_is_undone_when_its_work_raises_late(state: StateDb) -> None:
    """Whatever raises inside, the file is as it was, and the next write goes through."""

    class BrokenOffError(Exception):
        pass

    def break_off(conn: Connection) -> None:
        state._shelf.add(conn, "ioc-1", b"undone!!" * (KEPT_DELIVERIES - 1))
        raise BrokenOffError

    await state.book(Booking(source="ioc-1", fingerprints=b"fingerpr"))
    with pytest.raises(BrokenOffError):
        await state._fenced(break_off)
    await state.book(Booking(source="ioc-1", fingerprints=b"intsmore"))
    assert (await state.load()).booked == {"ioc-1": (b"fingerpr", b"intsmore")}
    await state.commit(Decisions(transitions=(transition(1),), alarms=(alarm(),)))
    assert (await state.load()).seq == 1


async def test_booking_goes_on_after_one_that_failed(state: StateDb) -> None:
    """A booking that is refused leaves neither counts nor fingerprints, and its like can be booked again."""
    row = LedgerRow("speaker", 60_000, LedgerTerms(received=1, stored=1))
    await state.book(Booking(source="s", rows=(row,), fingerprints=b"12345678"))
    with pytest.raises(ValueError, match="8 bytes each"):
        await state.book(Booking(source="s", rows=(row,), fingerprints=b"123"))
    await state.book(Booking(source="s", rows=(row,), fingerprints=b"abcdefgh"))
    assert (await state.ledger())["speaker"].received == 2
    assert (await state.load()).fingerprints("s") == [b"12345678", b"abcdefgh"]


async def test_late_engine_is_fenced_when_another_has_taken_over(path: Path) -> None:
    """A frozen engine that thaws writes nothing: neither decisions, nor the ledger, nor an attempt."""
    async with await StateDb.open(path) as frozen, await StateDb.open(path) as heir:
        await frozen.take_epoch()
        await frozen.commit(Decisions(outbox=(MESSAGE,)))
        await heir.take_epoch()
        await heir.commit(Decisions(transitions=(transition(1),), alarms=(alarm(),)))
        with pytest.raises(FencedError, match="another engine has taken over"):
            await frozen.commit(Decisions(transitions=(transition(2, "a2"),), alarms=(alarm("a2"),)))
        with pytest.raises(FencedError):
            await frozen.book(Booking(source="s", rows=(LedgerRow("speaker", 0, LedgerTerms(received=1)),), spool_added=(batch(1),)))
        with pytest.raises(FencedError):
            await frozen.record_attempt(Attempt(key="k1", channel="ops", at=50, ok=True, detail="200"), done=True)
        with pytest.raises(FencedError):
            await frozen.import_devices([UNKNOWN])
        restored = await heir.load()
        assert (restored.seq, restored.spooled, restored.devices) == (1, frozenset(), ())
        assert await heir.ledger() == {}
        assert len(await heir.pending()) == 1
        await heir.commit(Decisions(transitions=(transition(2),), alarms=(alarm(cleared_at=20),)))


async def test_engine_without_an_epoch_may_not_commit(path: Path) -> None:
    """Whoever decides has to take the epoch first."""
    async with await StateDb.open(path) as state:
        with pytest.raises(FencedError, match="take_epoch"):
            await state.commit(Decisions())


async def test_rule_state_and_group_are_forgotten_when_they_end(state: StateDb) -> None:
    """Phase inactive and a body of None remove their rows; of two states in one commit the last holds."""
    other = RuleState(rule="silent", device="d2", phase="pending")
    await state.commit(Decisions(rule_states=(RULE_STATE, other), groups=(GROUP,)))
    pending = RuleState(rule="silent", device="d1", phase="pending", since=30)
    gone = RuleState(rule="silent", device="d2", phase="inactive")
    await state.commit(
        Decisions(rule_states=(gone, RULE_STATE, pending), groups=(NotificationGroup(key=GROUP.key, due_at=None, body=None),))
    )
    restored = await state.load()
    assert restored.rule_states == (pending,)
    assert restored.groups == ()


async def test_load_gives_open_alarms_only(state: StateDb) -> None:
    """Active ones and cleared ones that nobody has acknowledged; the others are history."""
    alarms = (
        alarm("active", since=3),
        alarm("acknowledged", acknowledged=True, acknowledged_by="an", since=2),
        alarm("unseen", cleared_at=20, since=1),
        alarm("over", cleared_at=20, acknowledged=True),
    )
    await state.commit(Decisions(alarms=alarms))
    assert [one.id for one in (await state.load()).alarms] == ["unseen", "acknowledged", "active"]


async def test_device_known_already_stays_as_it_is_when_heard_as_unknown(state: StateDb) -> None:
    """An import may overtake the batch that hears a device for the first time."""
    imported = Device(device="heard", family="speaker", unit="u1", name="Loa", registered_at=1)
    await state.import_devices([imported])
    await state.commit(Decisions(), devices=[UNKNOWN])
    assert await state.devices() == (imported,)
