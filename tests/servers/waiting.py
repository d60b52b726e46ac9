"""Waiting on a condition with a deadline, in place of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

PATIENCE_S = 120.0
"""What a step gets: many times what it takes, so that a machine with other work to do fails nothing that is right.

A start of ours takes 3 s; beside a dozen other busy processes on two processors it was seen to take more than 60.
"""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.05


def wait_until_sync(predicate: Callable[[], Any], deadline: float = PATIENCE_S, what: str = "") -> Any:
    """The first truthy result of `predicate`; AssertionError with the last result after `deadline` seconds."""
    give_up_at = time.monotonic() + deadline
    for pause in _pauses():
        seen = predicate()
        if seen:
            return seen
        if time.monotonic() >= give_up_at:
            raise _late(predicate, what, deadline, seen)
        time.sleep(pause)
    return None


async def wait_until(predicate: Callable[[], Any | Awaitable[Any]], deadline: float = PATIENCE_S, what: str = "") -> Any:
    """The first truthy result of `predicate` (plain or async); AssertionError after `deadline` seconds. The loop goes on meanwhile."""
    give_up_at = time.monotonic() + deadline
    for pause in _pauses():
        seen = predicate()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        if time.monotonic() >= give_up_at:
            raise _late(predicate, what, deadline, seen)
        await asyncio.sleep(pause)
    return None


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _late(predicate: Callable[[], Any], what: str, deadline: float, seen: object) -> AssertionError:
    name = what or getattr(predicate, "__qualname__", "the condition")
    return AssertionError(f"not within {deadline:g} s: {name} (last seen: {seen!r})")
