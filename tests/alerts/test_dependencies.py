"""Devices that are nothing without another: held back while that one is away, told when it is back and they are not."""

from typing import Any

import pytest

from alerts.grouping import Reason
from ioc.domain.held import Hold
from notifying.stage import MIN, S, Stage

ROUTE = {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
HOUR = 60 * MIN
PLACES = {"site": {"cell": "c1"}, "other": {"cell": "c2"}, **{f"d{n}": {"uplink": "site", "cell": "c1"} for n in range(8)}, "x": {}}
BY_ID = {"family": "speaker", "parent": "network_site", "by": "uplink"}
BY_LABEL = {"family": "speaker", "parent": "network_site", "by": "cell"}
SITE = {"rule": "site_offline", "family": "network_site"}
CHILDREN = tuple(f"d{n}" for n in range(8))

Act = tuple[Any, ...]


def stage(*depends_on: dict[str, Any]) -> Stage:
    """A site, and eight loudspeakers that are nothing without it."""
    return Stage(ROUTE, places=PLACES, depends_on=depends_on or (BY_ID,))


def play(on: Stage, *acts: Act) -> None:
    """One after the other; a dict at the end holds keywords."""
    for name, *given in acts:
        keywords = given.pop() if given and isinstance(given[-1], dict) else {}
        getattr(on, name)(*given, **keywords)


def story(on: Stage) -> list[tuple[str, list[str | None]]]:
    """Event and devices of every message."""
    return [(message.event, sorted(alarm.device or "" for alarm in message.alarms)) for message in on.messages]


FALLS = ("raise_", "site", SITE)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("acts", "told", "held"),
    [
        pytest.param(
            [FALLS, ("wait", S), ("raise_", *CHILDREN), ("wait", HOUR), ("clear", "site"), ("wait", MIN), ("clear", *CHILDREN),
             ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"])],
            8,
            id="they fall after it and come back with it: only the parent is told",
        ),
        pytest.param(
            [("raise_", *CHILDREN), ("wait", 20 * S), FALLS, ("wait", HOUR), ("clear", "site", *CHILDREN), ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"])],
            8,
            id="they fall before it, and nobody has been told",
        ),
        pytest.param(
            [("raise_", *CHILDREN), ("wait", 29 * S), ("wait", 500), FALLS, ("wait", HOUR), ("clear", "site", *CHILDREN), ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"])],
            8,
            id="they fall before it, just before that would be told",
        ),
        pytest.param(
            [FALLS, ("wait", S), ("raise_", "d0", "d1"), ("wait", HOUR), ("clear", "site"), ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"]), ("raised", ["d0", "d1"])],
            2,
            id="it comes back and they don't: told then",
        ),
        pytest.param(
            [FALLS, ("wait", S), ("raise_", *CHILDREN), ("wait", HOUR), ("clear", "site"), ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"]), ("raised", list(CHILDREN))],
            8,
            id="all of them don't: one incident then",
        ),
        pytest.param(
            [FALLS, ("wait", S), ("raise_", "d0"), ("wait", HOUR), ("clear", "site"), ("wait", 4 * MIN), FALLS, ("wait", HOUR)],
            [("raised", ["site"]), ("cleared", ["site"]), ("raised", ["site"])],
            1,
            id="it falls again before they had their time: they wait on",
        ),
        pytest.param(
            [("raise_", "d0"), ("wait", 5 * MIN), FALLS, ("wait", MIN), ("clear", "d0", "site"), ("wait", HOUR)],
            [("raised", ["d0"]), ("raised", ["site"]), ("cleared", ["d0"]), ("cleared", ["site"])],
            0,
            id="told before it fell: told to be over",
        ),
        pytest.param(
            [("raise_", "other", SITE), ("wait", S), ("raise_", "d0", "x"), ("wait", 10 * MIN)],
            [("raised", ["other"]), ("raised", ["d0", "x"])],
            0,
            id="another one's failure is no excuse",
        ),
        pytest.param(
            [FALLS, ("wait", S), ("raise_", "d0", {"rule": "tamper"}), ("wait", MIN)],
            [("raised", ["site"]), ("raised", ["d0"])],
            0,
            id="what is not an absence is told",
        ),
        pytest.param(
            [FALLS, ("wait", S), ("raise_", "d0"), ("wait", HOUR), ("shelve", "d0"), ("clear", "site"), ("wait", HOUR),
             ("unshelve", "d0"), ("wait", MIN)],
            [("raised", ["site"]), ("cleared", ["site"]), ("raised", ["d0"])],
            1,
            id="shelved while it is held back: told after both",
        ),
    ],
)  # fmt: skip
def test_children_of_a_failed_parent(acts: list[Act], told: list[tuple[str, list[str]]], held: int, *, restarts: bool) -> None:
    """What is told, and how many alarms were held back by the parent; with and without a restart after each act."""
    on = stage()
    for act in acts:
        play(on, act)
        if restarts:
            on.restart()
    assert sorted(story(on)) == sorted(told)
    noted = [one for notice in on.notices for one in notice.untold if one.reason is Reason.DEPENDENCY]
    assert len({one.alarm for one in noted}) == held
    assert {one.by for one in noted} <= {identity for identity, alarm in on.alarms.items() if alarm.device == "site"}


def test_parent_is_named_by_a_label_that_both_have() -> None:
    """The cell of the loudspeaker is the cell of the site."""
    on = stage(BY_LABEL)
    play(on, FALLS, ("wait", S), ("raise_", *CHILDREN), ("wait", HOUR))
    assert story(on) == [("raised", ["site"])]


def test_other_alarms_may_say_that_a_parent_has_failed() -> None:
    """`rules`: with its mains lost a site takes its loudspeakers along."""
    on = stage({**BY_ID, "rules": "site_mains_lost"})
    play(on, ("raise_", "site", {**SITE, "rule": "site_mains_lost"}), ("wait", S), ("raise_", "d0"), ("wait", HOUR))
    assert story(on) == [("raised", ["site"])]


def test_members_of_an_incident_leave_it_for_their_parent() -> None:
    """Eight of nine that fell are the site's: then what is left is one alone."""
    on = Stage(ROUTE, places={**PLACES, "x": {"cell": "c1"}}, depends_on=(BY_ID,))
    play(on, ("raise_", *CHILDREN, "x"), ("wait", 29 * S), ("wait", 900), FALLS, ("wait", HOUR))
    assert sorted(story(on)) == [("raised", ["site"]), ("raised", ["x"])]


def test_chain_of_dependencies_ends_with_the_first_that_failed() -> None:
    """A site that hangs on another: its own loudspeakers are held back too."""
    places = {"head": {}, "site": {"uplink": "head"}, "d0": {"uplink": "site"}}
    chain = ({"family": "network_site", "parent": "network_site", "by": "uplink"}, BY_ID)
    on = Stage(ROUTE, places=places, depends_on=chain)
    play(on, ("raise_", "head", SITE), ("wait", S), FALLS, ("wait", S), ("raise_", "d0"), ("wait", HOUR))
    assert story(on) == [("raised", ["head"])]


def test_what_is_held_back_is_listed_with_what_holds_it() -> None:
    """While it waits, and while its parent is away; then no more."""
    on = stage()
    play(on, ("raise_", "x"), ("silence", "s", {"device": "d7"}), ("raise_", "d7"))
    assert [(one.alarm.device, one.hold, one.by) for one in on.notifier.held()] == sorted(
        [("x", Hold.WAITING, None), ("d7", Hold.SILENCE, "s")], key=lambda one: on.names[one[0]]
    )
    play(on, ("wait", HOUR), FALLS, ("wait", MIN), ("raise_", "d0"))
    assert [(one.alarm.device, one.hold, one.by) for one in on.notifier.held() if one.alarm.device != "d7"] == [
        ("d0", Hold.DEPENDENCY, on.names["site"])
    ]
    play(on, ("clear", "site"), ("wait", HOUR))
    assert [one.alarm.device for one in on.notifier.held()] == []


@pytest.mark.parametrize("order", [("site", "other"), ("other", "site")])
def test_devices_that_depend_on_each_other_are_not_both_held_back(order: tuple[str, str]) -> None:
    """The sites of a unit, each declared to depend on the others: the first one is told."""
    on = Stage(
        ROUTE, places={"site": {"unit": "u1"}, "other": {"unit": "u1"}}, depends_on=({**BY_ID, "family": "network_site", "by": "unit"},)
    )
    for name in order:
        play(on, ("raise_", name, SITE), ("wait", S))
    play(on, ("wait", HOUR))
    assert story(on) == [("raised", [order[0]])]
    play(on, ("clear", order[0]), ("wait", HOUR))
    assert story(on)[1:] == [("cleared", [order[0]]), ("raised", [order[1]])]


def test_children_are_told_when_the_file_no_longer_declares_them() -> None:
    """Nothing is held back for ever by a line that is gone."""
    on = stage()
    play(on, FALLS, ("wait", S), ("raise_", "d0"), ("wait", HOUR))
    on.dependencies = ()
    play(on, ("restart",), ("wait", HOUR))
    assert story(on) == [("raised", ["site"]), ("raised", ["d0"])]
