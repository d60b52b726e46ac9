"""The quarantine keeps what could not be stored, once, counted, and within its bound."""

import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.adapters.quarantine import QuarantineError, QuarantineFile
from ioc.domain.point import StoreUnavailableError
from ioc.domain.quarantined import QuarantineEntry, QuarantineFilter
from ioc.domain.sample import Reason, Refusal
from ioc.domain.state import CursorError

HOUR = 3_600_000


@pytest.fixture
async def quarantine(tmp_path: Path) -> AsyncIterator[QuarantineFile]:
    """Empty, with room for 1 MiB."""
    opened = QuarantineFile(tmp_path / "quarantine.db", limit_bytes=1 << 20)
    await opened.open()
    yield opened
    await opened.close()


def entry(
    payload: bytes = b"{", device: str | None = "d1", reason: Reason = Reason.NOT_JSON, at: int = 10 * HOUR, detail: str = "cut",
    **more: bool | int | bytes,
) -> QuarantineEntry:  # fmt: skip
    """One refusal."""
    topic = more.pop("topic", f"ioc/v1/speaker/{device}/telemetry".encode())
    return QuarantineEntry(
        topic=topic, payload=payload, family="speaker", device=device, at=at, refusal=Refusal(reason, detail),
        partial=bool(more.pop("partial", False)), **more,
    )  # type: ignore[arg-type]  # fmt: skip


async def test_message_is_kept_complete(quarantine: QuarantineFile) -> None:
    """All 64 KiB of it, with topic, device, reason and detail."""
    payload = bytes(range(256)) * 256
    assert await quarantine.add([entry(payload)]) == 0
    (kept,) = await quarantine.list()
    assert kept.payload == payload
    assert (kept.topic_text, kept.device, kept.family, kept.reason, kept.detail) == (
        "ioc/v1/speaker/d1/telemetry", "d1", "speaker", "not_json", "cut",
    )  # fmt: skip
    assert (kept.count, kept.partial, kept.replayed_at, kept.first_seen) == (1, False, None, 10 * HOUR)
    assert await quarantine.get(kept.id) == kept
    assert await quarantine.get("nothing") is None


async def test_identical_messages_are_kept_once_and_counted(quarantine: QuarantineFile) -> None:
    """Same topic, payload and reason; first and last time seen."""
    await quarantine.add([entry(at=1), entry(at=3)])
    await quarantine.add([entry(at=2), entry(b"other"), entry(reason=Reason.NOT_OBJECT), entry(device="d2")])
    kept = {(item.device, item.payload, item.reason): item for item in await quarantine.list()}
    assert len(kept) == 4
    same = kept["d1", b"{", "not_json"]
    assert (same.count, same.first_seen, same.last_seen) == (3, 1, 3)
    assert (await quarantine.stats()).messages == 6


async def test_topic_that_is_no_text_is_kept_and_shown(quarantine: QuarantineFile) -> None:
    """Brokers let such topics through; device unknown."""
    await quarantine.add([entry(device=None, topic=b"ioc/\xff\xfe/x", reason=Reason.TOPIC)])
    (kept,) = await quarantine.list()
    assert (kept.topic, kept.topic_text, kept.device) == (b"ioc/\xff\xfe/x", "ioc/\\xff\\xfe/x", None)


async def test_redelivery_of_a_counted_message_is_not_counted_again(quarantine: QuarantineFile) -> None:
    """After a crash between quarantine and acknowledgement the broker sends it again, marked DUP."""
    first = entry(fingerprint=2**64 - 3)
    again = entry(fingerprint=2**64 - 3, redelivered=True)
    await quarantine.add([first])
    await quarantine.add([again, again])
    assert [item.count for item in await quarantine.list()] == [1]
    await quarantine.add([entry(fingerprint=77, redelivered=True)])
    assert [item.count for item in await quarantine.list()] == [2]


async def test_equal_messages_that_are_no_redelivery_are_counted(quarantine: QuarantineFile) -> None:
    """Packet ids come round: without DUP it is news."""
    await quarantine.add([entry(fingerprint=5), entry(fingerprint=5)])
    assert [item.count for item in await quarantine.list()] == [2]


