"""The life of an alarm, held against an independent reference that knows nothing of the table."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import DONE_ALREADY, TABLE, Act, State, StepRefusedError, acted, diagram, ended, returned, state_of
from ioc.domain.alarm import Alarm, Severity, Step

FRESH = Alarm(id="a", rule="r", severity=Severity.MAJOR, since=0)
PERSONS_STEPS = (Step.ACKNOWLEDGED, Step.ASSIGNED, Step.COMMENTED, Step.SHELVED, Step.UNSHELVED, Step.CLEARED)


class Reference:
    """An alarm as three facts."""

    def __init__(self) -> None:
        self.over = False
        self.seen = False
        self.shelved = False

    def may(self, step: Step) -> str:
        """`changes`, `already` or `never`."""
        if step in {Step.ASSIGNED, Step.COMMENTED}:
            return "changes"
        if step is Step.ACKNOWLEDGED:
            return "already" if self.seen else "changes"
        if step in {Step.CLEARED, Step.WITHDRAWN}:
            return "already" if self.over else "changes"
        if step is Step.UNSHELVED:
            return "changes" if self.shelved else "already"
        return "never" if self.over or step is Step.RAISED else "changes"

    def take(self, step: Step) -> None:
        """What a step that changes something does."""
        self.seen |= step is Step.ACKNOWLEDGED
        self.over |= step in {Step.CLEARED, Step.WITHDRAWN}
        if step is Step.SHELVED:
            self.shelved = True
        elif step in {Step.UNSHELVED, Step.CLEARED, Step.WITHDRAWN}:
            self.shelved = False

    def matches(self, alarm: Alarm) -> bool:
        """Whether an alarm says the same."""
        return (alarm.active, alarm.acknowledged, alarm.shelved_until is not None) == (not self.over, self.seen, self.shelved)


@given(steps=st.lists(st.sampled_from([*PERSONS_STEPS, Step.WITHDRAWN]), max_size=20))
def test_lives_as_the_reference_does(steps: list[Step]) -> None:
    """Any order of steps ends in the same state, and refuses the same ones."""
    alarm, reference = FRESH, Reference()
    for number, step in enumerate(steps, start=1):
        act = Act(step=step, by="Lan", to=f"p{number}", comment=f"c{number}", until=10_000 + number)
        may = reference.may(step)
        if may == "never":
            with pytest.raises(StepRefusedError):
                acted(alarm, act, number)
            continue
        after = ended(alarm, step, number) if step is Step.WITHDRAWN else acted(alarm, act, number)
        assert (after is not None) == (may == "changes")
        if after is not None:
            assert TABLE[state_of(alarm), step] is state_of(after)
            alarm = after
            reference.take(step)
        assert reference.matches(alarm)


def test_reaches_every_state_and_no_other() -> None:
    """From the first step on."""
    reached = {TABLE[None, Step.RAISED]}
    while True:
        further = reached | {target for (state, _), target in TABLE.items() if state in reached}
        if further == reached:
            break
        reached = further
    assert reached == set(State)


def test_says_of_every_pair_whether_it_may_be() -> None:
    """A step is allowed, done already, or refused: never two of them."""
    for state in State:
        for step in Step:
            assert not ((state, step) in TABLE and (state, step) in DONE_ALREADY)


def test_draws_the_table() -> None:
    """The documentation shows what the program does."""
    lines = list(diagram())
    assert lines[0] == "stateDiagram-v2"
    assert "    active --> acknowledged: acknowledged" in lines
    assert "    [*] --> active: raised" in lines
    assert len(lines) == 2 + sum(step not in {Step.ASSIGNED, Step.COMMENTED} for _, step in TABLE)


def test_returns_only_what_was_shelved() -> None:
    """A shelf's end is no news for others."""
    assert returned(FRESH) is None
    shelved = msgspec.structs.replace(FRESH, shelved_until=5)
    assert returned(shelved) == FRESH


def test_keeps_who_saw_it_first() -> None:
    """The second person changes nothing."""
    first = acted(FRESH, Act(step=Step.ACKNOWLEDGED, by="Lan"), 1)
    assert first is not None
    assert first.acknowledged_by == "Lan"
    assert acted(first, Act(step=Step.ACKNOWLEDGED, by="Minh"), 2) is None


def test_person_brings_back_what_was_shelved() -> None:
    """Before its time is over; once more changes nothing."""
    shelved = msgspec.structs.replace(FRESH, shelved_until=10)
    back = acted(shelved, Act(step=Step.UNSHELVED, by="an"), 1)
    assert back == FRESH
    assert acted(FRESH, Act(step=Step.UNSHELVED, by="an"), 1) is None


def test_limits_of_an_act_are_exact() -> None:
    """Shelved until now is not put off; the same end, or the same person, again changes nothing, another one does."""
    with pytest.raises(StepRefusedError, match="still to come"):
        acted(FRESH, Act(step=Step.SHELVED, by="an", until=5), 5)
    shelved = acted(FRESH, Act(step=Step.SHELVED, by="an", until=6), 5)
    assert shelved is not None
    assert shelved.shelved_until == 6
    assert acted(shelved, Act(step=Step.SHELVED, by="an", until=6), 5) is None
    assert acted(shelved, Act(step=Step.SHELVED, by="an", until=7), 5) == msgspec.structs.replace(FRESH, shelved_until=7)
    assigned = acted(FRESH, Act(step=Step.ASSIGNED, by="an", to="binh"), 5)
    assert assigned == msgspec.structs.replace(FRESH, assigned_to="binh")
    assert assigned is not None
    assert acted(assigned, Act(step=Step.ASSIGNED, by="an", to="binh"), 5) is None
    assert acted(assigned, Act(step=Step.ASSIGNED, by="an", to="lan"), 5) == msgspec.structs.replace(FRESH, assigned_to="lan")
