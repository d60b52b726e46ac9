"""What is out of service, as state.db keeps it."""

from ioc.adapters.state import StateDb
from ioc.domain.service import ServiceOrder


def order(name: str, since: int, **changes: object) -> ServiceOrder:
    """A device in repair."""
    return ServiceOrder(**{"id": name, "device": "d1", "since": since, "reason": "thay loa", "by": "Lan", **changes})  # type: ignore[arg-type]


async def test_keeps_one_order_in_force_for_each_device_and_unit(state: StateDb) -> None:
    """A later one for the same ends the former; both stay on record."""
    unit = order("c", 3, device=None, unit="d1", until=50)
    for one in (order("a", 1), order("b", 2, by="Minh"), unit):
        await state.service.put(one)
    former = await state.service.get("a")
    assert former is not None
    assert (former.ended_at, former.ended_by) == (2, "Minh")
    assert [one.id for one in await state.service.list(in_force_at=10)] == ["b", "c"]
    assert [one.id for one in await state.service.list(in_force_at=50)] == ["b"]
    assert [one.id for one in await state.service.list(in_force_at=None)] == ["a", "b", "c"]
    assert [one.id for one in await state.service.list(in_force_at=None, after="a", limit=1)] == ["b"]
    assert [one.id for one in (await state.load()).orders] == ["b", "c"]


async def test_ends_an_order_once(state: StateDb) -> None:
    """Who was first is remembered."""
    await state.service.put(order("a", 1))
    assert await state.service.end("a", at=5, by="Lan")
    assert not await state.service.end("a", at=6, by="Minh")
    ended = await state.service.get("a")
    assert ended is not None
    assert (ended.ended_at, ended.ended_by) == (5, "Lan")
    assert (await state.load()).orders == ()


async def test_forgets_what_ended_long_ago(state: StateDb) -> None:
    """What is in force stays, however old."""
    await state.take_epoch()
    await state.service.put(order("a", 1))
    await state.service.put(order("b", 2, device="d2", until=40))
    await state.service.put(order("c", 3, device="d3"))
    await state.service.end("c", at=50, by="Lan")
    await state.forget(100)
    assert [one.id for one in await state.service.list(in_force_at=None)] == ["a"]
