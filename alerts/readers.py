"""Who reads messages that are about no alarm: reminders, and what follows from them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Who can be told: `people` are all channels with the person that they belong to, `routed` those of the routes that people read."""

    people: Mapping[str, str | None]
    routed: Sequence[str]

    def of(self, by: str, chosen: Sequence[str]) -> Collection[str]:
        """The channels that hear of what somebody ordered: those chosen in the notify file, else that person's, else the routes'."""
        mine = [channel for channel, person in self.people.items() if by in {channel, person}]
        return chosen or mine or self.routed
