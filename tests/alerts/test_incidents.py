"""Devices that fall together are one incident: what is told of it, and what is not."""

import random
from typing import Any

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity, Step
from notifying.outage import OFFLINE, ROUTE, fall, named, province, rise, spread, stage
from notifying.stage import MIN, START, S, Stage

HOUR = 60 * MIN
UNIT = {f"d{n}": {"unit": "u1"} for n in range(10)}


def together(on: Stage, *devices: str, **more: Any) -> None:
    """They fall a second apart."""
    for device in devices:
        on.raise_(device, unit=on.places[device]["unit"], **more)
        on.wait(S)


def reasons(on: Stage) -> dict[Reason, int]:
    """How many alarms were held back, and why."""
    return dict(on.notifier.untold_counts)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("restarts", [False, True])
def test_200_of_2000_with_three_other_faults_are_four_messages_and_one_recovery(seed: int, *, restarts: bool) -> None:
    """All of a commune within a minute, among them two other devices that fall and one that overheats."""
    chance, places = random.Random(seed), province(seed=seed)
    on = stage(places)
    cut = [device for device, of in places.items() if of["unit"] == "u3"]
    others = [(chance.randrange(60 * S), device, rule) for device, rule in (("d0001", OFFLINE), ("d1999", OFFLINE), ("d1500", "too_hot"))]
    anywhere = frozenset(chance.sample(range(203), 20)) if restarts else frozenset[int]()
    fall(on, spread(cut, chance) + others, restart=anywhere)
    on.wait(10 * MIN)
    assert sorted(named(on)) == [("raised", 1), ("raised", 1), ("raised", 1), ("raised", 200)]
    assert all((row.at - START) <= 60 * S + 60 * S for row, message in zip(on.outbox, on.messages, strict=True) if len(message.alarms) == 1)
    rise(on, [(at, device) for at, device, _ in spread(cut, chance)], restart=anywhere)
    on.wait(3 * HOUR)
    assert named(on)[4:] == [("cleared", 200)]
    assert {one.alarm for notice in on.notices for one in notice.untold if one.reason is Reason.INCIDENT} == {on.names[one] for one in cut}
    (incident,) = on.incidents.values()
    assert (incident.attribute, incident.value, incident.members, incident.recovered) == ("unit", "u3", 200, 200)
    assert (incident.exposed, incident.fallen) == (200, 202)
    assert incident.until is not None


def test_faults_that_an_incident_does_not_explain_wait_no_longer_than_without_it() -> None:
    """The group's own wait is over by the time it is known to be alone."""
    places = province()
    on = stage(places)
    fall(on, [*spread([f"d{n:04}" for n in range(200, 400)], random.Random(1)), (5_000, "d1999", OFFLINE)])
    on.wait(MIN)
    assert [row.at - START for row, message in zip(on.outbox, on.messages, strict=True) if len(message.alarms) == 1] == [35_000]


@pytest.mark.parametrize("away", [MIN, 10 * MIN, 8 * HOUR])
def test_outage_that_began_before_we_were_away_is_told_once_when_we_are_back(away: int) -> None:
    """The power cut takes us too while its alarms wait for each other, for longer than the window."""
    on = stage({**UNIT, "x": {"unit": "u2"}})
    together(on, "x", *UNIT)
    assert on.outbox == []
    on.now += away
    on.restart()
    on.wait(5 * MIN)
    assert sorted(named(on)) == [("raised", 1), ("raised", 10)]
    (incident,) = on.incidents.values()
    assert (incident.attribute, incident.value, incident.members) == ("unit", "u1", 10)


def test_message_says_how_many_where_what_explains_it_and_how_well() -> None:
    """Vietnamese by default; the other values that the same devices share are named."""
    on = stage(
        {**{f"d{n}": {"unit": "u1", "feeder": "471-E4"} for n in range(6)}, "d6": {"unit": "u1", "feeder": "472-E4"}, "x": {"unit": "u2"}}
    )
    on.raise_("x", unit="u2")
    together(on, *(f"d{n}" for n in range(6)))
    on.wait(5 * MIN)
    assert [message.text for message in on.messages if len(message.alarms) == 6] == [
        (
            "[CAO] Mất kết nối hàng loạt: 6 cụm loa, cùng lộ điện 471-E4 (trong 5 giây). 6/6 thiết bị cùng lộ điện 471-E4; "
            "6/7 thiết bị vừa mất kết nối. Việc cần làm: kiểm tra nguồn điện."
        )
    ]


