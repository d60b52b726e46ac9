"""Alarms, journal, outbox, registry and silences as lists."""

from typing import Any

import pytest

from ioc.adapters.state import StateDb
from ioc.domain.alarm import Alarm, Attempt, Decisions, OutboxMessage, Severity, Step, Transition
from ioc.domain.registry import Device, Unit
from ioc.domain.silence import Silence
from ioc.domain.state import AlarmFilter, CursorError, OutboxEntry, PendingMessage


def alarm(name: str, since: int, **changes: Any) -> Alarm:
    """An alarm without texts."""
    return Alarm(**{"id": name, "rule": "silent", "severity": Severity.MAJOR, "since": since, **changes})


ALARMS = (
    alarm("a", 1, device="d1", unit="u1", family="speaker"),
    alarm("b", 2, device="d2", unit="u2", severity=Severity.CRITICAL, cleared_at=9),
    alarm("c", 2, device="d1", unit="u1", acknowledged=True, assigned_to="an"),
    alarm("d", 4, rule="ioc_blind", severity=Severity.CRITICAL),
    alarm("e", 5, device="d2", unit="u2", cleared_at=9, acknowledged=True),
)


async def listed(state: StateDb, /, **wanted: Any) -> str:
    """Ids of the alarms that a filter gives, as one word."""
    items, following = await state.alarms(AlarmFilter(**wanted))
    assert following is None
    return "".join(one.id for one in items)


async def test_alarms_are_listed_newest_first_and_narrowed_by_each_field(state: StateDb) -> None:
    """Every field of the filter narrows, and several narrow together."""
    await state.commit(Decisions(alarms=ALARMS))
    assert await listed(state) == "edcba"
    assert await listed(state, state="active") == "dca"
    assert await listed(state, state="cleared") == "eb"
    assert await listed(state, acknowledged=False) == "dba"
    assert await listed(state, acknowledged=True) == "ec"
    assert await listed(state, state="cleared", acknowledged=False) == "b"
    assert await listed(state, severity=Severity.CRITICAL) == "db"
    assert await listed(state, rule="ioc_blind") == "d"
    assert await listed(state, device="d1") == "ca"
    assert await listed(state, unit="u2") == "eb"
    assert await listed(state, family="speaker") == "a"
    assert await listed(state, assigned_to="an") == "c"
    assert await listed(state, units=frozenset({"u1", "u9"})) == "ca"
    assert await listed(state, units=frozenset()) == ""
    assert await listed(state, units=frozenset({"u1"}), state="active", acknowledged=False) == "a"


async def test_pages_of_alarms_join_without_gap_or_repetition(state: StateDb) -> None:
    """Also where several alarms share one instant, and while newer ones arrive."""
    await state.commit(Decisions(alarms=ALARMS))
    found: list[str] = []
    cursor = None
    for arriving in range(10, 20):
        page, cursor = await state.alarms(limit=2, cursor=cursor)
        found += [one.id for one in page]
        await state.commit(Decisions(alarms=(alarm(f"new{arriving}", arriving),)))
        if cursor is None:
            break
    assert found == ["e", "d", "c", "b", "a"]
    with pytest.raises(CursorError, match="is no alarm's id"):
        await state.alarms(cursor="x" * 2000)


async def test_alarm_is_found_by_id_in_its_newest_state(state: StateDb) -> None:
    """A later commit replaces the earlier state."""
    await state.commit(Decisions(alarms=(ALARMS[0],)))
    changed = alarm("a", 1, device="d1", unit="u1", family="speaker", cleared_at=7, summary={"vi": "Hết"})
    await state.commit(Decisions(alarms=(changed,)))
    assert await state.alarm("a") == changed
    assert await state.alarm("nothing") is None


async def test_journal_is_read_by_alarm_and_by_number(state: StateDb) -> None:
    """Oldest first; the second stage of alarms goes on after the last number it has read."""
    entries = [
        Transition(
            seq=seq, alarm=name, rule="r", severity=Severity.MINOR, device=None, unit=None, step=step, at=seq, recorded=seq, by="person:An"
        )
        for seq, name, step in ((1, "a", Step.RAISED), (2, "b", Step.RAISED), (3, "a", Step.ACKNOWLEDGED), (4, "a", Step.CLEARED))
    ]  # fmt: skip
    await state.commit(Decisions(transitions=tuple(entries)))
    assert await state.journal("a") == [entries[0], entries[2], entries[3]]
    assert await state.journal_since(1, 2) == entries[1:3]
    assert await state.journal_since(4) == []


def message(key: str, at: int, channel: str = "ops") -> OutboxMessage:
    """A message of the outbox."""
    return OutboxMessage(key=key, channel=channel, event="raised", at=at, body=key.encode())


async def test_message_decided_twice_is_queued_once(state: StateDb) -> None:
    """(key, channel) is a message's identity; the first body stays."""
    await state.commit(Decisions(outbox=(message("k", 1), message("k", 1, "mail"))))
    await state.record_attempt(Attempt(key="k", channel="mail", at=2, ok=True, detail="sent"), done=True)
    await state.commit(Decisions(outbox=(OutboxMessage(key="k", channel="ops", event="updated", at=5, body=b"?"), message("k", 1, "mail"))))
    assert await state.pending() == [PendingMessage(message=message("k", 1), attempts=0, next_at=1)]


