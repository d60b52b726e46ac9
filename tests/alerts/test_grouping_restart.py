"""A restart changes no message: whatever happened before, the committed rows carry it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alarm import Severity, Step
from notifying.stage import MIN, S, Stage

NAMES = ("a", "b", "c", "d")
ROUTES = (
    {"match": {"severity": "critical"}, "group_by": ["device"], "group_wait": "0s", "group_interval": "1m", "continue": "true"},
    {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "20m"},
)
ACTS = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from(NAMES), st.sampled_from([Severity.CRITICAL, Severity.MINOR])),
    st.tuples(st.sampled_from(["clear", "withdraw", "acknowledge", "assign", "shelve", "unshelve"]), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([S, 20 * S, 2 * MIN, 30 * MIN]), st.none()),
    st.tuples(st.sampled_from(["silence", "silence later", "lift"]), st.sampled_from(["a", "b", "all"]), st.none()),
)


def play(stage: Stage, act: str, subject: object, severity: Severity | None) -> None:
    """One act, as far as it is possible now."""
    if act == "wait":
        stage.wait(subject)  # type: ignore[arg-type]
        return
    name = str(subject)
    if act in {"silence", "silence later", "lift"}:
        hold(stage, act, name)
        return
    known = name in stage.names
    active = known and stage.alarms[stage.names[name]].active
    if act == "raise" and not active:
        stage.wait(1)
        stage.raise_(name, severity=severity or Severity.MINOR)
    elif act in {"clear", "withdraw"} and active:
        stage.clear(name, step=Step.CLEARED if act == "clear" else Step.WITHDRAWN)
    elif act == "acknowledge" and known:
        stage.acknowledge(name)
    elif act == "assign" and known:
        stage.assign(name)
    elif act == "shelve" and active:
        stage.shelve(name)
    elif act == "unshelve" and active and stage.alarms[stage.names[name]].shelved_until:
        stage.unshelve(name)


def hold(stage: Stage, act: str, name: str) -> None:
    """Puts, replaces or removes a silence of one device or of all."""
    if act == "lift":
        stage.lift(name)
        return
    wanted = {"rule": "speaker_offline"} if name == "all" else {"device": name}
    stage.silence(name, start=MIN if act == "silence later" else 0, end=10 * MIN, **wanted)


@settings(max_examples=500, deadline=None)
@given(acts=st.lists(st.tuples(ACTS, st.booleans()), max_size=30))
def test_restarts_leave_the_outbox_as_it_is(acts: list[tuple[tuple[str, object, Severity | None], bool]]) -> None:
    """Byte-equal keys, texts and times, with a restart after any act."""
    steady, shaken = Stage(*ROUTES), Stage(*ROUTES)
    for (act, subject, severity), restart in acts:
        play(steady, act, subject, severity)
        play(shaken, act, subject, severity)
        if restart:
            told = len(shaken.outbox)
            shaken.restart()
            assert len(shaken.outbox) == told
        assert shaken.notifier.next_due == steady.notifier.next_due
    for stage in (steady, shaken):
        stage.wait(60 * MIN)
    assert shaken.outbox == steady.outbox
    assert shaken.groups == steady.groups


@settings(max_examples=200, deadline=None)
@given(acts=st.lists(ACTS, max_size=30))
def test_every_told_alarm_is_told_to_be_over(acts: list[tuple[str, object, Severity | None]]) -> None:
    """Shelved and silenced in between or not: no alarm is left open that has cleared, and none is told cleared that is active."""
    stage = Stage(ROUTES[1])
    for act, subject, severity in acts:
        play(stage, act, subject, severity)
    stage.wait(10 * MIN)
    for name, alarm_id in stage.names.items():
        if stage.alarms[alarm_id].shelved_until and stage.alarms[alarm_id].active:
            stage.unshelve(name)
    stage.wait(60 * MIN)
    last: dict[str, str] = {}
    for message in stage.messages:
        for alarm in message.alarms:
            last[alarm.id] = alarm.state
    for alarm_id, alarm in stage.alarms.items():
        if alarm.active:
            assert last[alarm_id] == "active"
        else:
            assert last.get(alarm_id, "cleared") == "cleared"
    assert sum(alarm.active for alarm in stage.alarms.values()) == sum(state == "active" for state in last.values())


def test_group_of_a_vanished_route_joins_the_routes_of_today() -> None:
    """Rather twice than never: what is still active is raised again, the old group forgotten."""
    stage = Stage({"group_by": "rule", "group_wait": "0s"})
    stage.raise_("a")
    stage.routes = Stage({"group_by": "device", "group_wait": "0s"}).routes
    stage.restart()
    stage.wait(MIN)
    assert [event for event, _ in stage.story] == ["raised", "raised"]
    assert len(stage.groups) == 1


def test_changed_times_and_channels_keep_running_groups() -> None:
    """Only what a route matches and groups by makes its identity."""
    stage = Stage({"group_by": "rule", "group_wait": "0s"})
    stage.raise_("a")
    stage.routes = Stage({"match": {"device": "other"}}, {"group_by": "rule", "group_interval": "1m"}, channels=("mail",)).routes
    stage.restart()
    stage.clear("a")
    stage.wait(10 * MIN)
    assert [(row.event, row.channel) for row in stage.outbox] == [("raised", "ops"), ("cleared", "mail")]


@settings(max_examples=300, deadline=None)
@given(acts=st.lists(ACTS, max_size=30))
def test_no_message_names_an_active_alarm_that_is_silenced(acts: list[tuple[str, object, Severity | None]]) -> None:
    """Of what a silence covers, messages tell the end of what had been told, and nothing else."""
    stage = Stage(*ROUTES)
    for act, subject, severity in acts:
        play(stage, act, subject, severity)
    stage.wait(60 * MIN)
    told: set[str] = set()
    for message, held in zip(stage.messages, stage.held, strict=True):
        for alarm in message.alarms:
            if alarm.id in held:
                assert alarm.state == "cleared"
                assert alarm.id in told
            told.add(alarm.id)