def test_message_names_equal_explanations_and_speaks_english_where_the_site_does() -> None:
    """Ties have a declared order; nobody is left to guess that there was one."""
    on = Stage(ROUTE, language="en", places={f"d{n}": {"unit": "u1", "cell": "PT-12"} for n in range(6)})
    together(on, *on.places)
    on.wait(5 * MIN)
    (message,) = on.messages
    assert message.text == (
        "[MAJOR] Mass outage: 6 loudspeaker cluster, Phường Việt Trì (within 5 s). 6/6 devices of Phường Việt Trì; "
        "6/6 of the devices that just went offline. They also share the same cell PT-12. To do: check the power supply."
    )


def test_alarms_of_members_carry_the_incident() -> None:
    """In the message, and in what is kept of it."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.wait(5 * MIN)
    (incident,) = on.incidents
    assert {alarm.incident for alarm in on.messages[0].alarms} == {incident}
    assert {(part.incident, part.device) for part in on.members.values()} == {(incident, device) for device in UNIT}
    assert {on.notifier.incident_of(alarm) for alarm in on.alarms} == {incident}


def test_partial_recovery_is_said_once_and_the_rest_with_the_end() -> None:
    """Six of ten come back and stay; the others an hour later."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.wait(20 * MIN)
    on.clear(*(f"d{n}" for n in range(6)))
    on.wait(HOUR)
    on.clear(*(f"d{n}" for n in range(6, 10)))
    on.wait(HOUR)
    assert named(on) == [("raised", 10), ("updated", 10), ("cleared", 4)]
    assert on.messages[1].text.startswith("[CAO] Mất kết nối hàng loạt, Phường Việt Trì: đã phục hồi 6/10, còn 4 cụm loa.")
    assert on.messages[2].text == (
        "[ĐÃ KHẮC PHỤC] Mất kết nối hàng loạt, Phường Việt Trì: đã phục hồi 10/10 cụm loa (từ 23:14 đến 00:34 ngày 06/03/2026)."
    ) or on.messages[2].text.startswith("[ĐÃ KHẮC PHỤC] Mất kết nối hàng loạt, Phường Việt Trì: đã phục hồi 10/10 cụm loa (từ 23:14")


def test_small_changes_wait_for_the_next_message() -> None:
    """One of ten that comes back, and one that joins, wake nobody."""
    on = stage({**UNIT, "late": {"unit": "u1"}})
    together(on, *UNIT)
    on.wait(20 * MIN)
    on.clear("d0")
    on.wait(20 * MIN)
    on.raise_("late")
    on.wait(HOUR)
    assert named(on) == [("raised", 10)]
    on.clear(*(f"d{n}" for n in range(1, 10)), "late")
    on.wait(HOUR)
    assert named(on)[1:] == [("cleared", 10)]


def test_late_members_join_and_many_of_them_are_told() -> None:
    """Half of the commune falls first, the rest follows ten minutes later."""
    on = stage({f"d{n}": {"unit": "u1"} for n in range(20)})
    together(on, *(f"d{n}" for n in range(10)))
    on.wait(10 * MIN)
    together(on, *(f"d{n}" for n in range(10, 20)))
    on.wait(10 * MIN)
    assert named(on) == [("raised", 10), ("updated", 20)]
    assert "đã phục hồi 0/20, còn 20 cụm loa. Thêm 10." in on.messages[1].text


def test_incident_that_is_nearly_over_explains_no_new_fault() -> None:
    """Six of eight are back, the two that are not keep it open: a ninth device that fails the next day is told, one of the six is not."""
    on = stage({f"d{n}": {"unit": "u1"} for n in range(9)})
    together(on, *(f"d{n}" for n in range(8)))
    on.wait(HOUR)
    on.clear(*(f"d{n}" for n in range(6)))
    on.wait(3 * HOUR)
    on.raise_("d0")
    on.wait(10 * MIN)
    assert named(on) == [("raised", 8), ("updated", 8)]
    on.clear("d0")
    on.raise_("d8")
    on.wait(MIN)
    assert named(on)[2:] == [("raised", 1)]


