"""Who is alive: arrivals, Wills and silence in listening time become LivenessChanges."""

import heapq

from ioc.domain.hearing import Hearing
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange

WILL_GRACE_MS = 10_000
"""A Will is a hint: offline this long after the last arrival."""


class _Life:
    __slots__ = (
        "cause",
        "device",
        "family",
        "grace_ms",
        "last_arrival",
        "queued",
        "silence_ms",
        "stamp",
        "state",
        "unseen_since",
        "will_due",
    )

    def __init__(self, device: str, family: str, *, silence_ms: int, grace_ms: int) -> None:
        self.device = device
        self.family = family
        self.silence_ms = silence_ms
        self.grace_ms = grace_ms
        self.state = Liveness.UNKNOWN
        self.cause = Cause.BLIND
        """Why it is in this state; at first because we have not listened yet."""
        self.last_arrival: int | None = None
        self.stamp = 0
        self.queued = False
        """Whether its silence is being waited for: once, however often it comes and goes."""
        self.will_due: int | None = None
        self.unseen_since: int | None = None


class LivenessBook:
    """The state of every tracked device; changes come out once each."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._lives: dict[str, _Life] = {}
        self._silent: list[tuple[int, str]] = []
        self._wills: list[tuple[int, str]] = []
        self._unseen: list[tuple[int, str, int]] = []

    def track(self, device: str, family: str, silence_ms: int, *, grace_ms: int = 0) -> None:
        """Starts to watch a device: unknown until it is heard or its silence has lasted.

        `silence_ms` counts while we listen; at least its last `grace_ms` must come after the last spell in which we could not hear.
        """
        if device not in self._lives:
            life = _Life(device, family, silence_ms=silence_ms, grace_ms=grace_ms)
            life.stamp = self._hearing.listening
            self._lives[device] = life
            self._await_silence(life)

    def forget(self, device: str) -> None:
        """Stops watching a device."""
        self._lives.pop(device, None)

    def restore(self, device: str, *, state: Liveness, last_arrival: int | None, cause: Cause = Cause.SILENCE) -> None:
        """What was known before a restart: offline, with its cause, stays offline, the rest is unknown until heard."""
        life = self._lives[device]
        life.last_arrival = last_arrival
        if state is Liveness.OFFLINE:
            life.state, life.cause = Liveness.OFFLINE, cause
        else:
            life.state = Liveness.UNKNOWN

    def never_seen(self, device: str, since: int) -> None:
        """A registered device that was never heard is offline from its import on.

        The change comes out once it could have been heard: after its silence in listening time.
        """
        life = self._lives[device]
        life.state, life.cause = Liveness.OFFLINE, Cause.SILENCE
        life.unseen_since = since
        heapq.heappush(self._unseen, (self._hearing.listening + life.silence_ms, device, since))

    def arrival(self, device: str, at: int) -> LivenessChange | None:
        """A device was heard."""
        life = self._lives.get(device)
        if life is None:
            return None
        life.last_arrival = at
        life.stamp = self._hearing.stamp(at)
        life.will_due = None
        if not life.queued:
            self._await_silence(life)
        if life.state is Liveness.ONLINE:
            return None
        return self._change(life, Liveness.ONLINE, Cause.ARRIVAL, at)

    def outlived_will(self, device: str) -> None:
        """The device published again after its Will: no arrival (it waited at the broker), but the Will says nothing any more."""
        life = self._lives.get(device)
        if life is not None:
            life.will_due = None

    def will(self, device: str, at: int) -> None:
        """The broker says the device's connection broke: offline soon, unless it is heard."""
        life = self._lives.get(device)
        if life is None or life.state is Liveness.OFFLINE:
            return
        since = at if life.last_arrival is None else min(at, life.last_arrival)
        life.will_due = max(since + WILL_GRACE_MS, at)
        heapq.heappush(self._wills, (life.will_due, device))

    def retained(self, device: str, *, online: bool, at: int) -> LivenessChange | None:
        """A retained status seen at start: false = offline, true = unknown."""
        life = self._lives.get(device)
        if life is None or life.state is Liveness.ONLINE:
            return None
        if not online:
            if life.state is Liveness.OFFLINE:
                return None
            return self._change(life, Liveness.OFFLINE, Cause.WILL, at)
        if life.state is Liveness.OFFLINE and life.last_arrival is None:
            life.stamp = self._hearing.listening
            if not life.queued:
                self._await_silence(life)
            return self._change(life, Liveness.UNKNOWN, Cause.ARRIVAL, at)
        return None

    def tick(self, now: int) -> list[LivenessChange]:
        """Devices whose silence in listening time, or whose Will, has run out."""
        return [*self._due_wills(now), *self._due_silence(now), *self._due_unseen()]

    def state(self, device: str) -> Liveness:
        """A device's state; unknown when it isn't tracked."""
        life = self._lives.get(device)
        return Liveness.UNKNOWN if life is None else life.state

    def cause(self, device: str) -> Cause:
        """Why a device is in its state."""
        life = self._lives.get(device)
        return Cause.BLIND if life is None else life.cause

    def untold(self, device: str) -> bool:
        """Whether it is offline as never seen, and nobody was told so yet."""
        life = self._lives.get(device)
        return life is not None and life.unseen_since is not None

    def last_arrival(self, device: str) -> int | None:
        """When a device was last heard (Unix ms)."""
        life = self._lives.get(device)
        return None if life is None else life.last_arrival

    def __len__(self) -> int:
        return len(self._lives)

    def _await_silence(self, life: _Life) -> None:
        life.queued = True
        heapq.heappush(self._silent, (self._silence_ends(life), life.device))

    def _silence_ends(self, life: _Life) -> int:
        """The listening time up to which it may be silent."""
        return max(life.stamp + life.silence_ms, self._hearing.resumed + life.grace_ms)

    def _due_wills(self, now: int) -> list[LivenessChange]:
        changes = []
        while self._wills and self._wills[0][0] <= now:
            _, device = heapq.heappop(self._wills)
            life = self._lives.get(device)
            if life is not None and life.will_due is not None and life.will_due <= now:
                changes.append(self._change(life, Liveness.OFFLINE, Cause.WILL, now))
        return changes

    def _due_silence(self, now: int) -> list[LivenessChange]:
        changes = []
        listening = self._hearing.listening
        while self._silent and self._silent[0][0] < listening:
            _, device = heapq.heappop(self._silent)
            life = self._lives.get(device)
            if life is None or not life.queued:
                continue
            life.queued = False
            if life.state is Liveness.OFFLINE:
                continue
            if self._silence_ends(life) < listening:
                changes.append(self._change(life, Liveness.OFFLINE, Cause.SILENCE, now))
            else:
                self._await_silence(life)
        return changes

    def _due_unseen(self) -> list[LivenessChange]:
        changes = []
        while self._unseen and self._unseen[0][0] < self._hearing.listening:
            _, device, since = heapq.heappop(self._unseen)
            life = self._lives.get(device)
            if life is None or life.unseen_since != since:
                continue
            spoken_by = self._hearing.resumed + life.grace_ms
            if spoken_by >= self._hearing.listening:
                heapq.heappush(self._unseen, (spoken_by, device, since))
            else:
                changes.append(self._change(life, Liveness.OFFLINE, Cause.SILENCE, since))
        return changes

    @staticmethod
    def _change(life: _Life, state: Liveness, cause: Cause, at: int) -> LivenessChange:
        life.state, life.cause = state, cause
        life.will_due = None
        life.unseen_since = None
        return LivenessChange(life.device, life.family, state, cause, at, life.last_arrival)
