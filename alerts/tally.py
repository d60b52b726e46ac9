"""Of how many members of each group something holds, kept up to date one device at a time."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Members of one group: all, those of which it holds, those of which it can't be told."""

    members: int = 0
    holding: int = 0
    untold: int = 0

    def truth(self, needed: float, fewest: int) -> bool | None:
        """Whether it holds of enough; what can't be told decides nothing, whichever way it were."""
        if self.members < fewest:
            return False
        if self.holding >= needed:
            return True
        return False if self.holding + self.untold < needed else None


@dataclass(slots=True)
class Tally:
    """`groups` by key; a group without members is forgotten."""

    groups: dict[str, Counts] = field(default_factory=dict)
    _told: dict[str, tuple[str, bool | None]] = field(default_factory=dict)

    def put(self, device: str, key: str | None, truth: bool | None) -> set[str]:  # noqa: FBT001  true, false, can't be told
        """What holds of a device, which is in this group now (None = in none); the groups that this changed."""
        before = self._told.get(device)
        after = None if key is None else (key, truth)
        if before == after:
            return set()
        if before is not None:
            self._count(*before, -1)
            del self._told[device]
        if after is not None:
            self._count(*after, 1)
            self._told[device] = after
        return {one[0] for one in (before, after) if one is not None}

    def _count(self, key: str, truth: bool | None, by: int) -> None:  # noqa: FBT001
        counts = self.groups.setdefault(key, Counts())
        counts.members += by
        counts.holding += by * (truth is True)
        counts.untold += by * (truth is None)
        if not counts.members:
            del self.groups[key]
