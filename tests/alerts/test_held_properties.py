"""Who asks why an alarm caused no message finds it on the list of what is held back, whatever happened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.grouping import Reason
from ioc.domain.alarm import Step
from ioc.domain.held import Hold
from ioc.domain.silence import in_force, matches
from notifying.outage import province
from notifying.stage import MIN, ZONE, S, Stage

PLACES = province(devices=24, unit_size=8)
for _of in PLACES.values():
    if _of["unit"] == "u1":
        _of["uplink"] = "site"
PLACES["site"] = {"unit": "u9"}
DEVICES = sorted(PLACES)
UNITS = sorted({of["unit"] for of in PLACES.values()})
ROUTED = {"match": {"unit": [unit for unit in UNITS if unit != "u2"]}, "group_by": ["rule", "unit"], "group_wait": "30s"}
DEPENDS_ON = ({"family": "speaker", "parent": "network_site", "by": "uplink"},)
ACTS = st.one_of(
    st.tuples(st.sampled_from(["cut", "mend"]), st.sampled_from(UNITS)),
    st.tuples(st.sampled_from(["raise", "hot", "clear", "withdraw", "acknowledge", "shelve", "unshelve"]), st.sampled_from(DEVICES)),
    st.tuples(st.just("wait"), st.sampled_from([S, 7 * S, 31 * S, 2 * MIN, 12 * MIN, 70 * MIN])),
    st.tuples(st.sampled_from(["silence", "lift"]), st.sampled_from([*DEVICES[:4], *UNITS])),
    st.tuples(st.just("restart"), st.just("")),
)


def play(on: Stage, act: str, subject: str | int) -> None:
    """One act, as far as it is possible now."""
    name = str(subject)
    if act == "wait":
        on.wait(int(subject))
    elif act == "restart":
        on.restart()
    elif act == "lift":
        on.lift(name)
    elif act == "silence":
        on.silence(name, end=10 * MIN, **{"device" if name in PLACES else "unit": name})
    elif act in {"cut", "mend"}:
        for device in (one for one, of in PLACES.items() if of["unit"] == subject):
            play_alarm(on, "raise" if act == "cut" else "clear", device)
    else:
        play_alarm(on, act, name)


def play_alarm(on: Stage, act: str, name: str) -> None:
    """What happens to a device, or what people do to its alarm."""
    known = on.alarms.get(on.names.get(name, ""))
    active = known is not None and known.active
    if act in {"raise", "hot"} and not active:
        on.wait(1)
        rule = {"rule": "hot"} if act == "hot" else {"rule": "site_offline", "family": "network_site"} if name == "site" else {}
        on.raise_(name, unit=PLACES[name]["unit"], **rule)
    elif act in {"clear", "withdraw"} and active:
        on.clear(name, step=Step.CLEARED if act == "clear" else Step.WITHDRAWN)
    elif act == "acknowledge" and active:
        on.acknowledge(name)
    elif act == "shelve" and active and not known.shelved_until:
        on.shelve(name)
    elif act == "unshelve" and active and known.shelved_until:
        on.unshelve(name)


@settings(max_examples=200, deadline=None)
@given(acts=st.lists(ACTS, max_size=25))
def test_every_active_alarm_was_told_or_is_held_with_its_cause(acts: list[tuple[str, str | int]]) -> None:
    """Active = told or held, after each act; held under a cause that is true, and only what is active."""
    on = Stage(ROUTED, places=PLACES, depends_on=DEPENDS_ON, flapping={}, flood={"messages": "4"})
    for act, subject in acts:
        play(on, act, subject)
        active = {one.id: one for one in on.alarms.values() if one.active}
        told = {alarm.id for message in on.messages for alarm in message.alarms if alarm.state == "active"}
        held = {one.alarm.id: one for one in on.notifier.held()}
        assert active.keys() <= told | held.keys()
        assert held.keys() <= active.keys()
        for one in held.values():
            check_cause(on, one.hold, one.by, one.alarm.id)


def test_outage_that_dissolves_another_due_at_once_loses_no_message() -> None:
    """Two communes fall, part of them silenced: what the first look explains better takes the other's members; all is told or held."""
    on = Stage(ROUTED, places=PLACES, depends_on=DEPENDS_ON, flapping={}, flood={"messages": "4"})
    story = [("silence", "d0000"), ("cut", "u2"), ("silence", "d0001"), ("silence", "u1"), ("cut", "u0"), ("wait", 31 * S)]
    for act, subject in story:
        play(on, act, subject)
    on.wait(10 * MIN)
    told = {alarm.id for message in on.messages for alarm in message.alarms}
    assert told
    assert on.alarms.keys() <= told | {one.alarm.id for one in on.notifier.held()}


@settings(max_examples=300, deadline=None)
@given(acts=st.lists(ACTS, max_size=25))
def test_what_a_silence_holds_back_is_on_record_with_it(acts: list[tuple[str, str | int]]) -> None:
    """Its digest misses nothing: whatever was held back by it at any moment, and had not been told, is noted with its id."""
    on = Stage(ROUTED, places=PLACES, depends_on=DEPENDS_ON, flapping={}, flood={"messages": "4"})
    for act, subject in acts:
        play(on, act, subject)
        noted = {(one.alarm, one.silence) for notice in on.notices for one in notice.untold if one.reason is Reason.SILENCED}
        told = {alarm.id for message in on.messages for alarm in message.alarms}
        held = {(one.alarm.id, one.by) for one in on.notifier.held() if one.hold is Hold.SILENCE and one.alarm.id not in told}
        assert held <= noted


def check_cause(on: Stage, hold: Hold, by: str | None, alarm: str) -> None:
    """What it is said to be held by is so."""
    match hold:
        case Hold.SILENCE:
            silence = on.silences[by or ""]
            assert in_force(silence, on.now, ZONE)
            assert matches(silence, on.alarms[alarm])
        case Hold.SHELVED:
            assert on.alarms[alarm].shelved_until
        case Hold.INCIDENT:
            assert by in on.incidents
        case Hold.DEPENDENCY:
            assert by is not None
            assert on.alarms[by].active
        case Hold.FLOOD:
            assert by == "ops"
        case Hold.UNMATCHED:
            assert on.alarms[alarm].unit == "u2"
        case Hold.GATHERING | Hold.WAITING | Hold.FLAPPING:
            assert by is None