def test_those_that_do_not_come_back_are_told_by_themselves_when_the_others_have() -> None:
    """Nineteen of twenty are back: the incident is over, what is left has another cause."""
    on = stage({f"d{n}": {"unit": "u1"} for n in range(20)})
    together(on, *on.places)
    on.wait(10 * MIN)
    on.clear(*(f"d{n}" for n in range(1, 20)))
    on.wait(HOUR)
    assert named(on) == [("raised", 20), ("cleared", 20), ("raised", 1)]
    assert on.messages[1].text.endswith("1 cụm loa chưa phục hồi sẽ được báo riêng.")
    (incident,) = on.incidents.values()
    assert incident.until is not None
    assert [part.device for part in on.members.values() if part.released] == ["d0"]
    on.clear("d0")
    on.wait(HOUR)
    assert named(on)[3:] == [("cleared", 1)]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_was_told_alone_before_joins_and_is_told_to_be_over_with_the_others(*, restarts: bool) -> None:
    """The first of two is told, the other waits for the group's interval; then they turn out to be the first of many."""
    on = stage({f"d{n}": {"unit": "u1"} for n in range(20)}, route={**ROUTE, "group_wait": "0s"}, window="5m")
    together(on, "d0", "d1")
    on.wait(4 * MIN)
    if restarts:
        on.restart()
    together(on, *(f"d{n}" for n in range(2, 12)))
    on.wait(20 * MIN)
    on.clear(*(f"d{n}" for n in range(12)))
    on.wait(HOUR)
    assert named(on) == [("raised", 1), ("raised", 12), ("cleared", 12)]


def test_blip_of_a_whole_commune_tells_nothing() -> None:
    """All are back before anybody was told."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.wait(25 * S)
    on.clear(*UNIT)
    on.wait(HOUR)
    assert on.outbox == []
    assert reasons(on)[Reason.SHORT] == 10


def test_two_outages_at_once_are_two_incidents() -> None:
    """Two communes with nothing in common but a carrier that stands elsewhere."""
    places = {f"d{n:03}": {"unit": f"u{n // 10}", "carrier": "viettel", "family": "speaker"} for n in range(100)}
    on = stage(places)
    together(on, *(device for n in range(10) for device in (f"d{n:03}", f"d{n + 50:03}")))
    on.wait(10 * MIN)
    assert named(on) == [("raised", 10), ("raised", 10)]
    assert {(one.attribute, one.value) for one in on.incidents.values()} == {("unit", "u0"), ("unit", "u5")}


def test_fall_of_everything_is_one_incident() -> None:
    """Nothing but their kind explains that most of the communes are dark: one message, not one for each."""
    places = {f"d{n:03}": {"unit": f"u{n // 10}", "family": "speaker"} for n in range(100)}
    on = stage(places)
    chance = random.Random(5)
    fall(on, spread([name for name in places if name < "d090"], chance))
    on.wait(10 * MIN)
    assert named(on) == [("raised", 90)]
    assert on.messages[0].text.startswith("[CAO] Mất kết nối hàng loạt: 90 cụm loa, trên toàn hệ thống (trong ")


def test_explanation_is_found_anew_before_the_first_message() -> None:
    """The first to fall are of one commune; then the whole feeder is down."""
    places = {f"d{n:02}": {"unit": f"u{n // 10}", "feeder": "f"} for n in range(30)}
    on = stage(places)
    together(on, *(f"d{n:02}" for n in range(10)))
    on.wait(21 * S)
    together(on, *(f"d{n}" for n in range(10, 30)))
    on.wait(10 * MIN)
    (incident,) = on.incidents.values()
    assert (incident.attribute, incident.value, incident.members) == ("feeder", "f", 30)
    assert named(on) == [("raised", 30)]


def test_silenced_members_are_not_told_and_do_not_open_an_incident() -> None:
    """Maintenance of a commune is nobody's alarm, also where its devices fall together."""
    on = stage(UNIT)
    on.silence("s", unit="u1")
    together(on, *UNIT)
    on.wait(30 * MIN)
    assert on.outbox == []
    assert on.incidents == {}


def test_silence_of_some_leaves_them_out_of_the_incident_message() -> None:
    """Eight are told; the silence's end alone is too small a change to wake anybody again."""
    on = stage(UNIT)
    on.silence("s", device="d0", end=30 * MIN)
    on.silence("t", device="d1", end=30 * MIN)
    together(on, *UNIT)
    on.wait(20 * MIN)
    assert named(on) == [("raised", 8)]
    assert "8 cụm loa" in on.messages[0].text
    on.wait(30 * MIN)
    on.clear(*UNIT)
    on.wait(HOUR)
    assert named(on)[1:] == [("cleared", 8)]


