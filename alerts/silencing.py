"""Which silences are in force, and when that changes next. Pure; times are Unix ms."""

from datetime import tzinfo

from ioc.domain.alarm import Alarm
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.silence import Silence, in_force, matches, next_turn


class Silencing:
    """The silences that are known, as of the moment last looked at."""

    def __init__(self, zone: tzinfo, calendar: Calendar = NO_DAYS) -> None:
        """`zone`, `calendar`: the site's, in which hours that come back every week are meant."""
        self._zone = zone
        self._calendar = calendar
        self._known: dict[str, Silence] = {}
        self._in_force: tuple[Silence, ...] = ()
        self._fresh = True
        """Nobody has looked since the start, or since a silence was put or removed."""
        self.next_turn: int | None = None
        """When a silence begins or ends next, as of the last look; None = never."""

    def put(self, silence: Silence) -> None:
        """Adds the silence, or replaces the one with its id."""
        self._known[silence.id] = silence
        self._fresh = True

    def remove(self, silence: str) -> None:
        """Forgets it, if it is known."""
        self._known.pop(silence, None)
        self._fresh = True

    def look(self, now: int) -> bool:
        """Whether alarms must be looked at again, because what is in force may be another set than at the last look."""
        if not self._fresh and (self.next_turn is None or now < self.next_turn):
            return False
        self._known = {key: one for key, one in self._known.items() if now < one.until}
        self._in_force = tuple(one for _, one in sorted(self._known.items()) if in_force(one, now, self._zone, self._calendar))
        turns = (next_turn(one, now, self._zone) for one in self._known.values())
        self.next_turn = min((turn for turn in turns if turn is not None), default=None)
        self._fresh = False
        return True

    def covering(self, alarm: Alarm) -> str:
        """The id of the silence that holds the alarm back, the first by id where several do; empty = none does."""
        return next((one.id for one in self._in_force if matches(one, alarm)), "")
