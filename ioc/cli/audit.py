"""`ioc ledger audit`: an hour of the ledger beside the points that the store holds of it, and what that means."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from collectors.accounting import HOUR_MS
from collectors.routing import EVENTS
from ioc.app.auditor import counted_field
from ioc.cli.action import act
from ioc.cli.place import Place
from ioc.cli.stores import open_store
from ioc.domain.audit import Expected, Verdict, difference, judge


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement in one hour of the points' own time."""

    measurement: str
    certain: int
    uncertain: int
    spooled: int
    counted: int
    """Points in the store."""
    verdict: Verdict
    difference: int
    """Points that are missing at least (negative), or too many at least; 0 where it agrees."""

    @property
    def sentence(self) -> str:
        """For people."""
        match self.verdict:
            case Verdict.MISSING:
                return f"{self.measurement}: {-self.difference} points that were stored are missing in the store."
            case Verdict.MORE:
                return (
                    f"{self.measurement}: {self.difference} points that no booking tells of: somebody else writes into the store, "
                    "or they are older than this ledger."
                )
            case Verdict.AGREES:
                return f"{self.measurement}: ledger and store agree."


def compare(where: Place, start: int) -> list[Compared]:
    """The hour that begins at `start` (Unix ms), by measurement; StoreUnavailableError when the store can't be asked."""
    booked = msgspec.convert(act(where, "ledger.expected", hour=start), list[Expected])
    expected = {one.measurement: one for one in booked}
    declared_names = [*where.config.families, EVENTS] if where.config else []
    names = sorted({*expected, *declared_names})
    counts = asyncio.run(_count(where, names, start))
    found = [_compared(expected.get(name) or Expected(name, start, 0, 0, 0, 0), counts[name]) for name in names]
    return [one for one in found if one.measurement in expected or one.counted]


def _compared(expected: Expected, counted: int) -> Compared:
    return Compared(
        measurement=expected.measurement,
        certain=expected.certain,
        uncertain=expected.uncertain,
        spooled=expected.spooled,
        counted=counted,
        verdict=judge(expected, counted),
        difference=difference(expected, counted),
    )


async def _count(where: Place, measurements: Sequence[str], start: int) -> Mapping[str, int]:
    store = await open_store(where)
    try:
        return {name: await store.count(name, start, start + HOUR_MS, counted_field(name)) for name in measurements}
    finally:
        await store.close()