def test_acknowledged_members_are_not_reminded_of() -> None:
    """The reminder comes while one is not acknowledged, and ends with the last."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.acknowledge(*(f"d{n}" for n in range(9)))
    on.wait(5 * HOUR)
    assert named(on) == [("raised", 10), ("updated", 10)]
    assert on.messages[1].text.startswith("[NHẮC LẠI: CAO]")
    on.acknowledge("d9")
    on.wait(24 * HOUR)
    assert len(on.messages) == 2


def test_shelving_one_that_waits_lets_it_go() -> None:
    """A person has taken care of it: it is no longer weighed with the others."""
    on = stage(UNIT)
    together(on, "d0")
    on.shelve("d0")
    on.wait(HOUR)
    assert on.outbox == []
    on.unshelve("d0")
    on.wait(MIN)
    assert named(on) == [("raised", 1)]


def test_withdrawn_members_end_with_the_incident() -> None:
    """Devices that leave the registry are over too."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.wait(10 * MIN)
    on.clear(*UNIT, step=Step.WITHDRAWN)
    on.wait(HOUR)
    assert named(on) == [("raised", 10), ("cleared", 10)]


def test_channels_get_the_members_that_their_routes_take() -> None:
    """The desk hears of all, the factory of its own."""
    places = {f"d{n}": {"unit": "u1"} for n in range(10)}
    on = Stage(
        {"match": {"device": ["d0", "d1"]}, "channels": ["factory"], "group_wait": "30s"},
        {"channels": ["ops"], "group_wait": "30s"},
        channels=("ops", "factory"),
        places=places,
    )
    together(on, *places)
    on.wait(10 * MIN)
    told = {row.channel: len(message.alarms) for row, message in zip(on.outbox, on.everything, strict=True)}
    assert told == {"ops": 8, "factory": 2}
    assert len({row.key for row in on.outbox}) == 1


def test_members_that_no_route_takes_are_counted_as_such() -> None:
    """The incident is listed; nobody is told, and that is no incident's doing."""
    on = stage(UNIT, route={**ROUTE, "match": {"severity": "critical"}})
    together(on, *UNIT)
    on.wait(10 * MIN)
    assert on.outbox == []
    assert len(on.incidents) == 1
    assert reasons(on) == {Reason.UNMATCHED: 10}


def test_critical_members_that_came_and_went_are_told_once() -> None:
    """As for any critical alarm: sound that should not have been there is worth knowing."""
    on = stage(UNIT)
    together(on, *UNIT, severity=Severity.CRITICAL)
    on.wait(25 * S)
    on.clear(*UNIT)
    on.wait(HOUR)
    assert named(on) == [("cleared", 10)]


def test_device_that_falls_again_takes_its_old_place() -> None:
    """Members are devices, however often they fall."""
    on = stage(UNIT)
    together(on, *UNIT)
    for _ in range(5):
        on.wait(2 * MIN)
        on.clear("d3")
        on.wait(2 * MIN)
        on.raise_("d3")
    on.wait(10 * MIN)
    assert named(on) == [("raised", 10)]
    (incident,) = on.incidents.values()
    assert (incident.members, incident.recovered) == (10, 0)


def test_switched_off_each_device_is_told_for_itself() -> None:
    """`enabled: false`: as if there were no incidents."""
    on = Stage(ROUTE)
    on.places = UNIT
    together(on, *UNIT)
    on.wait(MIN)
    assert on.incidents == {}
    assert named(on) == [("raised", 10)]


def test_change_too_small_to_be_told_does_not_hurry_what_comes_later() -> None:
    """One of ten is back for an hour before the others come back within two minutes: their return is one message."""
    on = stage(UNIT)
    together(on, *UNIT)
    on.wait(20 * MIN)
    on.clear("d0")
    on.wait(HOUR)
    for n in range(1, 10):
        on.clear(f"d{n}")
        on.wait(13 * S)
    on.wait(HOUR)
    assert named(on) == [("raised", 10), ("cleared", 10)]


def test_slow_beginning_of_an_outage_waits_for_the_rest() -> None:
    """Four of twenty fall first, too few for an incident: they wait for the window, since a fifth of their commune is no accident."""
    on = stage({f"d{n}": {"unit": "u1"} for n in range(20)}, route={**ROUTE, "group_wait": "0s"})
    for n in range(4):
        on.raise_(f"d{n}")
        on.wait(5 * S)
    on.wait(25 * S)
    for n in range(4, 20):
        on.raise_(f"d{n}")
    on.wait(10 * MIN)
    assert named(on) == [("raised", 20)]
