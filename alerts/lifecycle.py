"""The life of an alarm as a table: state × step → state. The documentation's diagram is drawn from it."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from ioc.domain.alarm import Alarm, Step


class State(StrEnum):
    """Where an alarm stands: active or cleared, seen by somebody or not, taken off the list for a while or not."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    SHELVED_ACKNOWLEDGED = "shelved_acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"
    """Cleared and acknowledged: nothing is left to do."""


_ENDINGS = (Step.CLEARED, Step.WITHDRAWN)
_REMARKS = (Step.ASSIGNED, Step.COMMENTED)

TABLE: dict[tuple[State | None, Step], State] = {
    (None, Step.RAISED): State.ACTIVE,
    (State.ACTIVE, Step.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.SHELVED, Step.ACKNOWLEDGED): State.SHELVED_ACKNOWLEDGED,
    (State.CLEARED, Step.ACKNOWLEDGED): State.CLOSED,
    (State.ACTIVE, Step.SHELVED): State.SHELVED,
    (State.ACKNOWLEDGED, Step.SHELVED): State.SHELVED_ACKNOWLEDGED,
    (State.SHELVED, Step.SHELVED): State.SHELVED,
    (State.SHELVED_ACKNOWLEDGED, Step.SHELVED): State.SHELVED_ACKNOWLEDGED,
    (State.SHELVED, Step.UNSHELVED): State.ACTIVE,
    (State.SHELVED_ACKNOWLEDGED, Step.UNSHELVED): State.ACKNOWLEDGED,
    **{(state, end): State.CLEARED for state in (State.ACTIVE, State.SHELVED) for end in _ENDINGS},
    **{(state, end): State.CLOSED for state in (State.ACKNOWLEDGED, State.SHELVED_ACKNOWLEDGED) for end in _ENDINGS},
    **{(state, remark): state for state in State for remark in _REMARKS},
}
"""What may happen; a pair that is not listed does not."""

DONE_ALREADY: frozenset[tuple[State, Step]] = frozenset(
    {
        *((state, Step.ACKNOWLEDGED) for state in (State.ACKNOWLEDGED, State.SHELVED_ACKNOWLEDGED, State.CLOSED)),
        *((state, Step.UNSHELVED) for state in (State.ACTIVE, State.ACKNOWLEDGED, State.CLEARED, State.CLOSED)),
        *((state, end) for state in (State.CLEARED, State.CLOSED) for end in _ENDINGS),
    }
)
"""Steps that change nothing because it is so already: asking for them again is no mistake."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    step: Step
    """acknowledged, assigned, commented, shelved, unshelved or cleared."""
    by: str
    """The person's name."""
    comment: str = ""
    to: str | None = None
    """Who takes over (assigned)."""
    until: int | None = None
    """When it returns to the list (shelved), Unix ms."""


class StepRefusedError(Exception):
    """The act does not fit the alarm's state; the text says why."""


def state_of(alarm: Alarm) -> State:
    """Where an alarm stands."""
    if not alarm.active:
        return State.CLOSED if alarm.acknowledged else State.CLEARED
    if alarm.shelved_until is not None:
        return State.SHELVED_ACKNOWLEDGED if alarm.acknowledged else State.SHELVED
    return State.ACKNOWLEDGED if alarm.acknowledged else State.ACTIVE


def ended(alarm: Alarm, step: Step, at: int) -> Alarm | None:
    """The alarm after its condition ended (cleared) or lost its ground (withdrawn); None = it had ended before."""
    if (state_of(alarm), step) not in TABLE:
        return None
    return msgspec.structs.replace(alarm, cleared_at=at, shelved_until=None)


def returned(alarm: Alarm) -> Alarm | None:
    """A shelved alarm back on the list; None = it was not shelved."""
    if (state_of(alarm), Step.UNSHELVED) not in TABLE:
        return None
    return msgspec.structs.replace(alarm, shelved_until=None)


def acted(alarm: Alarm, act: Act, now: int) -> Alarm | None:
    """The alarm after a person's act; None = it is so already. StepRefusedError when it can't be done."""
    state = state_of(alarm)
    if (state, act.step) in DONE_ALREADY:
        return None
    if (state, act.step) not in TABLE or act.step not in _CHANGES:
        msg = f"an alarm that is {state.value} can't be {act.step.value}"
        raise StepRefusedError(msg)
    return _CHANGES[act.step](alarm, act, now)


def _acknowledged(alarm: Alarm, act: Act, _now: int) -> Alarm:
    return msgspec.structs.replace(alarm, acknowledged=True, acknowledged_by=act.by)


def _assigned(alarm: Alarm, act: Act, _now: int) -> Alarm | None:
    if not act.to:
        msg = "nobody is named to take over the alarm"
        raise StepRefusedError(msg)
    return None if alarm.assigned_to == act.to else msgspec.structs.replace(alarm, assigned_to=act.to)


def _commented(alarm: Alarm, act: Act, _now: int) -> Alarm:
    if not act.comment:
        msg = "the comment is empty"
        raise StepRefusedError(msg)
    return alarm


def _shelved(alarm: Alarm, act: Act, now: int) -> Alarm | None:
    if act.until is None or act.until <= now:
        msg = "an alarm is shelved until a time that is still to come"
        raise StepRefusedError(msg)
    return None if alarm.shelved_until == act.until else msgspec.structs.replace(alarm, shelved_until=act.until)


def _unshelved(alarm: Alarm, _act: Act, _now: int) -> Alarm | None:
    return returned(alarm)


def _cleared(alarm: Alarm, act: Act, now: int) -> Alarm | None:
    return ended(alarm, act.step, now)


_CHANGES = {
    Step.ACKNOWLEDGED: _acknowledged,
    Step.ASSIGNED: _assigned,
    Step.COMMENTED: _commented,
    Step.SHELVED: _shelved,
    Step.UNSHELVED: _unshelved,
    Step.CLEARED: _cleared,
}


def diagram() -> Iterator[str]:
    """The table as lines of a Mermaid state diagram, remarks left out."""
    yield "stateDiagram-v2"
    for (state, step), target in TABLE.items():
        if step not in _REMARKS:
            yield f"    {state.value if state else '[*]'} --> {target.value}: {step.value}"
    yield f"    {State.CLOSED.value} --> [*]"
