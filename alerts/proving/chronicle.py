"""What a run of the rules came to: every alarm, every journal entry, every message, in order."""

from collections.abc import Sequence

from ioc.domain.alarm import Alarm, Decisions, OutboxMessage, Transition
from ioc.domain.registry import Device

MOST = 200_000
"""Journal entries, and messages, of one run."""


class TooMuchError(Exception):
    """A run raised more than anybody could read; the text says what to do."""


class Chronicle:
    """A journal in memory."""

    def __init__(self) -> None:
        self.transitions: list[Transition] = []
        self.messages: list[OutboxMessage] = []
        self.alarms: dict[str, Alarm] = {}
        """As they stand now, by id, in the order in which they were raised."""

    def take(self, transitions: Sequence[Transition], alarms: Sequence[Alarm], messages: Sequence[OutboxMessage]) -> None:
        """What one step decided. TooMuchError beyond `MOST`."""
        self.transitions += transitions
        self.messages += messages
        self.alarms.update({alarm.id: alarm for alarm in alarms})
        if max(len(self.transitions), len(self.messages)) > MOST:
            msg = f"more than {MOST} journal entries or messages; take a shorter time, or look at the rule that raises most"
            raise TooMuchError(msg)

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:  # noqa: ARG002  a desk's journal
        """As a desk commits."""
        self.take(decisions.transitions, decisions.alarms, decisions.outbox)
