"""What a silence holds back, and what is told when it ends."""

from typing import Any

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity, Step
from notifying.stage import MIN, S, Stage

PATIENT = {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
OURSELVES = {"device": None, "unit": None, "family": None, "rule": "ioc_blind", "severity": Severity.CRITICAL}
HOUR = 60 * MIN

Act = tuple[Any, ...]
"""(method of the stage, what it takes); a dict at the end holds its keywords."""


def play(stage: Stage, *acts: Act) -> None:
    """One after the other."""
    for name, *given in acts:
        keywords = given.pop() if given and isinstance(given[-1], dict) else {}
        getattr(stage, name)(*given, **keywords)


def untold(stage: Stage) -> list[tuple[Reason, str]]:
    """Reason and silence of every alarm that caused no message."""
    return [(one.reason, one.silence) for notice in stage.notices for one in notice.untold]


@pytest.mark.parametrize(
    ("acts", "story", "held"),
    [
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", 10 * MIN), ("clear", "a"), ("wait", 3 * HOUR)],
            [],
            ["s"],
            id="raised and cleared under it: nothing",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a", {"severity": Severity.CRITICAL}), ("wait", MIN), ("clear", "a"),
             ("wait", 3 * HOUR)],
            [],
            ["s"],
            id="a critical one likewise",
        ),
        pytest.param(
            [("silence", "s", {"rule": "ioc_blind"}), ("raise_", "we", OURSELVES), ("wait", MIN), ("clear", "we"), ("wait", 3 * HOUR)],
            [],
            ["s"],
            id="our own likewise",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", 2 * HOUR), ("clear", "a"), ("wait", HOUR)],
            [("raised", 3630), ("cleared", 7230)],
            ["s"],
            id="still active when it ends: raised then",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", 10 * MIN), ("lift", "s"), ("wait", 3 * HOUR)],
            [("raised", 630)],
            ["s"],
            id="still active when it is removed: raised then",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", MIN), ("silence", "s", {"device": "b"}), ("wait", 3 * HOUR)],
            [("raised", 90)],
            ["s"],
            id="replaced by one that doesn't take it: raised then",
        ),
        pytest.param(
            [("raise_", "a"), ("wait", MIN), ("silence", "s", {"unit": "u1", "end": 10 * HOUR}), ("wait", 9 * HOUR), ("clear", "a"),
             ("wait", HOUR)],
            [("raised", 30), ("cleared", 60 + 9 * 3600 + 30)],
            [],
            id="told before: no reminder, but its end",
        ),
        pytest.param(
            [("raise_", "a"), ("wait", MIN), ("silence", "s", {"unit": "u1", "end": 10 * HOUR}), ("wait", 9 * HOUR),
             ("clear", "a", {"step": Step.WITHDRAWN}), ("wait", HOUR)],
            [("raised", 30), ("cleared", 60 + 9 * 3600 + 30)],
            [],
            id="told before and withdrawn: its end too",
        ),
        pytest.param(
            [("raise_", "a"), ("wait", MIN), ("silence", "s", {"unit": "u1", "end": 6 * HOUR}), ("wait", 7 * HOUR)],
            [("raised", 30), ("updated", 60 + 6 * 3600)],
            [],
            id="told before and active after it: the reminder that was held back",
        ),
        pytest.param(
            [("raise_", "a"), ("wait", 10 * S), ("silence", "s", {"device": "a"}), ("wait", 2 * HOUR)],
            [("raised", 10 + 3600 + 30)],
            ["s"],
            id="begins before the first message: held back like one raised under it",
        ),
        pytest.param(
            [("raise_", "a", {"severity": Severity.CRITICAL}), ("wait", S), ("clear", "a"), ("wait", S), ("silence", "s", {"device": "a"}),
             ("wait", 3 * HOUR)],
            [],
            ["s"],
            id="came and went, and it begins before the message about that: nothing",
        ),
        pytest.param(
            [("silence", "s", {"device": "a", "start": 20 * S}), ("raise_", "a"), ("wait", 2 * HOUR)],
            [("raised", 3630)],
            ["s"],
            id="planned ahead: begins by itself",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a", "b"), ("wait", 2 * HOUR)],
            [("raised", 30), ("updated", 3630)],
            ["s"],
            id="the others of its group are told without it",
        ),
        pytest.param(
            [("silence", "t", {"device": "a", "end": 2 * HOUR}), ("silence", "s", {"unit": "u1"}), ("raise_", "a"), ("wait", 4 * HOUR)],
            [("raised", 7230)],
            ["s", "t"],
            id="under two: noted for each in turn, told after both",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "a"), ("shelve", "a"), ("wait", 2 * HOUR), ("unshelve", "a"), ("wait", HOUR)],
            [("raised", 7230)],
            ["s"],
            id="shelved too: told after both",
        ),
        pytest.param(
            [("silence", "s", {"device": "a"}), ("raise_", "b"), ("wait", MIN)],
            [("raised", 30)],
            [],
            id="others are told as ever",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("restarts", [False, True])
def test_silence_holds_back(acts: list[Act], story: list[tuple[str, int]], held: list[str], *, restarts: bool) -> None:
    """Event and seconds of every message, and the silences noted; with and without a restart after each act."""
    stage = Stage(PATIENT)
    for act in acts:
        play(stage, act)
        if restarts:
            stage.restart()
    assert stage.story == story
    assert untold(stage) == [(Reason.SILENCED, silence) for silence in held]


def test_message_names_only_what_no_silence_covers() -> None:
    """A reminder about one leaves the other out, and the group is cleared with the last one."""
    stage = Stage(PATIENT)
    play(stage, ("raise_", "a", "b"), ("wait", MIN), ("silence", "s", {"device": "a", "end": 24 * HOUR}), ("wait", 5 * HOUR))
    play(stage, ("clear", "b"), ("wait", MIN), ("clear", "a"), ("wait", 10 * MIN))
    assert [event for event, _ in stage.story] == ["raised", "updated", "updated", "cleared"]
    assert [sorted(map(str, stage.devices(n))) for n in range(4)] == [["a", "b"], ["b"], ["b"], ["a"]]
    assert not stage.groups


def test_alarm_of_two_routes_is_noted_once() -> None:
    """And told by both when the silence ends."""
    stage = Stage({**PATIENT, "continue": "true"}, PATIENT)
    play(stage, ("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", 2 * HOUR))
    assert untold(stage) == [(Reason.SILENCED, "s")]
    assert [event for event, _ in stage.story] == ["raised", "raised"]


def test_alarm_that_no_route_takes_is_no_matter_of_silences() -> None:
    """The gap in the routes stays visible."""
    stage = Stage({**PATIENT, "match": {"device": "other"}})
    play(stage, ("silence", "s", {"device": "a"}), ("raise_", "a"), ("wait", 2 * HOUR))
    assert untold(stage) == [(Reason.UNMATCHED, "")]


def test_silence_that_ended_while_we_were_away_tells_at_the_start() -> None:
    """What it held back joins as if just raised."""
    stage = Stage(PATIENT)
    play(stage, ("silence", "s", {"device": "a"}), ("raise_", "a"))
    stage.now += 2 * HOUR
    play(stage, ("restart",), ("wait", MIN))
    assert stage.story == [("raised", 7230)]