async def test_two_reasons_of_one_delivery_are_two_entries(quarantine: QuarantineFile) -> None:
    """Each counted once, also when it comes again."""
    both = [entry(fingerprint=5, partial=True, reason=reason) for reason in (Reason.WRONG_TYPE, Reason.TOO_LONG)]
    again = [entry(fingerprint=5, partial=True, reason=reason, redelivered=True) for reason in (Reason.WRONG_TYPE, Reason.TOO_LONG)]
    await quarantine.add(both)
    await quarantine.add(again)
    assert [item.count for item in await quarantine.list()] == [1, 1]


async def test_copies_of_partial_messages_are_sampled_and_their_count_is_not(quarantine: QuarantineFile) -> None:
    """Ten payloads for each device, reason and hour; sums stay exact."""
    for device in ("d1", "d2"):
        for hour in (10, 11):
            await quarantine.add([entry(b"%d" % i, device, Reason.WRONG_TYPE, hour * HOUR + i, partial=True) for i in range(500)])
    kept = await quarantine.list(limit=1_000)
    assert len(kept) == 40
    assert sum(item.count for item in kept) == 2_000
    assert {item.partial for item in kept} == {True}
    stats = await quarantine.stats()
    assert (stats.copies, stats.messages, stats.entries, stats.by_reason) == (2_000, 0, 40, {"wrong_type": 2_000})


async def test_whole_messages_are_never_sampled(quarantine: QuarantineFile) -> None:
    """They are nowhere else."""
    await quarantine.add([entry(b"%d" % i) for i in range(500)])
    assert len(await quarantine.list(limit=1_000)) == 500


async def test_full_quarantine_lets_the_noisiest_lose_its_oldest(tmp_path: Path) -> None:
    """The quiet device's message stays; what had to go is told and remembered."""
    quarantine = QuarantineFile(tmp_path / "quarantine.db", limit_bytes=20_000)
    await quarantine.open()
    await quarantine.add([entry(b"quiet", "quiet", at=1)])
    evicted = await quarantine.add([entry(b"%d" % i, "noisy", at=2 + i) for i in range(200)])
    kept = await quarantine.list(limit=1_000)
    stats = await quarantine.stats()
    assert stats.bytes_used <= 20_000
    assert stats.entries == len(kept)
    assert evicted == stats.evicted == 201 - len(kept) > 0
    assert [item.payload for item in kept if item.device == "noisy"] == [b"%d" % i for i in reversed(range(201 - len(kept), 200))]
    assert kept[-1].payload == b"quiet"
    await quarantine.close()


