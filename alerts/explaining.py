"""What devices that fell together have in common: which attribute value explains it, and how well. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

NORMAL = 0.001
"""The share of devices that fall within a window when nothing is wrong: a device a day and window of a minute, rounded up."""

EVERYWHERE = "family"
"""The attribute that says no more than that devices of a kind fall everywhere; that explains anything only from `HALF` of them on."""
HALF = 0.5

Shared = tuple[str, str]
"""An attribute and its value, such as `("carrier", "viettel")`."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One value that the fallen share."""

    attribute: str
    value: str
    fallen: int
    """Devices with that value that fell."""
    exposed: int
    """Devices with that value that could fall: those that did, and those that stand."""
    of: int
    """All that fell, with that value or another."""
    gain: float
    """How much less surprising the fall is if the value is its cause (log-likelihood against `NORMAL`)."""
    also: tuple[Shared, ...] = ()
    """Values that the same devices share: they explain it just as well."""


def explain(
    fallen: Mapping[str, Mapping[str, str]], standing: Mapping[Shared, int], *, order: Sequence[str], members: int, share: float
) -> Explanation | None:
    """The value that explains most of `fallen` (device → attribute → value), or None.

    A value has to be shared by at least `members` of the fallen, and they must be at least `share` (0–1) of all devices with that
    value; `standing` counts those that did not fall. Of values that explain as much, the one whose attribute comes first in `order`
    holds, then the first by name.
    """
    shared = _counts(fallen, order)
    found = [
        (-_gain(shared[value], shared[value] + standing.get(value, 0)), order.index(value[0]), value)
        for value in candidates(fallen, standing, order=order, members=members, share=share)
    ]
    if not found:
        return None
    gain, _, best = min(found)
    devices = _sharing(fallen, best)
    rivals = sorted((rank, value) for other, rank, value in found if other == gain and value != best)
    return Explanation(
        attribute=best[0],
        value=best[1],
        fallen=shared[best],
        exposed=shared[best] + standing.get(best, 0),
        of=len(fallen),
        gain=-gain,
        also=tuple(value for _, value in rivals if _sharing(fallen, value) == devices),
    )


def candidates(
    fallen: Mapping[str, Mapping[str, str]], standing: Mapping[Shared, int], *, order: Sequence[str], members: int, share: float
) -> set[Shared]:
    """Every value that enough of the fallen share, and enough of those that share it fell."""
    return {
        value
        for value, count in _counts(fallen, order).items()
        if count >= members and count >= _least(value, share) * (count + standing.get(value, 0))
    }


def _counts(fallen: Mapping[str, Mapping[str, str]], order: Sequence[str]) -> Counter[Shared]:
    return Counter((attribute, of[attribute]) for of in fallen.values() for attribute in order if of.get(attribute))


def _least(value: Shared, share: float) -> float:
    return max(share, HALF) if value[0] == EVERYWHERE else share


def _gain(fallen: int, exposed: int) -> float:
    """Log-likelihood of so many falls at their own rate, less that at the normal rate; grows with their number and their share."""
    rate = fallen / exposed
    stood = exposed - fallen
    return fallen * math.log(rate / NORMAL) + (stood * math.log((1 - rate) / (1 - NORMAL)) if stood else 0.0)


def _sharing(fallen: Mapping[str, Mapping[str, str]], value: Shared) -> frozenset[str]:
    return frozenset(device for device, of in fallen.items() if of.get(value[0]) == value[1])
