"""The second channel when the first one fails: when a message goes there, under which key, and what the journal says."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.channel import Fault, SendError
from alerts.handover import Fallback, deadline, is_for_fallback
from alerts.notify_file import NotifyFile
from alerts.outbox_worker import Retry
from ioc.adapters.state.store import StateDb
from ioc.app.channels import fallbacks
from ioc.domain.alarm import OutboxMessage
from ioc.domain.state import PendingMessage
from notifying.sending import Receiver, Running, put

TO_SMS = {"zalo": Fallback(channel="sms", after=30)}
NEVER = {"zalo": Fallback(channel="sms", after=10**9)}
SLOW = Retry(first=10**7, longest=10**7, give_up=10**9)
"""After a failure a channel pauses for longer than any test."""


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[StateDb]:
    async with await StateDb.open(tmp_path / "state.db") as opened:
        await opened.take_epoch()
        yield opened


async def ends(state: StateDb) -> dict[str, list[tuple[str, bool]]]:
    """Key → channels at which the message has ended, and whether it was delivered there."""
    entries, _ = await state.outbox()
    found: dict[str, list[tuple[str, bool]]] = {}
    for entry in sorted(entries, key=lambda one: one.done_at or 0):
        if entry.done_at is not None:
            found.setdefault(entry.message.key, []).append((entry.message.channel, entry.delivered))
    return found


async def test_message_goes_to_the_fallback_when_its_channel_keeps_failing(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """Delivered there once, under its own key; the journal tells both halves."""
    await put(state, "k1", channel="zalo")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda _message: SendError("zalo is down")
    async with Running(state, fallbacks=TO_SMS, zalo=zalo, sms=sms) as outbox:
        await wait_until(lambda: outbox.states["sms"].delivered == 1)
        assert outbox.states["zalo"].handed_over == 1
    assert sms.taken == ["k1"]
    attempts = await state.attempts("k1")
    assert attempts[-1].channel == "sms"
    assert attempts[-1].ok
    assert [one.detail for one in attempts if one.channel == "zalo"][-1] == "handed to sms: zalo is down"
    assert await ends(state) == {"k1": [("zalo", False), ("sms", True)]}
    assert await state.pending() == []


async def test_message_that_is_refused_for_good_goes_at_once(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """One attempt; the channel goes on with the others."""
    await put(state, "bad", "good", channel="zalo")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda message: SendError("no Zalo at this number", fault=Fault.MESSAGE) if message.key == "bad" else None
    async with Running(state, fallbacks=NEVER, zalo=zalo, sms=sms) as outbox:
        await wait_until(lambda: outbox.states["sms"].delivered == 1 and outbox.states["zalo"].delivered == 1)
    assert zalo.tried == ["bad", "good"]
    assert (sms.taken, zalo.taken) == (["bad"], ["good"])


async def test_messages_do_not_wait_for_a_channel_that_is_known_to_fail(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """While it pauses, what comes goes to the fallback without an attempt of its own."""
    await put(state, "k1", channel="zalo")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda _message: SendError("down")
    async with Running(state, SLOW, {"zalo": Fallback(channel="sms", after=0)}, zalo=zalo, sms=sms) as outbox:
        await wait_until(lambda: sms.taken == ["k1"])
        await put(state, "k2", "k3", channel="zalo")
        outbox.wake()
        await wait_until(lambda: len(sms.taken) == 3)
    assert zalo.tried == ["k1"]


async def test_message_that_waits_by_itself_goes_when_its_time_is_over(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """A receiver that asks for a long wait can't keep an alarm from people."""
    await put(state, "k1", channel="zalo")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda _message: SendError("quota of the day", fault=Fault.LATER, retry_after_ms=10**7)
    running = Running(state, Retry(first=1, longest=4, give_up=10**9), {"zalo": Fallback(channel="sms", after=1_100)}, zalo=zalo, sms=sms)
    async with running as outbox:
        await wait_until(lambda: len(zalo.tried) == 1)
        running.clock.now += 1_000
        outbox.wake()
        await wait_until(lambda: sms.taken == ["k1"])
    assert zalo.tried == ["k1"]


