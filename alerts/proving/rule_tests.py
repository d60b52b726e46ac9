"""The declared model of a file of rule tests: what devices tell, what happens, and what must stand and be said when."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.notify_file import Route
from alerts.proving.notation import Step, parse_series
from ioc.domain.alarm import Severity
from ioc.domain.alarm import Step as AlarmStep
from ioc.domain.duration import DurationMs, parse_duration
from ioc.domain.texts import Texts

LONGEST_MS = 7 * 86_400_000
"""A test goes through its time second by second."""
DEFAULT_START = "2026-01-05 08:00"
_PART = re.compile(r"\d+(?:\.\d+)?(?:ms|[smhd])")
ACTS = (
    AlarmStep.ACKNOWLEDGED,
    AlarmStep.ASSIGNED,
    AlarmStep.COMMENTED,
    AlarmStep.SHELVED,
    AlarmStep.UNSHELVED,
    AlarmStep.CLEARED,
    AlarmStep.RESET,
)


def _moment(text: object) -> datetime:
    """A local date and time."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        msg = f'{text!r} is not a local date and time; write it as "{DEFAULT_START}"'
        raise ValueError(msg)
    return moment


def _offset(text: object) -> int:
    """Milliseconds of `5m`, or of several parts as in `1h5m30s`."""
    parts = _PART.findall(str(text))
    if not parts or "".join(parts) != str(text):
        return parse_duration(text)
    return sum(map(parse_duration, parts))


def _by_person(text: object) -> object:
    if text not in [step.value for step in ACTS]:
        msg = f"{text!r} is nothing that a person does to an alarm; write one of {', '.join(step.value for step in ACTS)}"
        raise ValueError(msg)
    return text


Moment = Annotated[datetime, BeforeValidator(_moment)]
Offset = Annotated[int, BeforeValidator(_offset), Field(ge=0, le=LONGEST_MS)]
"""Time since the test's beginning."""
Series = Annotated[tuple[Step, ...], BeforeValidator(parse_series)]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class TestedDevice(_Declared):
    """A device as the registry would know it."""

    family: str
    unit: str | None = None
    name: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class Happening(_Declared):
    """A device's event."""

    at: Offset
    device: str
    event: str
    body: dict[str, Any] = Field(default_factory=dict)


class Spell(_Declared):
    """From (inclusive) to (exclusive)."""

    from_: Offset = Field(alias="from")
    to: Offset

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.to <= self.from_:
            msg = "it ends before it begins; write a `to` after its `from`"
            raise ValueError(msg)
        return self


class OwnSpell(Spell):
    """A time in which a condition of our own holds."""

    rule: str
    detail: str = ""


class SilenceSpell(Spell):
    """A silence; what it names must all fit."""

    rule: str | None = None
    severity: Severity | None = None
    family: str | None = None
    device: str | None = None
    unit: str | None = None


class PersonsAct(_Declared):
    """What a person does to the active alarm of a rule on a device."""

    at: Offset
    step: Annotated[AlarmStep, BeforeValidator(_by_person)]
    rule: str
    device: str | None = None
    by: str = "test"
    comment: str = ""
    to: str | None = None
    until: Offset | None = None


class ExpectedAlarm(_Declared):
    """An alarm that must be there; what is left out may be anything."""

    rule: str
    device: str | None = None
    state: Literal["active", "cleared"] = "active"
    severity: Severity | None = None
    acknowledged: bool | None = None
    contains: Texts = ()
    """Parts of its summary in the site's language."""


class ExpectedMessage(_Declared):
    """A message that must have been sent; what is left out may be anything."""

    channel: str | None = None
    person: str | None = None
    """Whose channel it went to."""
    event: Literal["raised", "cleared", "updated"] | None = None
    contains: Texts = ()
    """Parts of its text."""


class Expectation(_Declared):
    """What holds at a moment. `alarms`: exactly these are active; `messages`: exactly these were sent since the last such list."""

    at: Offset
    alarms: tuple[ExpectedAlarm, ...] | None = None
    messages: tuple[ExpectedMessage, ...] | None = None


class RuleTest(_Declared):
    """One story, from its beginning (time 0) to its last expectation."""

    name: str = Field(min_length=1)
    start: Moment = Field(default=datetime.fromisoformat(DEFAULT_START))
    interval: Annotated[DurationMs, Field(ge=1_000)] | None = None
    """Between two values of a series; None = the family's cadence."""
    devices: dict[str, TestedDevice] = Field(min_length=1)
    series: dict[str, dict[str, Series]] = Field(default_factory=dict)
    """Device → metric → values from time 0 on; a moment at which a device has no value at all has no message."""
    events: tuple[Happening, ...] = ()
    blind: tuple[Spell, ...] = ()
    """We hear nothing: no canary, no device."""
    own: tuple[OwnSpell, ...] = ()
    acts: tuple[PersonsAct, ...] = ()
    silences: tuple[SilenceSpell, ...] = ()
    expect: tuple[Expectation, ...] = Field(min_length=1)


class TestSite(_Declared):
    """Whose words and hours hold."""

    language: Literal["vi", "en"] = "vi"
    timezone: str = "Asia/Ho_Chi_Minh"


class RuleTestFile(_Declared):
    """A file of tests; paths are relative to it. Without `routes` and `notify` no messages are sent."""

    site: TestSite = TestSite()
    families: Texts = ()
    rules: Texts = ()
    shipped_rules: bool = True
    notify: str | None = None
    calendar: str | None = None
    """None = the site's, if there is one."""
    routes: tuple[Route, ...] = ()
    units: dict[str, str] = Field(default_factory=dict)
    """Unit → its name."""
    tests: tuple[RuleTest, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _routes_once(self) -> Self:
        if self.routes and self.notify is not None:
            msg = "`routes` and `notify` exclude each other; keep one of them"
            raise ValueError(msg)
        return self
