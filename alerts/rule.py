"""A rule as files write it: when it is an alarm, how grave, and what people are told."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.between import Hours
from alerts.rules import AnyCondition
from alerts.rules.absence import Absence
from alerts.rules.event import Event
from alerts.rules.group import Group
from alerts.suppressed_while import SuppressedWhile
from ioc.domain.alarm import Severity
from ioc.domain.duration import DurationMs
from ioc.domain.family import Label

RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
EVENT_LASTS_MS = 600_000
"""How long an event stays an alarm where the rule does not say: 10 minutes."""
MAX_LABELS = 16
UNSAID = Label.model_construct(vi="", en="")
"""The text that a rule leaves out."""


class Rule(BaseModel):
    """One declared rule; unknown keys are refused, and so is a rule that leaves people without an action."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RuleId
    family: str
    when: AnyCondition
    between: Hours | None = None
    for_: DurationMs = Field(default=0, ge=0, alias="for")
    keep_firing_for: DurationMs | None = Field(default=None, ge=0)
    latched: bool = False
    """Whether its alarms stay on the list after their condition ended, until somebody resets them."""
    suppressed_while: SuppressedWhile | None = None
    """What explains its alarms: they are journalled, and nobody is told."""
    severity: Severity
    labels: dict[str, str] = Field(default_factory=dict, max_length=MAX_LABELS)
    summary: Label
    cause: Label = UNSAID
    consequence: Label = UNSAID
    action: Label

    @property
    def is_absence(self) -> bool:
        """Whether liveness decides it, not samples."""
        return isinstance(self.when, Absence)

    @property
    def is_group(self) -> bool:
        """Whether it is about several devices at once."""
        return isinstance(self.when, Group)

    @property
    def events(self) -> frozenset[str]:
        """Names of the events that it waits for."""
        return frozenset(part.name for part in self.when.parts() if isinstance(part, Event))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it looks at, in the order of the file, each once."""
        return tuple(dict.fromkeys(name for part in self.when.parts() for name in part.metrics))

    @property
    def keeps_ms(self) -> int:
        """How long its condition must be false before the alarm clears."""
        if self.keep_firing_for is not None:
            return self.keep_firing_for
        return EVENT_LASTS_MS if self.events and not self.metrics else 0

    @property
    def texts(self) -> dict[str, Label]:
        """What people are told, by the name of the field; without what the rule leaves out."""
        texts = {"summary": self.summary, "cause": self.cause, "consequence": self.consequence, "action": self.action}
        return {name: label for name, label in texts.items() if label != UNSAID}


_SAID = {"summary", "cause", "consequence", "action", "labels", "suppressed_while"}


def decide_alike(one: Rule, other: Rule) -> bool:
    """Whether two rules raise and clear the same alarms; what people are told of them may differ."""
    return one.model_dump(exclude=_SAID) == other.model_dump(exclude=_SAID)


class RuleFile(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rules: tuple[Rule, ...]
