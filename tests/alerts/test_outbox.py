"""The outbox's sender over a real state database: nothing missed, same key, each attempt journalled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.channel import Fault, SendError
from alerts.outbox_worker import Retry
from ioc.adapters.state.store import StateDb
from ioc.domain.state import StateUnavailableError
from notifying.sending import Hanging, Receiver, Running, Slow, put


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[StateDb]:
    async with await StateDb.open(tmp_path / "state.db") as opened:
        await opened.take_epoch()
        yield opened


async def test_message_is_sent_once_and_journalled(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """One attempt, its receipt, and the row is done."""
    await put(state, "k1")
    receiver = Receiver()
    async with Running(state, ops=receiver) as outbox:
        await wait_until(lambda: outbox.states["ops"].delivered == 1)
    attempts = await state.attempts("k1")
    assert [(one.channel, one.ok, one.detail) for one in attempts] == [("ops", True, "taken")]
    assert await state.pending() == []
    assert receiver.tried == ["k1"]


async def test_new_message_is_sent_when_woken(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """The sender needs no polling interval to notice a commit."""
    receiver = Receiver()
    async with Running(state, ops=receiver) as outbox:
        await asyncio.sleep(0)
        await put(state, "k1")
        outbox.wake()
        await wait_until(lambda: receiver.taken == ["k1"])


async def test_dead_channel_misses_nothing_and_keeps_order_and_keys(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """After an outage everything comes, oldest first, with the keys of the first attempt."""
    keys = [f"k{n}" for n in range(20)]
    await put(state, *keys)
    receiver = Receiver(*[SendError("down", retry_after_ms=1)] * 2)
    async with Running(state, ops=receiver) as outbox:
        await wait_until(lambda: len(receiver.taken) == 20)
        assert outbox.states["ops"].failing_since is None
    assert receiver.taken == keys
    assert [one.ok for one in await state.attempts("k0")] == [False, False, True]


async def test_long_outage_misses_nothing(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """However long the channel stays away, every message arrives."""
    keys = [f"k{n}" for n in range(10)]
    await put(state, *keys)
    receiver = Receiver(*[SendError("down")] * 30)
    async with Running(state, ops=receiver):
        await wait_until(lambda: len(receiver.taken) == 10)
    assert sorted(receiver.taken) == sorted(keys)
    assert len(set(receiver.tried[:3])) == 1


@pytest.mark.parametrize("fault", list(Fault))
async def test_poison_holds_up_no_other_message(state: StateDb, wait_until: Callable[..., Any], fault: Fault) -> None:
    """Messages that always fail, whatever the reason, are tried again on their own while the others pass."""
    await put(state, "bad1", "bad2", "bad3", *(f"k{n}" for n in range(8)))
    receiver = Receiver()
    receiver.judge = lambda message: SendError("no", fault=fault) if message.key.startswith("bad") else None
    async with Running(state, ops=receiver) as outbox:
        await wait_until(lambda: outbox.states["ops"].delivered == 8)
    assert {row.message.key for row in await state.pending()} == {"bad1", "bad2", "bad3"}


async def test_slow_channel_holds_up_no_other(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """Each channel has a worker of its own."""
    await put(state, "k1", "k2", channel="slow")
    await put(state, "k1", "k2", channel="ops")
    receiver = Receiver()
    async with Running(state, ops=receiver, slow=Hanging()):
        await wait_until(lambda: receiver.taken == ["k1", "k2"])


async def test_attempt_ends_with_its_timeout(state: StateDb, wait_until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel without a timeout of its own can't hold the worker for ever."""
    monkeypatch.setattr("alerts.outbox_worker._ATTEMPT_MARGIN_S", 0.0)
    await put(state, "k1")
    async with Running(state, Retry(first=1, longest=1, attempt=10), ops=Hanging()) as outbox:
        await wait_until(lambda: outbox.states["ops"].failures > 1)
    assert (await state.attempts("k1"))[0].detail == "no answer in time"


async def test_message_is_given_up_after_a_day_with_the_reason(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """The journal says how often and why."""
    await put(state, "k1")
    receiver = Receiver(*[SendError("x is down")] * 100)
    async with Running(state, Retry(first=1, longest=1, give_up=1_020), ops=receiver) as outbox:
        await wait_until(lambda: outbox.states["ops"].given_up == 1)
    last = (await state.attempts("k1"))[-1]
    assert not last.ok
    assert last.detail.startswith("given up after ")
    assert last.detail.endswith(": x is down")
    assert await state.pending() == []


async def test_message_to_a_channel_that_is_gone_ends_with_a_reason(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """Not at once: the file may come back."""
    await put(state, "k1", channel="gone")
    async with Running(state, Retry(give_up=1), ops=Receiver()):

        async def ended() -> bool:
            return not await state.pending()

        await wait_until(ended)
    assert "no channel gone" in (await state.attempts("k1"))[0].detail


async def test_bug_in_a_channel_is_a_failed_attempt(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """The worker goes on, and the journal names the kind of error without its words."""
    await put(state, "k1")
    receiver = Receiver(KeyError("s3cret"))
    async with Running(state, ops=receiver):
        await wait_until(lambda: receiver.taken == ["k1"])
    assert (await state.attempts("k1"))[0].detail == "unexpected KeyError in the channel's code, see the log"


async def test_attempt_cut_off_by_the_end_is_made_again_with_the_same_key(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """At least once: what was not journalled as delivered is sent at the next start."""
    await put(state, "k1")
    hanging = Hanging()
    async with Running(state, ops=hanging):
        await asyncio.sleep(0)
    receiver = Receiver()
    async with Running(state, ops=receiver):
        await wait_until(lambda: receiver.taken == ["k1"])


async def test_attempt_under_way_at_the_end_is_noted(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """Its answer comes a moment after we were told to end: the next start does not send the message again."""
    await put(state, "k1")
    slow = Slow()
    async with Running(state, ops=slow):
        await wait_until(lambda: slow.asked)
        asyncio.get_running_loop().call_soon(slow.answers.set)
    assert [(one.ok, one.detail) for one in await state.attempts("k1")] == [(True, "taken")]
    assert await state.pending() == []


async def test_state_database_that_fails_for_a_while_stops_nobody(
    state: StateDb, wait_until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk delays messages; afterwards they go."""
    await put(state, "k1")
    record, refused = state.record_attempt, []

    async def full(*args: Any, **kwargs: Any) -> None:
        if len(refused) < 3:
            refused.append(1)
            raise StateUnavailableError
        await record(*args, **kwargs)

    monkeypatch.setattr(state, "record_attempt", full)
    receiver = Receiver()
    async with Running(state, ops=receiver) as outbox:
        await wait_until(lambda: outbox.states["ops"].delivered == 1)
    assert set(receiver.taken) == {"k1"}


def test_back_off_doubles_up_to_its_longest_with_jitter() -> None:
    """Between half and all of 1, 2, 4 … s, at most 5 min."""
    retry = Retry()
    assert [retry.wait(n, 1.0) for n in (1, 2, 3, 9, 10, 99)] == [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]
    assert retry.wait(3, 0.0) == 2_000
