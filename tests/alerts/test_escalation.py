"""Who is called about an alarm, and who is called besides when nobody acknowledges."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alarm import Severity
from ioc.domain.held import Hold
from notifying.stage import MIN, START, S, Stage

DUTY: dict[str, Any] = {
    "people": {
        "an": {"name": "Nguyễn Văn An", "channels": "ops"},
        "binh": {"name": "Trần Bình", "channels": "ops", "language": "en"},
        "chi": {"channels": "ops"},
        "dung": {"channels": "ops"},
    },
    "teams": {
        "truc-ca": {"members": ["an", "binh"], "rotation": {"start": "2026-03-05", "hand_over": ["07:00", "23:20"]}},
        "vt": {"members": ["chi"]},
    },
    "units": {"u1": {"teams": "vt"}},
}
"""The stage begins at 23:14: six minutes later Bình takes over from An."""
STEPS = [{"after": "5m", "people": ["dung"]}, {"after": "10m", "channels": ["ops"], "repeat": "2"}]


def stage(**route: Any) -> Stage:
    """A stage with one route, by which an alarm is told at once."""
    usual = {"group_wait": "0s", "channels": [], "people": ["an"], "escalation": STEPS, "repeat_interval": "0s"}
    return Stage({**usual, **route}, duty=DUTY)


def test_route_calls_whoever_is_on_duty_and_tells_who_was_called_of_the_end() -> None:
    """Bình takes over from An, and is called of what comes then. Both hear of the end of what they were called about, in their language."""
    on = stage(people=[], teams=["truc-ca"], escalation=[], group_interval="0s")
    on.raise_("tt-1")
    on.wait(7 * MIN)
    on.raise_("tt-2")
    on.wait(MIN)
    on.clear("tt-1", "tt-2")
    assert on.calls == [
        ("an.ops", "raised", 0),
        ("binh.ops", "updated", 420),
        ("an.ops", "cleared", 480),
        ("binh.ops", "cleared", 480),
    ]
    assert [alarm.device for alarm in on.everything[2].alarms] == ["tt-1"]
    assert [alarm.device for alarm in on.everything[1].alarms] == ["tt-2", "tt-1"]
    assert "technical alarm" in on.everything[1].text


def test_person_gets_only_the_alarms_of_units_that_they_answer_for() -> None:
    """The channel gets the whole group, Chi what is about u1; nobody answers for u2."""
    on = Stage({"group_by": ["rule"], "group_wait": "10s", "people": [], "on_duty_of_unit": "true"}, duty=DUTY)
    on.raise_("tt-1")
    on.raise_("tt-2", unit="u2")
    on.wait(10 * S)
    assert on.calls == [("ops", "raised", 10), ("chi.ops", "raised", 10)]
    assert [[alarm.device for alarm in message.alarms] for message in on.everything] == [["tt-1", "tt-2"], ["tt-1"]]


def test_alarm_of_a_unit_that_nobody_answers_for_is_on_record() -> None:
    """It says why nobody was told; its escalation takes its way."""
    on = stage(people=[], on_duty_of_unit="true")
    on.raise_("tt-1", unit="u2")
    on.wait(5 * MIN)
    assert [one.reason.name for notice in on.notices for one in notice.untold] == ["NOBODY"]
    assert on.calls == [("dung.ops", "updated", 300)]


def test_steps_are_taken_one_after_the_other_and_the_last_one_is_repeated_as_often_as_declared() -> None:
    """Five minutes, ten, ten, ten; then there is silence."""
    on = stage()
    on.raise_("tt-1")
    on.wait(600 * MIN)
    assert on.calls == [
        ("an.ops", "raised", 0),
        ("dung.ops", "updated", 300),
        ("ops", "updated", 900),
        ("ops", "updated", 1500),
        ("ops", "updated", 2100),
    ]
    assert [message.escalation for message in on.everything] == [0, 1, 2, 3, 4]
    text = on.everything[1].text
    assert text.startswith("[CHUYỂN CẤP TRÊN: CAO] Quá hạn xử lý: sau 5 phút chưa ai xác nhận (đã gọi Nguyễn Văn An). Cụm loa Xóm Tháp")
    assert "(đã gọi Nguyễn Văn An, dung)" in on.everything[2].text


@pytest.mark.parametrize("act", ["acknowledge", "clear"])
def test_escalation_ends_when_somebody_acknowledges_or_the_alarm_does(act: str) -> None:
    """Also between two steps; of the end whoever was called is told."""
    on = stage()
    on.raise_("tt-1")
    on.wait(6 * MIN)
    getattr(on, act)("tt-1")
    on.wait(600 * MIN)
    end = [("an.ops", "cleared", 360), ("dung.ops", "cleared", 360)] if act == "clear" else []
    assert on.calls[2:] == end


def test_hold_stops_the_clock_and_it_goes_on_afterwards() -> None:
    """Four of five minutes have passed when the silence begins: one is left when it ends, however long it was."""
    on = stage()
    on.raise_("tt-1")
    on.wait(4 * MIN)
    on.silence("s", end=30 * MIN, unit="u1")
    on.wait(30 * MIN + 59 * S)
    assert on.calls == [("an.ops", "raised", 0)]
    on.wait(1 * S)
    assert on.calls[1:] == [("dung.ops", "updated", 35 * 60)]
    on.shelve("tt-1")
    on.wait(60 * MIN)
    on.unshelve("tt-1")
    on.wait(10 * MIN)
    assert on.calls[2:] == [("ops", "updated", 105 * 60)]


def test_each_alarm_of_a_group_has_its_own_clock() -> None:
    """One that joins after four minutes is escalated four minutes later, not with the first and not never."""
    on = stage(group_interval="0s", group_by=["rule"])
    on.raise_("tt-1")
    on.wait(4 * MIN)
    on.raise_("tt-2")
    on.wait(6 * MIN)
    escalated = [
        (call[2], [alarm.device for alarm in message.alarms])
        for call, message in zip(on.calls, on.everything, strict=True)
        if message.escalation
    ]
    assert escalated == [(300, ["tt-1"]), (540, ["tt-2"])]


def test_incident_is_escalated_as_one_and_late_members_join_it() -> None:
    """Thirty devices fall: one message for each step, with all of them; who falls later is escalated with the others."""
    places = {f"d{n:02}": {"unit": "u1", "feeder": "f1" if n < 40 else "f2"} for n in range(80)}
    route = {"group_wait": "0s", "channels": ["ops"], "escalation": [{"after": "5m", "people": "dung"}, {"after": "20m", "people": "chi"}]}
    on = Stage(route, duty=DUTY, places=places)
    for name in sorted(places)[:30]:
        on.raise_(name)
    on.wait(10 * MIN)
    on.raise_("d35")
    on.wait(60 * MIN)
    escalated = [
        (row.channel, (row.at - on.outbox[0].at) // S, len(message.alarms))
        for row, message in zip(on.outbox, on.everything, strict=True)
        if message.escalation
    ]
    assert escalated == [("dung.ops", 300, 30), ("chi.ops", 1500, 31)]
    assert "30 cụm loa" in next(message.text for message in on.everything if message.escalation)


ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["raise", "clear", "acknowledge", "shelve", "unshelve", "silence", "lift"]), st.sampled_from(["a", "b", "c"])
        ),
        st.tuples(st.just("wait"), st.sampled_from([S, MIN, 5 * MIN, 11 * MIN, 9 * 60 * MIN])),
    ),
    max_size=25,
)


def play(on: Stage, act: str, subject: Any) -> None:
    """One act, if it is possible now."""
    alarm = on.alarms.get(on.names.get(subject, ""))
    standing = alarm is not None and alarm.active
    match act:
        case "wait":
            on.wait(subject)
        case "silence":
            on.silence(subject, end=7 * MIN, device=subject)
        case "lift":
            on.lift(subject)
        case "raise":
            if not standing:
                on.wait(S)
                on.raise_(subject, severity=Severity.MINOR if subject == "a" else Severity.MAJOR)
        case "shelve" | "unshelve":
            if alarm is not None and standing and (alarm.shelved_until is None) is (act == "shelve"):
                getattr(on, act)(subject)
        case _:
            if alarm is not None and standing and not (act == "acknowledge" and alarm.acknowledged):
                getattr(on, act)(subject)


OFFICE = {**DUTY, "teams": {**DUTY["teams"], "vt": {"members": ["chi"], "hours": {"from": "07:30", "to": "17:00"}}}}


def property_stage() -> Stage:
    """Groups with people, hours and an escalation."""
    route = {
        "group_by": ["rule"],
        "group_wait": "5s",
        "group_interval": "1m",
        "repeat_interval": "0s",
        "channels": [],
        "teams": ["truc-ca", "vt"],
    }
    return Stage({**route, "escalation": STEPS}, duty=OFFICE)


@settings(max_examples=80, deadline=None)
@given(acts=ACTS, restarts=st.sets(st.integers(0, 25), max_size=4))
def test_restart_changes_no_message(acts: list[tuple[str, Any]], restarts: set[int]) -> None:
    """Whenever we start again, the same messages go out at the same time with the same bytes."""
    one, other = property_stage(), property_stage()
    for number, (act, subject) in enumerate(acts):
        play(one, act, subject)
        play(other, act, subject)
        if number in restarts:
            other.restart()
    one.wait(24 * 60 * MIN)
    other.wait(24 * 60 * MIN)
    assert one.outbox == other.outbox


@settings(max_examples=80, deadline=None)
@given(acts=ACTS)
def test_escalated_alarm_is_active_told_unacknowledged_and_not_held(acts: list[tuple[str, Any]]) -> None:
    """Whatever happens: no step about an alarm that somebody knows of, that is over, or that is held back; and none too often."""
    on, checked, steps = property_stage(), 0, dict[str, list[int]]()
    for act, subject in [*acts, *[("wait", MIN)] * 60]:
        play(on, act, subject)
        for row, message, held in list(zip(on.outbox, on.everything, on.held, strict=True))[checked:]:
            checked += 1
            if not message.escalation:
                continue
            for one in message.alarms:
                assert one.state == "active"
                assert not one.acknowledged
                assert one.id not in held
                steps.setdefault(one.id, []).append(message.escalation)
                assert row.channel != "an.ops"
    assert all(found == sorted(found) and len(found) <= 4 for found in steps.values())


def test_minor_alarm_waits_for_working_hours_and_is_gathered_then() -> None:
    """At 23:14 Chi's team doesn't work: at 07:30 she gets one message with what still stands, and the escalation begins then."""
    on = Stage({"group_wait": "0s", "channels": [], "teams": "vt", "repeat_interval": "0s", "escalation": STEPS}, duty=OFFICE)
    on.raise_("tt-1", severity=Severity.MINOR)
    on.raise_("tt-2", severity=Severity.MINOR, rule="speaker_muted")
    on.raise_("tt-3", severity=Severity.MINOR, rule="speaker_hot")
    on.wait(60 * MIN)
    on.clear("tt-2")
    assert on.calls == []
    assert [(one.hold, one.by, one.until) for one in on.notifier.held()] == [(Hold.HOURS, "vt", START + 496 * MIN)] * 2
    on.restart()
    on.wait(435 * MIN)
    assert on.calls == []
    on.wait(6 * MIN)
    assert on.calls == [("chi.ops", "raised", 496 * 60), *[("dung.ops", "updated", 501 * 60)] * 2]
    assert on.everything[0].text.startswith("[THẤP] Chờ đến giờ làm việc từ 23:14 ngày 05/03/2026: 2 cảnh báo kỹ thuật")
    reasons = [(one.reason.name, one.by) for notice in on.notices for one in notice.untold]
    assert reasons == [("HOURS", "vt")] * 3 + [("SHORT", "")]


def test_critical_alarm_waits_for_nobody() -> None:
    """It takes a minor one along that is told with it."""
    on = Stage({"group_wait": "10s", "group_by": ["unit"], "channels": [], "teams": "vt"}, duty=OFFICE)
    on.raise_("tt-1", severity=Severity.CRITICAL)
    on.raise_("tt-2", severity=Severity.MINOR)
    on.wait(10 * S)
    assert on.calls == [("chi.ops", "raised", 10)]
    assert len(on.everything[0].alarms) == 2


@pytest.mark.parametrize("restarts", [False, True])
def test_alarm_that_an_incident_gives_back_in_working_hours_is_told_once(*, restarts: bool) -> None:
    """It had waited for them when others fell too; the mass outage was told at night, and is over by morning but for this one device."""
    places = {f"d{n}": {"unit": "u1"} for n in range(10)}
    route = {"group_wait": "0s", "channels": [], "teams": "vt", "repeat_interval": "0s"}
    on = Stage(route, duty=OFFICE, places=places, window="5m", repeat_interval="0s")
    on.raise_("d0", severity=Severity.MINOR)
    on.wait(MIN)
    assert [one.hold for one in on.notifier.held()] == [Hold.HOURS]
    on.raise_(*(f"d{n}" for n in range(1, 10)), severity=Severity.MINOR)
    on.wait(10 * MIN)
    assert [(event, len(message.alarms)) for (_, event, _), message in zip(on.calls, on.everything, strict=True)] == [("raised", 10)]
    assert {one.hold for one in on.notifier.held()} == {Hold.INCIDENT}
    on.wait(483 * MIN)
    on.clear(*(f"d{n}" for n in range(1, 10)))
    if restarts:
        on.restart()
    on.wait(60 * MIN)
    assert [(event, len(message.alarms)) for (_, event, _), message in zip(on.calls, on.everything, strict=True)][1:] == [
        ("cleared", 10),
        ("raised", 1),
    ]
    assert on.notifier.held() == []


def test_silenced_alarm_is_not_told_when_working_hours_begin_but_when_the_silence_ends() -> None:
    """A hold is a hold, also for what waits."""
    on = Stage({"group_wait": "0s", "channels": [], "teams": "vt", "repeat_interval": "0s"}, duty=OFFICE)
    on.raise_("tt-1", severity=Severity.MINOR)
    on.silence("s", end=600 * MIN, device="tt-1")
    on.wait(599 * MIN)
    assert on.calls == []
    on.restart()
    on.wait(MIN)
    assert on.calls == [("chi.ops", "raised", 600 * 60)]
