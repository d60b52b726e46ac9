"""All sources together: who is alive by any of them, and whether we hear at all."""

from collections.abc import Iterable, Mapping

import msgspec

from alerts.inputs import OwnCondition, Tick
from ioc.domain.family import Family
from ioc.domain.hearing import Hearing
from ioc.domain.liveness import LivenessBook
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.registry import Device

BLIND = "ioc_blind"
STEP_MS = 5_000
"""Our clock may go on this much between two looks, which are a second apart; more, or less than nothing, is a step of it."""


class Ears:
    """What one source hears, and who is alive by it."""

    def __init__(self, started_at: int) -> None:
        self.hearing = Hearing(started_at)
        self.liveness = LivenessBook(self.hearing)


class Presence:
    """A device is online when any source hears it, offline when all say so. A source that is deaf at present knows nothing."""

    def __init__(self, ears: Mapping[str, Ears]) -> None:
        self._ears = ears
        self._only = next(iter(ears.values())) if len(ears) == 1 else None
        self._said: dict[str, Liveness] = {}
        self._looked_at: int | None = None
        self.deaf: frozenset[str] = frozenset()
        """Sources whose canary stays away."""
        self.deaf_since: int | None = None
        """When the first of them was last proven to be heard (Unix ms)."""

    def state(self, device: str) -> Liveness:
        """Whether a device is alive, as far as we can hear now."""
        if self._only is not None:
            return Liveness.UNKNOWN if self.deaf else self._only.liveness.state(device)
        return _together(Liveness.UNKNOWN if name in self.deaf else ears.liveness.state(device) for name, ears in self._ears.items())

    def cause(self, device: str) -> Cause:
        """Why we think so."""
        state = self.state(device)
        causes = (
            ears.liveness.cause(device)
            for name, ears in self._ears.items()
            if name not in self.deaf and ears.liveness.state(device) is state
        )
        return next(causes, Cause.BLIND)

    def last_arrival(self, device: str) -> int | None:
        """When any source heard it last (Unix ms)."""
        if self._only is not None:
            return self._only.liveness.last_arrival(device)
        heard = (ears.liveness.last_arrival(device) for ears in self._ears.values())
        return max((at for at in heard if at is not None), default=None)

    def watch(self, device: Device, family: Family, *, anew: bool) -> None:
        """Watches a device; a registered one that was never heard is offline since its import."""
        unheard = device.approved and anew and self.last_arrival(device.device) is None
        for ears in self._ears.values():
            ears.liveness.track(device.device, device.family, family.silence_ms, grace_ms=family.grace_ms)
            if unheard:
                ears.liveness.never_seen(device.device, device.registered_at)

    def forget(self, device: str) -> None:
        """Watches it no longer."""
        self._said.pop(device, None)
        for ears in self._ears.values():
            ears.liveness.forget(device)

    def news(self, changes: Iterable[LivenessChange]) -> list[LivenessChange]:
        """What one source's changes change for all of them together."""
        if self._only is not None:
            return list(changes)
        news = []
        for change in changes:
            state = _together(ears.liveness.state(change.device) for ears in self._ears.values())
            if self._said.get(change.device) is not state:
                self._said[change.device] = state
                news.append(msgspec.structs.replace(change, state=state))
        return news

    def lives(self, devices: Iterable[Device], now: int) -> list[LivenessChange]:
        """What was said of each device, deaf or not, as of now: for somebody who has not listened so far."""
        return [self._life(one, now) for one in devices if not any(ears.liveness.untold(one.device) for ears in self._ears.values())]

    def _life(self, device: Device, now: int) -> LivenessChange:
        books = [ears.liveness for ears in self._ears.values()]
        state = _together(book.state(device.device) for book in books)
        cause = next(book.cause(device.device) for book in books if book.state(device.device) is state)
        return LivenessChange(device.device, device.family, state, cause, now, self.last_arrival(device.device))

    def tick(self) -> list[Tick]:
        """We have heard up to the source that is furthest behind."""
        heard = [ears.hearing.heard_until for ears in self._ears.values()]
        hearing = all(ears.hearing.caught_up for ears in self._ears.values())
        times = [at for at in heard if at is not None]
        return [Tick(min(times), hearing)] if times else []

    def look(self, now: int) -> OwnCondition | None:
        """Whether we hear (None = not proven since our start), asked about once a second. A step of our clock makes nobody deaf."""
        passed = 0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if not 0 <= passed <= STEP_MS:
            for ears in self._ears.values():
                # A proof that came after the step is by the new clock already.
                if not 0 <= now - ears.hearing.last_proof <= STEP_MS:
                    ears.hearing.clock_stepped(passed)
        deaf = {name: ears.hearing.last_proof for name, ears in self._ears.items() if ears.hearing.blind(now)}
        self.deaf = frozenset(deaf)
        self.deaf_since = min(deaf.values(), default=None)
        if not deaf and any(ears.hearing.heard_until is None for ears in self._ears.values()):
            return None
        if not deaf:
            return OwnCondition(BLIND, now, None, "canary is back")
        return OwnCondition(BLIND, now, self.deaf_since, f"no canary from {', '.join(deaf)}")


def _together(states: Iterable[Liveness]) -> Liveness:
    known = set(states)
    for state in (Liveness.ONLINE, Liveness.UNKNOWN):
        if state in known:
            return state
    return Liveness.OFFLINE
