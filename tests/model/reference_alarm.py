"""What one rule says of one device, as short as it can be said: written from the contract, not from the engine.

A rule holds of a value above `ABOVE` until the value is below `CLEAR_BELOW`. It must hold for `for_s`, counting only time in which the
device could be heard, or for which two of its messages that follow each other vouch. What fires goes on until a message has said
otherwise for `keep_s`, or a person ends it. All times are seconds; `told` collects (step, since, at).
"""

from dataclasses import dataclass, field

ABOVE, CLEAR_BELOW = 80, 70
CADENCE_S = 60
WHOLE_GAP_S = CADENCE_S * 3 // 2
"""No message is missing between two that are no further apart."""
SILENCE_S = 3 * CADENCE_S
"""A value holds for so long."""


class RefusedError(Exception):
    """A person asks for what does not fit."""


@dataclass
class Alarm:
    """One alarm's life."""

    since: int
    active: bool = True
    acknowledged: bool = False
    shelved_until: int | None = None


@dataclass
class Reference:
    """One rule and one device."""

    for_s: int
    keep_s: int
    told: list[tuple[str, int, int]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    state: str = "quiet"
    """quiet, pending or firing; ended: a person ended it while it held."""
    since: int = 0
    heard: int = 0
    """Seconds of `since` in which the device could be heard."""
    unheard: int = 0
    """Seconds of `since` for which nobody vouches."""
    false_since: int | None = None
    value: int | None = None
    """What holds."""
    stored: int | None = None
    """What was told last, however long ago."""
    at: int | None = None
    """The last message."""
    online: bool | None = None
    """None: nobody knows yet."""
    counting: int | None = None
    """Up to when it has been heard without a break."""
    deaf: int = 0
    away: int = 0
    """Seconds since the last message in which we heard nothing, or the device was known to be away."""
    ticked: int = 0
    listened: bool = True
    """Whether we heard at the last tick."""
    restarted: bool = False
    """Whether the device has not spoken since our last start."""

    def tick(self, now: int, *, hearing: bool) -> None:
        """We have listened until now, or are deaf."""
        counts = hearing and self.online is True
        if self.state == "pending" and counts and self.counting is not None:
            self.heard += now - self.counting
        self.counting = now if counts else None
        self.deaf += 0 if hearing and self.listened else now - self.ticked
        self.away += now - self.ticked if self.online is False else 0
        self.ticked, self.listened = now, hearing
        if self.state == "pending" and counts and self.heard >= self.for_s:
            self._raise()
        for alarm in self.alarms:
            if alarm.shelved_until is not None and alarm.shelved_until <= now:
                alarm.shelved_until = None
                self._tell("unshelved", alarm, now)

    def message(self, now: int, value: int | None) -> None:
        """The device tells its value, or (None) something else."""
        gap = 0 if self.at is None else now - self.at
        if self.at is None or gap > SILENCE_S or self.online is False:
            self.value = None
        self.value = self.value if value is None else value
        self.stored = self.stored if value is None else value
        self.online, self.at = True, now
        if gap > WHOLE_GAP_S:
            self.unheard += gap if self.restarted else min(gap, max(gap - SILENCE_S, self.deaf, self.away))
        self.deaf, self.away, self.restarted = 0, 0, False
        if self.state == "pending" and now - self.since - self.unheard >= self.for_s:
            self._raise()
        self._judge(self._holds(), now)

    def _holds(self) -> bool | None:
        """True, false, or None: nobody can tell."""
        if self.value is None:
            return None
        return self.value > ABOVE or (self.value >= CLEAR_BELOW and self.state in {"pending", "firing"} and self.false_since is None)

    def _judge(self, holds: bool | None, now: int) -> None:  # noqa: FBT001  true, false, can't be told
        match self.state, holds:
            case "quiet", True:
                self.state, self.since, self.heard, self.unheard, self.counting = "pending", now, 0, 0, now
                if self.for_s == 0:
                    self._raise()
            case "pending" | "ended", False:
                self.state = "quiet"
            case "firing", True:
                self.false_since = None
            case "firing", False:
                self.false_since = now if self.false_since is None else self.false_since
                if now - self.false_since >= self.keep_s:
                    self._end(now, "quiet")

    def goes_offline(self) -> None:
        """It was silent for too long."""
        self.online, self.value = False, None

    def restart(self) -> None:
        """A new process: it takes the last word stored for what holds, and does not know whether the device is still there."""
        self.value = None if self.online is False else self.stored
        self.online, self.counting, self.listened, self.restarted = None if self.online else self.online, None, False, True

    def acknowledge(self, now: int) -> None:
        """Somebody has seen the last alarm."""
        alarm = self.alarms[-1]
        if not alarm.acknowledged:
            alarm.acknowledged = True
            self._tell("acknowledged", alarm, now)

    def shelve(self, now: int, until: int) -> None:
        """Somebody puts it off."""
        alarm = self.alarms[-1]
        if not alarm.active:
            raise RefusedError
        if alarm.shelved_until != until:
            alarm.shelved_until = until
            self._tell("shelved", alarm, now)

    def clear(self, now: int) -> None:
        """Somebody ends it, though it may hold: only a new beginning raises it again."""
        if self.alarms[-1].active:
            self._end(now, "ended")

    def _raise(self) -> None:
        self.state, self.false_since = "firing", None
        self.alarms.append(Alarm(self.since))
        self._tell("raised", self.alarms[-1], 0)

    def _end(self, now: int, state: str) -> None:
        self.state, self.false_since = state, None
        self.alarms[-1].active, self.alarms[-1].shelved_until = False, None
        self._tell("cleared", self.alarms[-1], now)

    def _tell(self, step: str, alarm: Alarm, at: int) -> None:
        self.told.append((step, alarm.since, at))
