"""Alarms that their own state keeps from people: no message, on the list of what is held, told when that is over."""

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity, Step
from ioc.domain.held import Hold
from notifying.stage import MIN, Stage

AT_ONCE = {"group_by": "device", "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"}
KEPT = {
    Step.OUT_OF_SERVICE: ({"out_of_service": "o1"}, Step.IN_SERVICE, Hold.OUT_OF_SERVICE, Reason.OUT_OF_SERVICE),
    Step.SUPPRESSED: ({"suppressed_by": "a1"}, Step.UNSUPPRESSED, Hold.SUPPRESSED, Reason.SUPPRESSED),
}


def raised_apart(stage: Stage, step: Step, name: str = "tt-1") -> None:
    """An alarm that was so from its first moment on."""
    stage.raise_(name, rule="hot", **KEPT[step][0])
    stage.act(step, name)


def change(stage: Stage, step: Step, name: str = "tt-1", **changes: object) -> None:
    """A later step of its life."""
    stage._change((name,), **changes)
    stage.act(step, name)


def untold(stage: Stage) -> list[tuple[Reason, str]]:
    """Why alarms caused no message, and by what."""
    return [(one.reason, one.by) for notice in stage.notices for one in notice.untold]


@pytest.mark.parametrize("step", KEPT)
@pytest.mark.parametrize("restarts", [False, True])
def test_tells_nobody_until_it_is_over(step: Step, restarts: bool) -> None:  # noqa: FBT001  a parameter
    """Not even of a critical one; then it is told once, as raised, and its end too."""
    changes, back, hold, reason = KEPT[step]
    stage = Stage(AT_ONCE)
    raised_apart(stage, step)
    if restarts:
        stage.restart()
    stage.wait(60 * MIN)
    assert (stage.story, untold(stage)) == ([], [(reason, next(iter(changes.values())))])
    assert [(one.hold, one.by) for one in stage.notifier.held()] == [(hold, next(iter(changes.values())))]
    change(stage, back, **dict.fromkeys(changes))
    assert [event for event, _ in stage.story] == ["raised"]
    assert stage.notifier.held() == []
    stage.clear("tt-1")
    assert [event for event, _ in stage.story] == ["raised", "cleared"]


@pytest.mark.parametrize("step", KEPT)
def test_forgets_what_is_over_meanwhile(step: Step) -> None:
    """Nobody was told of it, so nobody is told of its end; also where it came and went in one batch, and was critical."""
    stage = Stage(AT_ONCE)
    raised_apart(stage, step)
    stage.clear("tt-1")
    stage.raise_("tt-2", rule="hot", severity=Severity.CRITICAL, cleared_at=stage.now, **KEPT[step][0])
    stage.act(step, "tt-2")
    stage.act(Step.CLEARED, "tt-2")
    stage.wait(60 * MIN)
    assert stage.story == []
    assert stage.notifier.held() == []


@pytest.mark.parametrize("step", KEPT)
def test_tells_the_end_of_what_was_told(step: Step) -> None:
    """Reminders stop; a ticket closes all the same."""
    changes, _, hold, _ = KEPT[step]
    stage = Stage({**AT_ONCE, "repeat_interval": "10m"})
    stage.raise_("tt-1", rule="hot")
    change(stage, step, **changes)
    stage.wait(60 * MIN)
    assert [event for event, _ in stage.story] == ["raised"]
    assert [one.hold for one in stage.notifier.held()] == [hold]
    stage.clear("tt-1")
    assert [event for event, _ in stage.story] == ["raised", "cleared"]


@pytest.mark.parametrize("step", KEPT)
def test_says_why_of_what_was_still_to_be_told(step: Step) -> None:
    """It waited for its group, or for others that may have fallen with it, when it was taken from people."""
    changes, _, _, reason = KEPT[step]
    stage = Stage({**AT_ONCE, "group_wait": "1m"}, places={"tt-1": {"feeder": "471"}}, hold="1m")
    stage.raise_("tt-1")
    stage.raise_("tt-2", rule="hot")
    for name in ("tt-1", "tt-2"):
        change(stage, step, name, **changes)
    stage.wait(60 * MIN)
    assert stage.story == []
    assert [one for one, _ in untold(stage)] == [reason, reason]


@pytest.mark.parametrize("step", KEPT)
def test_holds_children_of_a_parent_that_is_kept_from_people(step: Step) -> None:
    """It has failed all the same."""
    places = {"site-1": {"cell": "c1"}, "loa-1": {"cell": "c1"}}
    stage = Stage(AT_ONCE, places=places, depends_on=({"family": "speaker", "parent": "network_site", "by": "cell"},))
    stage.raise_("site-1", rule="site_offline", family="network_site", **KEPT[step][0])
    stage.act(step, "site-1")
    stage.raise_("loa-1")
    assert stage.story == []
    assert {one.hold for one in stage.notifier.held()} == {KEPT[step][2], Hold.DEPENDENCY}
