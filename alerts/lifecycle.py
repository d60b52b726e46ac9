"""The life of an alarm as tables, in the words of ISA-18.2. The documentation's diagrams are drawn from them.

`TABLE` says where an alarm stands. Beside it, and independently, three things may keep it from people as long as it stands:
it is shelved, suppressed by design, or out of service (`SUPPRESSIONS`). An alarm that is over keeps what suppressed it when it ended.
"""

from enum import StrEnum

import msgspec

from ioc.domain.alarm import Alarm, Step, Suppression


class State(StrEnum):
    """Where an alarm stands: its condition holds, is over but latched, or is over; seen by somebody or not."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    LATCHED = "latched"
    """Its condition is over; it stays on the list until somebody resets it."""
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"
    """Cleared and acknowledged: nothing is left to do."""


STANDING = (State.ACTIVE, State.ACKNOWLEDGED, State.LATCHED, State.LATCHED_ACKNOWLEDGED)
"""In these states an alarm is on the list."""
SUPPRESSIONS: dict[Suppression, tuple[Step, Step]] = {
    Suppression.SHELVED: (Step.SHELVED, Step.UNSHELVED),
    Suppression.SUPPRESSED: (Step.SUPPRESSED, Step.UNSUPPRESSED),
    Suppression.OUT_OF_SERVICE: (Step.OUT_OF_SERVICE, Step.IN_SERVICE),
}
"""What may keep a standing alarm from people, and the steps with which that begins and ends."""
REMARKS = (Step.ASSIGNED, Step.COMMENTED)
_ENDINGS = (Step.CLEARED, Step.WITHDRAWN)
_ASIDE = tuple(step for steps in SUPPRESSIONS.values() for step in steps)

TABLE: dict[tuple[State | None, Step], State] = {
    (None, Step.RAISED): State.ACTIVE,
    (State.ACTIVE, Step.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.LATCHED, Step.ACKNOWLEDGED): State.LATCHED_ACKNOWLEDGED,
    (State.CLEARED, Step.ACKNOWLEDGED): State.CLOSED,
    (State.ACTIVE, Step.LATCHED): State.LATCHED,
    (State.ACKNOWLEDGED, Step.LATCHED): State.LATCHED_ACKNOWLEDGED,
    (State.LATCHED, Step.REALARMED): State.ACTIVE,
    (State.LATCHED_ACKNOWLEDGED, Step.REALARMED): State.ACTIVE,
    (State.LATCHED, Step.RESET): State.CLOSED,
    (State.LATCHED_ACKNOWLEDGED, Step.RESET): State.CLOSED,
    **{(State.ACTIVE, end): State.CLEARED for end in _ENDINGS},
    **{(State.ACKNOWLEDGED, end): State.CLOSED for end in _ENDINGS},
    (State.LATCHED, Step.WITHDRAWN): State.CLEARED,
    (State.LATCHED_ACKNOWLEDGED, Step.WITHDRAWN): State.CLOSED,
    **{(state, aside): state for state in STANDING for aside in _ASIDE},
    **{(state, remark): state for state in State for remark in REMARKS},
}
"""What may happen; a pair that is not listed does not."""

DONE_ALREADY: frozenset[tuple[State, Step]] = frozenset(
    {
        *((state, Step.ACKNOWLEDGED) for state in (State.ACKNOWLEDGED, State.LATCHED_ACKNOWLEDGED, State.CLOSED)),
        *((state, begun_again) for state in (State.CLEARED, State.CLOSED) for begun_again in (Step.UNSHELVED, Step.RESET, *_ENDINGS)),
    }
)
"""Steps that change nothing because it is so already: asking for them again is no mistake."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    step: Step
    """acknowledged, assigned, commented, shelved, unshelved, reset or cleared."""
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
    if alarm.normal_since is not None:
        return State.LATCHED_ACKNOWLEDGED if alarm.acknowledged else State.LATCHED
    return State.ACKNOWLEDGED if alarm.acknowledged else State.ACTIVE


def ended(alarm: Alarm, step: Step, at: int) -> Alarm | None:
    """The alarm after its condition ended (cleared), or lost its ground (withdrawn); None = it had ended before."""
    if (state_of(alarm), step) not in TABLE:
        return None
    return msgspec.structs.replace(alarm, cleared_at=at, shelved_until=None)


def latched(alarm: Alarm, at: int) -> Alarm | None:
    """A latching alarm after its condition ended: it stays on the list; None = it was so before, or is over."""
    return msgspec.structs.replace(alarm, normal_since=at) if (state_of(alarm), Step.LATCHED) in TABLE else None


def realarmed(alarm: Alarm) -> Alarm:
    """A latched alarm whose condition holds again: whoever has seen it has not seen this."""
    return msgspec.structs.replace(alarm, normal_since=None, acknowledged=False, acknowledged_by=None)


def returned(alarm: Alarm) -> Alarm | None:
    """A shelved alarm back on the list; None = it was not shelved."""
    return None if alarm.shelved_until is None else msgspec.structs.replace(alarm, shelved_until=None)


def suppressed(alarm: Alarm, by: str | None) -> tuple[Step, Alarm] | None:
    """The alarm suppressed by design (None = no longer) with the step that says so; None = it is so already."""
    if alarm.suppressed_by == by or not alarm.active:
        return None
    return Step.UNSUPPRESSED if by is None else Step.SUPPRESSED, msgspec.structs.replace(alarm, suppressed_by=by)


def served(alarm: Alarm, order: str | None) -> tuple[Step, Alarm] | None:
    """The alarm out of service by an order (None = in service again) with the step that says so; None = it is so already."""
    if alarm.out_of_service == order or not alarm.active:
        return None
    return Step.IN_SERVICE if order is None else Step.OUT_OF_SERVICE, msgspec.structs.replace(alarm, out_of_service=order)


def acted(alarm: Alarm, act: Act, now: int) -> Alarm | None:
    """The alarm after a person's act; None = it is so already. StepRefusedError when it can't be done."""
    state = state_of(alarm)
    if (state, act.step) in DONE_ALREADY:
        return None
    if (state, act.step) not in TABLE or act.step not in _CHANGES:
        msg = f"an alarm that is {state.value} can't be {act.step.value}"
        if act.step is Step.RESET and alarm.latching:
            msg = "its condition still holds: a latched alarm is reset once that is over"
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


def _reset(alarm: Alarm, act: Act, now: int) -> Alarm | None:
    """Whoever resets an alarm has seen it."""
    seen = alarm if alarm.acknowledged else _acknowledged(alarm, act, now)
    return ended(seen, Step.RESET, now)


_CHANGES = {
    Step.ACKNOWLEDGED: _acknowledged,
    Step.ASSIGNED: _assigned,
    Step.COMMENTED: _commented,
    Step.SHELVED: _shelved,
    Step.UNSHELVED: _unshelved,
    Step.CLEARED: _cleared,
    Step.RESET: _reset,
}