async def test_message_stays_pending_until_an_attempt_ends_it(state: StateDb) -> None:
    """Each attempt is kept with its outcome; those due longest come first."""
    await state.commit(Decisions(outbox=(message("k1", 1), message("k2", 2), message("k3", 3, "mail"))))
    refused = Attempt(key="k1", channel="ops", at=10, ok=False, detail="HTTP 503")
    await state.record_attempt(refused, done=False, next_at=60)
    assert [(one.message.key, one.attempts, one.next_at) for one in await state.pending()] == [("k2", 0, 2), ("k3", 0, 3), ("k1", 1, 60)]
    assert [one.message.key for one in await state.pending(1)] == ["k2"]
    assert [one.message.key for one in await state.pending(channel="mail")] == ["k3"]
    sent = Attempt(key="k1", channel="ops", at=61, ok=True, detail="HTTP 200")
    given_up = Attempt(key="k2", channel="ops", at=62, ok=False, detail="HTTP 410")
    await state.record_attempt(sent, done=True)
    await state.record_attempt(given_up, done=True)
    assert [one.message.key for one in await state.pending()] == ["k3"]
    assert await state.attempts("k1") == [refused, sent]
    entries, following = await state.outbox(2)
    assert entries == [
        OutboxEntry(message=message("k3", 3, "mail"), attempts=0, next_at=3, done_at=None, delivered=False),
        OutboxEntry(message=message("k2", 2), attempts=1, next_at=None, done_at=62, delivered=False),
    ]
    assert following == "k2:ops"
    assert await state.outbox(2, following) == (
        [OutboxEntry(message=message("k1", 1), attempts=2, next_at=None, done_at=61, delivered=True)],
        None,
    )
    with pytest.raises(LookupError, match="no message 'k9'"):
        await state.record_attempt(Attempt(key="k9", channel="ops", at=1, ok=True, detail=""), done=True)
    with pytest.raises(CursorError):
        await state.outbox(2, "k9:ops")


async def test_imported_device_keeps_when_it_was_registered(state: StateDb) -> None:
    """A second import changes what the file says, not since when the device counts."""
    await state.import_devices([Device(device="d", family="speaker", approved=False, registered_at=5)])
    await state.import_devices([Device(device="d", family="speaker", name="Loa", labels={"cell": "452"}, registered_at=99)])
    assert await state.devices() == (Device(device="d", family="speaker", name="Loa", labels={"cell": "452"}, registered_at=5),)


async def test_held_devices_are_approved_by_id(state: StateDb) -> None:
    """Any number at once; a unit and a name may be given with it."""
    held = [Device(device=f"d{number:04}", family="speaker", unit="u", approved=False) for number in range(1200)]
    await state.commit(Decisions(), devices=held)
    assert await state.approve([device.device for device in held[:1100]] + ["nobody"]) == 1100
    assert sum(device.approved for device in await state.devices()) == 1100
    assert await state.approve(["d1199"], unit="v", name="Loa") == 1
    assert (await state.devices())[1199] == Device(device="d1199", family="speaker", unit="v", name="Loa")


async def test_unit_is_kept_once_for_each_day_it_begins(state: StateDb) -> None:
    """An import replaces a row and adds the next; none is lost."""
    before = Unit(unit="u", code="1", valid_from="1997-01-01", name="Xã", parent="p")
    ended = Unit(unit="u", code="1", valid_from="1997-01-01", valid_to="2025-07-01", name="Xã", parent="p")
    after = Unit(unit="u", code="1", valid_from="2025-07-01", name="Phường", lat=21.3, lon=105.2)
    await state.import_units([before])
    await state.import_units([after, ended])
    assert await state.units() == (ended, after)


async def test_silences_are_kept_changed_and_removed(state: StateDb) -> None:
    """By id; those that have ended can be left out."""
    one = Silence(id="s1", rule="silent", unit="u1", since=10, until=20, reason="bảo trì", by="An", created_at=9)
    two = Silence(id="s2", device="d1", since=5, until=15, reason="thay loa", by="Bình", created_at=4)
    await state.silences.put(two)
    await state.silences.put(one)
    assert await state.silences.list() == [one, two]
    assert await state.silences.list(until_after=15) == [one]
    assert await state.silences.list(after="s1", limit=5) == [two]
    longer = Silence(id="s1", rule="silent", unit="u1", since=10, until=30, reason="bảo trì", by="An", created_at=9)
    await state.silences.put(longer)
    assert await state.silences.get("s1") == longer
    assert await state.silences.remove("s1")
    assert not await state.silences.remove("s1")
    assert await state.silences.get("s1") is None


async def test_what_ended_long_ago_is_forgotten_with_all_that_tells_of_it(state: StateDb) -> None:
    """Active alarms, messages that still wait, and the number of the next journal entry stay."""
    transitions = [
        Transition(
            seq=n,
            alarm=one.id,
            rule=one.rule,
            severity=one.severity,
            device=one.device,
            unit=one.unit,
            step=step,
            at=n,
            recorded=n,
            by="sample",
            detail="",
        )
        for n, (one, step) in enumerate([(ALARMS[0], Step.RAISED), (ALARMS[1], Step.RAISED), (ALARMS[1], Step.CLEARED)], 1)
    ]
    messages = [OutboxMessage(key=key, channel="hook", event="raised", at=1, body=b"{}") for key in ("old", "waits", "new")]
    await state.commit(Decisions(alarms=ALARMS, transitions=tuple(transitions), outbox=tuple(messages)))
    await state.record_attempt(Attempt(key="old", channel="hook", at=5, ok=True, detail="200"), done=True)
    await state.record_attempt(Attempt(key="new", channel="hook", at=10, ok=True, detail="200"), done=True)
    await state.forget(10)
    assert await listed(state) == "dca"
    assert await state.journal("b") == transitions[2:]
    assert await state.journal("a") == transitions[:1]
    assert (await state.load()).seq == 3
    kept, _ = await state.outbox()
    assert {entry.message.key for entry in kept} == {"waits", "new"}
    assert await state.attempts("old") == []
    assert len(await state.attempts("new")) == 1
