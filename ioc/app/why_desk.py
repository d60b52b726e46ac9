"""Answers why somebody was, or was not, told: what the state database has on record, in sentences."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Literal

from alerts.channel_models import Declared
from alerts.why import Explainer, Line
from ioc.adapters.state.store import StateDb

ALARMS_MOST = 50
"""Alarms that one question about a person looks at: the newest that stood then."""
MESSAGES_MOST = 200


class WhyDesk:
    """`channels` as the notify file declares them."""

    def __init__(self, state: StateDb, channels: Mapping[str, Declared], *, language: Literal["vi", "en"], zone: tzinfo) -> None:
        self._state = state
        self._explainer = Explainer(
            language=language, zone=zone, people={name: getattr(channel, "person", None) for name, channel in channels.items()}
        )

    async def alarm(self, alarm: str, may_see: Callable[[str | None], bool] = lambda _: True) -> list[Line] | None:
        """One alarm's trace; None = there is none with this id, or it is about a unit that the asker may not see."""
        trace = await self._state.trace(alarm)
        return None if trace is None or not may_see(trace.alarm.unit) else self._explainer.alarm(trace)

    async def person(self, person: str, at: int, around: int, may_see: Callable[[str | None], bool] = lambda _: True) -> list[Line]:
        """Why a person, or a channel, was called or not from `around` ms before a moment until as long after it."""
        start, end = at - around, at + around
        channels = self._explainer.channels_of(person)
        sent = await self._state.sent_between(channels, start, end, MESSAGES_MOST) if channels else []
        alarms = [alarm for alarm in await self._state.stood_between(start, end, ALARMS_MOST) if may_see(alarm.unit)]
        stood = [await self._state.trace(alarm.id) for alarm in alarms]
        return self._explainer.person(person, sent, [trace for trace in stood if trace is not None], start=start, end=end)