async def test_channel_that_works_again_is_used_again(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """The first message after a pause finds out."""
    await put(state, "k1", channel="zalo")
    zalo, sms = Receiver(SendError("down"), SendError("down")), Receiver()
    async with Running(state, fallbacks={"zalo": Fallback(channel="sms", after=0)}, zalo=zalo, sms=sms) as outbox:
        await wait_until(lambda: outbox.states["sms"].delivered == 1)
        for number in range(2, 50):
            if outbox.states["zalo"].delivered:
                break
            await put(state, f"k{number}", channel="zalo")
            outbox.wake()
            await wait_until(lambda n=number: outbox.states["zalo"].delivered + outbox.states["sms"].delivered == n)
        assert outbox.states["zalo"].failing_since is None


async def test_message_goes_down_the_whole_chain(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """A fallback may have one itself; the last channel keeps trying."""
    await put(state, "k1", channel="zalo")
    down = Receiver()
    down.judge = lambda _message: SendError("down")
    chain = {"zalo": Fallback(channel="sms", after=0), "sms": Fallback(channel="mail", after=0)}
    mail = Receiver(SendError("busy"))
    async with Running(state, fallbacks=chain, zalo=down, sms=down, mail=mail) as outbox:
        await wait_until(lambda: outbox.states["mail"].delivered == 1)
    assert {one.channel for one in await state.attempts("k1")} == {"zalo", "sms", "mail"}


async def test_fallback_that_has_the_message_already_gets_no_second_one(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """A route may name both channels."""
    await put(state, "k1", channel="zalo")
    await put(state, "k1", channel="sms")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda _message: SendError("no", fault=Fault.MESSAGE)
    async with Running(state, fallbacks=NEVER, zalo=zalo, sms=sms) as outbox:
        await wait_until(lambda: outbox.states["zalo"].handed_over == 1 and outbox.states["sms"].delivered == 1)
    assert sms.tried == ["k1"]


async def test_hand_over_cut_off_by_the_end_is_neither_lost_nor_doubled(state: StateDb, wait_until: Callable[..., Any]) -> None:
    """Ending here and queueing there are one transaction; the fallback takes it up at the next start."""
    await put(state, "k1", channel="zalo")
    zalo, sms = Receiver(), Receiver()
    zalo.judge = lambda _message: SendError("no", fault=Fault.MESSAGE)
    async with Running(state, fallbacks=NEVER, zalo=zalo) as outbox:
        await wait_until(lambda: outbox.states["zalo"].handed_over == 1)
    assert [row.message.channel for row in await state.pending()] == ["sms"]
    async with Running(state, fallbacks=NEVER, zalo=zalo, sms=sms):
        await wait_until(lambda: sms.taken == ["k1"])
    assert zalo.tried == ["k1"]


FAULTS = st.sampled_from(list(Fault))
TIMES = st.integers(0, 10_000)


@given(fault=FAULTS, at=TIMES, later=TIMES, failing_since=st.none() | TIMES, after=st.integers(0, 5_000), attempts=st.integers(0, 5))
def test_message_never_waits_longer_than_its_deadline(
    *, fault: Fault, at: int, later: int, failing_since: int | None, after: int, attempts: int
) -> None:
    """A refusal for good goes at once; a tried message goes by its own age at the latest; nothing goes before both times are open."""
    now = at + later
    row = PendingMessage(message=OutboxMessage(key="k", channel="zalo", event="raised", at=at, body=b""), attempts=attempts, next_at=at)
    goes = is_for_fallback(row, SendError("x", fault=fault), now, failing_since=failing_since, after=after)
    if fault is Fault.MESSAGE or later >= after:
        assert goes
    elif failing_since is None or now - failing_since < after:
        assert not goes
    waiting = deadline(row, failing_since, after)
    assert waiting is None or waiting <= max(at, failing_since or 0) + after


def notify(**fallback: str) -> NotifyFile:
    channels = {name: {"kind": "file", "path": f"{name}.jsonl"} for name in ("a", "b", "c")}
    for name, other in fallback.items():
        channels[name]["fallback"] = other
    return NotifyFile.model_validate({"channels": channels})


def test_fallback_is_declared_at_the_channel() -> None:
    """After a minute unless the file says otherwise."""
    assert fallbacks(notify(a="b")) == {"a": Fallback(channel="b", after=60_000)}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"a": "x"}, "there is no channel `x`"),
        ({"a": "a"}, "lead back to `a`"),
        ({"a": "b", "b": "c", "c": "a"}, "lead back to `b`"),
    ],
)
def test_chain_that_ends_nowhere_is_a_mistake(wrong: dict[str, str], words: str) -> None:
    """Found when the file is read."""
    with pytest.raises(ValidationError, match=words):
        notify(**wrong)


def test_restart_does_not_make_an_old_message_wait_anew() -> None:
    """How long the channel has failed is forgotten with the process; how old the message is, is not."""
    row = PendingMessage(message=OutboxMessage(key="k", channel="zalo", event="raised", at=0, body=b""), attempts=0, next_at=0)
    assert deadline(row, None, 30) is None
    assert deadline(row, 20, 30) == 30
    assert deadline(row, 100, 30) == 100
