"""What holds of incidents whatever falls, in whatever order, and whenever we start again."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alarm import Step
from notifying.outage import OFFLINE, ROUTE, fall, named, province, rise, stage
from notifying.stage import MIN, S, Stage

PLACES = province(devices=60, unit_size=12)
for _of in PLACES.values():
    if _of["unit"] in {"u1", "u2"}:
        _of["uplink"] = "site"
PLACES["site"] = {"unit": "u9"}
NAMES = st.sampled_from(sorted(PLACES))
UNITS = st.sampled_from(sorted({of["unit"] for of in PLACES.values()}))
DEPENDS_ON = ({"family": "speaker", "parent": "network_site", "by": "uplink"},)
ACTS = st.one_of(
    st.tuples(st.sampled_from(["cut", "mend"]), UNITS),
    st.tuples(st.sampled_from(["raise", "clear"]), st.just("site")),
    st.tuples(st.sampled_from(["raise", "clear", "withdraw", "acknowledge", "assign", "shelve", "unshelve"]), NAMES),
    st.tuples(st.just("wait"), st.sampled_from([S, 7 * S, 31 * S, 2 * MIN, 40 * MIN])),
    st.tuples(st.sampled_from(["silence", "lift"]), st.one_of(NAMES, UNITS)),
)


def play(on: Stage, act: str, subject: str | int) -> None:
    """One act, as far as it is possible now."""
    if act == "wait":
        on.wait(int(subject))
    elif act in {"cut", "mend"}:
        for device in (name for name, of in PLACES.items() if of["unit"] == subject):
            play(on, "raise" if act == "cut" else "clear", device)
    elif act in {"silence", "lift"}:
        play_silence(on, act, str(subject))
    else:
        play_alarm(on, act, str(subject))


def play_silence(on: Stage, act: str, name: str) -> None:
    """Of a device or of a unit."""
    if act == "lift":
        on.lift(name)
    else:
        on.silence(name, end=10 * MIN, **{"device" if name in PLACES else "unit": name})


def play_alarm(on: Stage, act: str, name: str) -> None:
    """What happens to a device, or what people do to its alarm."""
    known = on.alarms.get(on.names.get(name, ""))
    active = known is not None and known.active
    if act == "raise" and not active:
        on.wait(1)
        site = {"rule": "site_offline", "family": "network_site"} if name == "site" else {}
        on.raise_(name, unit=PLACES[name]["unit"], **site)
    elif act in {"clear", "withdraw"} and active:
        on.clear(name, step=Step.CLEARED if act == "clear" else Step.WITHDRAWN)
    elif act in {"acknowledge", "assign"} and known is not None:
        getattr(on, act)(name)
    elif act == "shelve" and active:
        on.shelve(name)
    elif act == "unshelve" and known is not None and known.active and known.shelved_until:
        on.unshelve(name)


@settings(max_examples=200, deadline=None)
@given(acts=st.lists(st.tuples(ACTS, st.booleans()), max_size=25))
def test_restarts_leave_messages_and_incidents_as_they_are(acts: list[tuple[tuple[str, str | int], bool]]) -> None:
    """Byte-equal messages, the same rows, incidents and members, with a restart after any act."""
    steady, shaken = (Stage(ROUTE, places=PLACES, depends_on=DEPENDS_ON, flapping={}, flood={"messages": "6"}) for _ in range(2))
    for (act, subject), restart in acts:
        for on in (steady, shaken):
            play(on, act, subject)
        if restart:
            told = len(shaken.outbox)
            shaken.restart()
            assert len(shaken.outbox) == told
        assert shaken.notifier.next_due == steady.notifier.next_due
    for on in (steady, shaken):
        on.wait(180 * MIN)
    assert shaken.outbox == steady.outbox
    assert shaken.groups == steady.groups
    assert (shaken.incidents, shaken.members) == (steady.incidents, steady.members)


@settings(max_examples=200, deadline=None)
@given(acts=st.lists(ACTS, max_size=25))
def test_every_told_alarm_is_told_to_be_over(acts: list[tuple[str, str | int]]) -> None:
    """Within an incident or not: what was said to stand and has cleared was said to be over, and nothing that stands was."""
    on = Stage(ROUTE, places=PLACES, depends_on=DEPENDS_ON, flapping={}, flood={"messages": "6"})
    for act, subject in acts:
        play(on, act, subject)
    if "site" in on.names and on.alarms[on.names["site"]].active:
        on.clear("site")
    for name in list(on.silences):
        on.lift(name)
    on.wait(10 * MIN)
    for name, identity in on.names.items():
        if on.alarms[identity].active and on.alarms[identity].shelved_until:
            on.unshelve(name)
    on.wait(600 * MIN)
    last = {alarm.id: alarm.state for message in on.messages for alarm in message.alarms}
    for identity, alarm in on.alarms.items():
        assert last.get(identity, "cleared") == ("active" if alarm.active else "cleared"), alarm.device


@settings(max_examples=60, deadline=None)
@given(within=st.lists(st.integers(0, 3_999), min_size=14, max_size=14), order=st.permutations(range(14)))
def test_order_within_the_window_does_not_matter(within: list[int], order: list[int]) -> None:
    """A commune of twelve and two others fall: who falls first changes neither the incident nor the number of messages."""
    cut = [name for name, of in PLACES.items() if of["unit"] == "u2"]
    devices = [*cut, "d0000", "d0059"]
    times, results = [4_000 * n + ms for n, ms in enumerate(within)], []
    for some in (times, [times[n] for n in order]):
        on = stage(PLACES)
        fall(on, [(at, device, OFFLINE) for at, device in zip(some, devices, strict=True)])
        on.wait(10 * MIN)
        incidents = [(one.attribute, one.value, one.members) for one in on.incidents.values()]
        results.append((incidents, sorted(named(on))))
    assert results[0] == results[1] == ([("unit", "u2", 12)], [("raised", 1), ("raised", 1), ("raised", 12)])


@pytest.mark.parametrize("seed", range(20))
def test_a_commune_of_any_size_is_woken_once(seed: int) -> None:
    """From six devices up, all of them within the minute that a cadence takes to tell."""
    chance = random.Random(seed)
    size = chance.randint(6, 40)
    places = province(devices=10 * size, unit_size=size, seed=seed)
    on = stage(places)
    cut = [name for name, of in places.items() if of["unit"] == "u4"]
    fall(on, [(chance.randrange(60 * S), device, OFFLINE) for device in cut])
    on.wait(20 * MIN)
    rise(on, [(chance.randrange(60 * S), device) for device in cut])
    on.wait(20 * MIN)
    assert named(on) == [("raised", size), ("cleared", size)]
