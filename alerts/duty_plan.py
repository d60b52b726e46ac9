"""The declared model of who is called: people, teams with rotation and overrides, units, hours, and the steps of an escalation."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, field_validator, model_validator

from alerts.channel_models import ChannelName, Declared
from alerts.window import Weekday
from ioc.domain.alarm import Severity
from ioc.domain.duration import DurationMs
from ioc.domain.silence import Weekly
from ioc.domain.texts import Texts, as_list

WAITING = frozenset({Severity.MINOR, Severity.INFO})
"""Alarms of these severities wait for working hours; all others are told at any time."""
_DAY_MS = 86_400_000
_DAY_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""Of a person or a team."""
FullName = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _day_time(text: object) -> int:
    """Minutes since midnight."""
    if isinstance(text, int):
        return text
    found = _DAY_TIME.fullmatch(str(text))
    if found is None:
        msg = f"`{text}` is no time of day; write it as 07:30"
        raise ValueError(msg)
    return int(found[1]) * 60 + int(found[2])


def _local_moment(text: object) -> object:
    if isinstance(text, datetime):
        return text
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        msg = f'`{text}` is no local date and time; write it as "2026-02-16 07:30"'
        raise ValueError(msg)
    return moment


def _date(text: object) -> object:
    try:
        return text if isinstance(text, date) else date.fromisoformat(str(text))
    except ValueError:
        msg = f'`{text}` is no date; write it as "2026-01-05"'
        raise ValueError(msg) from None


def _several(value: object) -> object:
    """One mapping for a list of one."""
    return [value] if isinstance(value, dict) else value


def _addresses(value: object) -> object:
    """A channel's name stands for one without an address of the person's own."""
    some = as_list(_several(value))
    return [{"channel": one} if isinstance(one, str) else one for one in some] if isinstance(some, list) else some


DayTime = Annotated[int, BeforeValidator(_day_time), Field(ge=0, lt=1440)]
LocalMoment = Annotated[datetime, BeforeValidator(_local_moment)]


class Hours(Declared):
    """Working hours that come back every week, in the site's zone; where `to` is not after `from` they end on the next day."""

    days: Annotated[tuple[Weekday, ...], BeforeValidator(as_list)] = Field(default=(1, 2, 3, 4, 5), min_length=1)
    """On which they begin."""
    from_: DayTime = Field(alias="from")
    to: DayTime

    @property
    def weekly(self) -> Weekly:
        """Them as weekly hours."""
        return Weekly(days=self.days, start=self.from_, end=self.to)


WorkingHours = Annotated[tuple[Hours, ...], BeforeValidator(_several)]
"""Empty = at any time."""


class Address(Declared):
    """A channel of a person's, and the address there: a phone number or mail address is personal, so it stands in no log."""

    channel: ChannelName
    to: SecretStr | None = None


class Person(Declared):
    """Somebody who can be called: on the first channel; what that does not take goes to the next one."""

    name: FullName | None = None
    language: Literal["vi", "en"] | None = None
    """None = the site's."""
    channels: Annotated[tuple[Address, ...], BeforeValidator(_addresses)] = Field(min_length=1)
    next_after: DurationMs = Field(default=60_000, ge=0, le=_DAY_MS)
    """For how long a channel may fail before the next one is tried."""
    hours: WorkingHours = ()


class Rotation(Declared):
    """Who of a team is on duty when: one after the other, for ever from `start` on; before that nobody is."""

    start: Annotated[date, BeforeValidator(_date)]
    """The date on which the first in `order` takes over, at the first hand-over of that day."""
    every: Literal["day", "week"] = "day"
    hand_over: Annotated[tuple[DayTime, ...], BeforeValidator(as_list)] = Field(min_length=1, max_length=24)
    """When the next one takes over, in the site's zone; several times a day are several shifts."""
    order: Texts = ()
    """Empty = as the team's members stand."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if list(self.hand_over) != sorted(set(self.hand_over)):
            msg = "`hand_over` does not ascend; write each time once, the earliest first"
            raise ValueError(msg)
        if self.every == "week" and len(self.hand_over) > 1:
            msg = "a weekly rotation has one `hand_over`; keep one time, or write `every: day`"
            raise ValueError(msg)
        return self


class Override(Declared):
    """In this time these people are on duty, whatever the rotation says; nobody = the team is not on duty."""

    from_: LocalMoment = Field(alias="from")
    to: LocalMoment
    people: Texts
    """Who instead."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.to <= self.from_:
            msg = "it ends before it begins; write a `to` after its `from`"
            raise ValueError(msg)
        return self


class Team(Declared):
    """People of whom, without a rotation, all are on duty at any time."""

    name: FullName | None = None
    members: Texts = Field(min_length=1)
    rotation: Rotation | None = None
    overrides: tuple[Override, ...] = ()
    hours: WorkingHours = ()

    @field_validator("overrides")
    @classmethod
    def _apart(cls, overrides: tuple[Override, ...]) -> tuple[Override, ...]:
        ordered = sorted(overrides, key=lambda one: one.from_)
        for one, following in pairwise(ordered):
            if following.from_ < one.to:
                msg = f"two overrides hold at {following.from_:%Y-%m-%d %H:%M}; let one end when the other begins"
                raise ValueError(msg)
        return overrides

    @property
    def order(self) -> tuple[str, ...]:
        """Who takes over from whom, if there is a rotation."""
        return (self.rotation.order if self.rotation else ()) or self.members


class Contacts(Declared):
    """Who answers for a unit, and for the units below it that name nobody themselves."""

    teams: Texts = ()
    people: Texts = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.teams and not self.people:
            msg = "nobody answers for this unit; name `teams` or `people`, or remove it"
            raise ValueError(msg)
        return self


class Targets(Declared):
    """Whom a message goes to."""

    channels: Texts = ()
    teams: Texts = ()
    """Whoever of them is on duty then."""
    people: Texts = ()
    on_duty_of_unit: bool = False
    """Whoever answers for the alarm's unit."""

    @field_validator("channels", "teams", "people")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.channels or self.teams or self.people or self.on_duty_of_unit):
            msg = "it reaches nobody; add `channels`, `teams`, `people` or `on_duty_of_unit: true`"
            raise ValueError(msg)
        return self


class EscalationStep(Targets):
    """Who is called besides when nobody has acknowledged for so long since the call before."""

    after: DurationMs = Field(ge=1_000, le=7 * _DAY_MS)
    repeat: int = Field(default=0, ge=0, le=20)
    """How often this step is taken again, each time `after` later; only the last step may be."""


class OnCall(Declared):
    """A person as deciding needs them: where the first message goes, without any address."""

    name: FullName | None = None
    language: Literal["vi", "en"] | None = None
    channel: str
    hours: WorkingHours = ()


class DutyPlan(Declared):
    """People, teams and units: all that deciding who is called needs."""

    people: Mapping[str, OnCall] = Field(default_factory=dict)
    teams: Mapping[str, Team] = Field(default_factory=dict)
    units: Mapping[str, Contacts] = Field(default_factory=dict)

    def name_of(self, kind: Literal["person", "team"], name: str) -> str:
        """As people know a person or team."""
        found = self.people.get(name) if kind == "person" else self.teams.get(name)
        return (found.name if found else None) or name
