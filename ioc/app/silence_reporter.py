"""Tells of silences that end, and of what they hid; what fell due while we were away is told late, once."""

from collections.abc import Callable

from alerts.silence_notes import SilenceNotes, reminder_key
from ioc.adapters.state.silences import Silences
from ioc.app.supervision import forever
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.silence import Silence, in_force

LOOK_EVERY_S = 2.0


class SilenceReporter:
    """Reads what is on record of silences and queues the messages about them; their keys keep each from being told twice."""

    def __init__(
        self,
        notes: SilenceNotes,
        kept: Silences,
        *,
        clock: Callable[[], int],
        queued: Callable[[], None],
        calendar: Calendar = NO_DAYS,
    ) -> None:
        """`queued` is called once messages stand in the outbox; `calendar` is the site's."""
        self._notes = notes
        self._kept = kept
        self._clock = clock
        self._queued = queued
        self._calendar = calendar
        self._reminded: set[str] = set()
        """Keys of reminders that stand in the outbox, as far as we know."""

    async def run(self) -> None:
        """Looks for ever whether a silence is about to end, or has ended."""
        await forever("silences", self.turn, lambda: LOOK_EVERY_S)

    async def turn(self) -> None:
        """Queues the reminders and digests that are due now."""
        now = self._clock()
        for silence, told_until in await self._kept.untold(now):
            if self._notes.reminds(silence, now):
                await self._remind(silence, told_until, now)
            if not in_force(silence, now, self._notes.wording.zone, self._calendar):
                await self._tell_hidden(silence, told_until, now)

    async def close(self, silence: Silence) -> None:
        """It is removed: what it hid since that was told last is told now."""
        now = self._clock()
        known = [told_until for one, told_until in await self._kept.untold(now) if one.id == silence.id]
        for told_until in known:
            await self._tell_hidden(silence, told_until, now)

    async def _remind(self, silence: Silence, told_until: int, now: int) -> None:
        key = reminder_key(silence)
        if key not in self._reminded:
            hidden = await self._kept.hidden(silence.id, after=told_until)
            await self._kept.remind(self._notes.reminder(silence, hidden, now))
            self._reminded.add(key)
            self._queued()

    async def _tell_hidden(self, silence: Silence, told_until: int, now: int) -> None:
        hidden = await self._kept.hidden(silence.id, after=told_until)
        if hidden or silence.until <= now:
            await self._kept.tell_hidden(silence.id, now, self._notes.digest(silence, hidden, now))
            self._queued()
