"""The life of an alarm, held against an independent reference that knows nothing of the table."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import (
    DONE_ALREADY,
    SUPPRESSIONS,
    TABLE,
    Act,
    State,
    StepRefusedError,
    acted,
    ended,
    latched,
    realarmed,
    returned,
    served,
    state_of,
    suppressed,
)
from alerts.lifecycle_document import diagram, document
from ioc.domain.alarm import ENDS, Alarm, Severity, Step, Suppression

FRESH = Alarm(id="a", rule="r", severity=Severity.MAJOR, since=0)
PERSONS_STEPS = (Step.ACKNOWLEDGED, Step.ASSIGNED, Step.COMMENTED, Step.SHELVED, Step.UNSHELVED, Step.CLEARED, Step.RESET)
PROCESS = (Step.WITHDRAWN, Step.LATCHED, Step.REALARMED, Step.SUPPRESSED, Step.UNSUPPRESSED, Step.OUT_OF_SERVICE, Step.IN_SERVICE)
FACTS = {
    Step.SHELVED: ("shelved", True),
    Step.UNSHELVED: ("shelved", False),
    Step.LATCHED: ("latched", True),
    Step.REALARMED: ("latched", False),
    Step.SUPPRESSED: ("suppressed", True),
    Step.UNSUPPRESSED: ("suppressed", False),
    Step.OUT_OF_SERVICE: ("out", True),
    Step.IN_SERVICE: ("out", False),
}


class Reference:
    """An alarm as a few facts."""

    def __init__(self) -> None:
        self.over = self.seen = self.latched = self.shelved = self.suppressed = self.out = False

    def may(self, step: Step) -> str:
        """`changes`, `already` or `never`."""
        if step in {Step.ASSIGNED, Step.COMMENTED}:
            return "changes"
        if step is Step.ACKNOWLEDGED:
            return "already" if self.seen else "changes"
        if self.over:
            return "never" if step is Step.SHELVED else "already"
        if step in {Step.RESET, Step.CLEARED}:
            return "changes" if self.latched is (step is Step.RESET) else "never"
        fact, value = FACTS.get(step, ("over", True))
        return "already" if getattr(self, fact) is value and step is not Step.SHELVED else "changes"

    def take(self, step: Step) -> None:
        """What a step that changes something does."""
        self.seen |= step in {Step.ACKNOWLEDGED, Step.RESET}
        self.over |= step in ENDS
        self.seen &= step is not Step.REALARMED
        if step in FACTS:
            setattr(self, *FACTS[step])
        if self.over:
            self.shelved = False

    def matches(self, alarm: Alarm) -> bool:
        """Whether an alarm says the same."""
        return (
            (alarm.active, alarm.acknowledged) == (not self.over, self.seen)
            and (self.over or (alarm.normal_since is not None) == self.latched)
            and (alarm.shelved_until is not None, alarm.suppressed_by is not None, alarm.out_of_service is not None)
            == (self.shelved, self.suppressed, self.out)
        )


def after(alarm: Alarm, step: Step, number: int) -> Alarm | None:
    """The alarm after a step that is no person's; None = it is so already."""
    match step:
        case Step.WITHDRAWN:
            return ended(alarm, step, number)
        case Step.LATCHED:
            return latched(alarm, number)
        case Step.REALARMED:
            return realarmed(alarm) if (state_of(alarm), step) in TABLE else None
        case Step.SUPPRESSED | Step.UNSUPPRESSED:
            found = suppressed(alarm, "mains" if step is Step.SUPPRESSED else None)
        case _:
            found = served(alarm, "order" if step is Step.OUT_OF_SERVICE else None)
    assert found is None or found[0] is step
    return None if found is None else found[1]


@given(steps=st.lists(st.sampled_from([*PERSONS_STEPS, *PROCESS]), max_size=20))
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
        then = acted(alarm, act, number) if step in PERSONS_STEPS else after(alarm, step, number)
        assert (then is not None) == (may == "changes")
        if then is not None:
            assert TABLE[state_of(alarm), step] is state_of(then)
            alarm = then
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
    """The drawing shows what the program does: each pair that leads elsewhere or is no remark, each suppression, each step."""
    lines = list(diagram())
    aside = {step for steps in SUPPRESSIONS.values() for step in steps}
    assert lines[0] == "stateDiagram-v2"
    assert "    active --> acknowledged: acknowledged" in lines
    assert "    latched --> active: realarmed" in lines
    assert len(lines) == 2 + sum(step not in {Step.ASSIGNED, Step.COMMENTED, *aside} for _, step in TABLE)
    whole = document()
    assert all(f"not_{one.value} --> {one.value}" in whole for one in Suppression)
    assert all(f"| {step.value} |" in whole for step in Step if step is not Step.RAISED)


def test_says_in_the_documentation_what_the_table_says() -> None:
    """docs/alarms.md holds the drawing as the code makes it: put `alerts.lifecycle_document.document()` between its marks."""
    text = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text("utf-8")
    drawn = text.partition("<!-- lifecycle -->\n")[2].partition("<!-- /lifecycle -->")[0]
    assert drawn == document()


def test_says_whether_a_reset_comes_too_early() -> None:
    """A latched alarm is reset once its condition is over; one that doesn't latch is none of it."""
    early = Act(step=Step.RESET, by="Lan")
    with pytest.raises(StepRefusedError, match="its condition still holds"):
        acted(msgspec.structs.replace(FRESH, latching=True), early, 1)
    with pytest.raises(StepRefusedError, match="active can't be reset"):
        acted(FRESH, early, 1)


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