async def test_list_is_newest_first_in_pages_with_filters(quarantine: QuarantineFile) -> None:
    """Pages join without gap or overlap, also where times are equal."""
    await quarantine.add([entry(b"%d" % i, f"d{i % 3}", [Reason.NOT_JSON, Reason.TOO_DEEP][i % 2], at=i // 4) for i in range(30)])
    everything = await quarantine.list()
    assert [item.last_seen for item in everything] == sorted((i // 4 for i in range(30)), reverse=True)
    pages, after = [], None
    while page := await quarantine.list(after=after, limit=7):
        pages += page
        after = page[-1].cursor
    assert pages == everything
    assert len(await quarantine.list(QuarantineFilter(device="d1"))) == 10
    assert len(await quarantine.list(QuarantineFilter(device="d1", reason="too_deep"))) == 5
    assert len(await quarantine.list(devices={"d0", "d2"})) == 20
    assert await quarantine.list(devices=[]) == []
    assert await quarantine.list(QuarantineFilter(family="factory_line")) == []


async def test_replayed_message_leaves_the_list_until_it_comes_again(quarantine: QuarantineFile) -> None:
    """Kept as long as there is room, and found by asking for it."""
    await quarantine.add([entry()])
    (kept,) = await quarantine.list()
    assert await quarantine.mark_replayed([kept.id], 99)
    assert await quarantine.list() == []
    assert [item.replayed_at for item in await quarantine.list(QuarantineFilter(replayed=True))] == [99]
    await quarantine.add([entry()])
    assert [item.id for item in await quarantine.list()] == [kept.id]
    assert not await quarantine.mark_replayed(["nothing"], 99)


async def test_removed_message_is_gone_from_list_and_sums(quarantine: QuarantineFile) -> None:
    """Down to nothing."""
    await quarantine.add([entry(), entry()])
    (kept,) = await quarantine.list()
    assert await quarantine.remove(kept.id)
    assert not await quarantine.remove(kept.id)
    stats = await quarantine.stats()
    assert (stats.bytes_used, stats.entries, stats.messages, stats.by_reason) == (0, 0, 0, {})


@pytest.mark.parametrize("flood", [100, 1_000])
async def test_full_disk_is_an_error_and_changes_nothing(tmp_path: Path, flood: int) -> None:
    """All entries of a call or none; on this error nothing is acknowledged."""
    quarantine = QuarantineFile(tmp_path / "quarantine.db", limit_bytes=1 << 30, flood=flood)
    await quarantine.open()
    await quarantine._file.write(lambda connection: connection.execute("PRAGMA max_page_count=40").fetchone())
    await quarantine.add([entry(b"kept")])
    with pytest.raises(QuarantineError, match="disk is full"):
        await quarantine.add([entry(random.Random(n).randbytes(5_000), at=n) for n in range(400)])
    assert issubclass(QuarantineError, StoreUnavailableError)
    assert [item.payload for item in await quarantine.list()] == [b"kept"]
    assert (await quarantine.stats()).messages == 1
    await quarantine.close()


async def test_stored_messages_make_room_first_and_are_no_loss(tmp_path: Path) -> None:
    """The store has them: nothing that waits is dropped while one of them is there."""
    quarantine = QuarantineFile(tmp_path / "quarantine.db", limit_bytes=20_000)
    await quarantine.open()
    await quarantine.add([entry(b"%d" % i, at=i) for i in range(50)])
    kept = await quarantine.list(limit=50)
    assert await quarantine.mark_replayed([item.id for item in kept[:20]], 99) == 20
    assert 0 < quarantine.level.replayed_bytes < quarantine.level.bytes_used
    assert await quarantine.add([entry(b"new %d" % i, "d2") for i in range(20)]) == 0
    assert len(await quarantine.list(limit=100)) == 50
    assert quarantine.level.bytes_used <= 20_000
    await quarantine.close()


async def test_messages_are_found_by_all_that_is_known_of_them(quarantine: QuarantineFile) -> None:
    """Family, time of the last, copies or whole messages."""
    await quarantine.add([entry(b"a", at=10), entry(b"b", at=20), entry(b"c", at=30, partial=True)])
    found = {
        name: sorted(item.payload for item in await quarantine.list(wanted))
        for name, wanted in {
            "from": QuarantineFilter(start=20),
            "to": QuarantineFilter(end=20),
            "partial": QuarantineFilter(partial=True),
            "whole": QuarantineFilter(partial=False),
            "family": QuarantineFilter(family="speaker", start=10, end=21),
        }.items()
    }
    assert found == {"from": [b"b", b"c"], "to": [b"a"], "partial": [b"c"], "whole": [b"a", b"b"], "family": [b"a", b"b"]}


async def test_cursor_that_the_list_has_not_given_is_refused(quarantine: QuarantineFile) -> None:
    """While the last message of a page may go, and its cursor stays good."""
    await quarantine.add([entry(b"%d" % i, at=i) for i in range(3)])
    first = (await quarantine.list(limit=1))[0]
    await quarantine.remove(first.id)
    assert len(await quarantine.list(after=first.cursor)) == 2
    with pytest.raises(CursorError):
        await quarantine.list(after="nonsense")


async def test_flood_is_laid_down_counted_at_once_and_sorted_in_when_read(tmp_path: Path) -> None:
    """Also by the process after one that was killed; a redelivery of what is laid down is no news."""
    path = tmp_path / "quarantine.db"
    quarantine = QuarantineFile(path, limit_bytes=1 << 30)
    await quarantine.open()
    flood = [entry(b"%d" % (i % 150), at=i, fingerprint=i + 1) for i in range(300)]
    await quarantine.add(flood)
    await quarantine.add([entry(b"%d" % (i % 150), at=i, fingerprint=i + 1, redelivered=True) for i in range(300)])
    assert (quarantine.level.entries, quarantine.level.messages) == (0, 600)
    heir = QuarantineFile(path, limit_bytes=1 << 30)
    await heir.open()
    assert heir.level == quarantine.level
    assert [(item.count, item.first_seen, item.last_seen) for item in await heir.list(limit=2)] == [(2, 149, 299), (2, 148, 298)]
    assert (heir.level.entries, heir.level.messages, heir.level.by_reason) == (150, 300, {"not_json": 300})
    await heir.close()
    await quarantine.close()


_files = itertools.count()
_ENTRIES = st.lists(
    st.builds(
        entry, st.binary(max_size=400), st.sampled_from(["a", "b", "c", None]), st.sampled_from([Reason.NOT_JSON, Reason.WRONG_TYPE]),
        st.integers(0, 3 * HOUR), partial=st.booleans(), fingerprint=st.integers(0, 8), redelivered=st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(_ENTRIES, max_size=4), limit=st.integers(300, 30_000), flood=st.sampled_from([0, 20, 100]))
async def test_sums_agree_with_the_messages_whatever_comes(
    tmp_path: Path, batches: list[list[QuarantineEntry]], limit: int, flood: int
) -> None:
    """Level, counts and evictions close to nothing lost."""
    quarantine = QuarantineFile(tmp_path / f"{next(_files)}.db", limit_bytes=limit, flood=flood)
    await quarantine.open()
    evicted = 0
    known: set[tuple[int, Reason]] = set()
    news = 0
    for batch in batches:
        evicted += await quarantine.add(batch)
        for one in batch:
            mark = (one.fingerprint, one.refusal.reason)
            news += not (one.fingerprint and one.redelivered and mark in known)
            known.add(mark)
    kept = await quarantine.list(limit=10_000)
    stats = await quarantine.stats()
    assert sum(item.count for item in kept) == stats.messages + stats.copies == sum(stats.by_reason.values()) == news - evicted
    assert stats.bytes_used <= limit
    assert stats.entries == len(kept)
    assert stats.evicted == evicted
    assert stats == quarantine.level
    groups = await quarantine.summary(limit=1_000)
    assert sum(group.messages + group.copies for group in groups) == news - evicted
    assert sum(group.bytes for group in groups) == stats.bytes_used
    await quarantine.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(_ENTRIES, max_size=4), limit=st.integers(300, 12_000), every=st.integers(1, 4), flood=st.sampled_from([0, 100]))
async def test_sums_agree_whatever_is_replayed_meanwhile(
    tmp_path: Path, batches: list[list[QuarantineEntry]], limit: int, every: int, flood: int
) -> None:
    """What the sums say is what lies there; what waits and what was stored after all make up the level."""
    quarantine = QuarantineFile(tmp_path / f"{next(_files)}.db", limit_bytes=limit, flood=flood)
    await quarantine.open()
    for at, batch in enumerate(batches):
        await quarantine.add(batch)
        await quarantine.mark_replayed([item.id for item in (await quarantine.list(limit=10_000))[::every]], at)
    kept = await quarantine.list(QuarantineFilter(replayed=None), limit=10_000)
    groups = await quarantine.summary(limit=1_000)
    level = await quarantine.stats()
    assert level.entries == len(kept) == sum(group.entries for group in groups)
    assert level.messages + level.copies == sum(item.count for item in kept) == sum(group.messages + group.copies for group in groups)
    assert sum(group.replayed for group in groups) == sum(item.replayed_at is not None for item in kept)
    assert 0 <= level.replayed_bytes <= level.bytes_used <= limit
    assert (level.replayed_bytes == 0) == all(item.replayed_at is None for item in kept)
    await quarantine.close()
