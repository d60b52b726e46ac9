"""One storm is one message: what groups say, and when."""

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity, Step, Transition
from notifying.stage import MIN, START, S, Stage

USUAL = {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}


def test_one_message_tells_of_a_storm() -> None:
    """Alarms of one rule and unit within group_wait travel together."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(10 * S)
    stage.raise_("b", "c")
    stage.wait(MIN)
    assert stage.story == [("raised", 30)]
    assert stage.devices(0) == ["a", "b", "c"]


def test_group_speaks_at_once_when_wait_is_zero() -> None:
    """The row stands in the very notice that reads the journal entry."""
    stage = Stage({**USUAL, "group_wait": "0s"})
    stage.raise_("a")
    assert stage.story == [("raised", 0)]
    assert stage.notices[-1].position == 1


def test_late_member_waits_for_group_interval() -> None:
    """After the first message changes are gathered for group_interval."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(MIN)
    stage.raise_("b")
    stage.wait(10 * MIN)
    assert stage.story == [("raised", 30), ("updated", 330)]
    assert stage.devices(1) == ["b", "a"]


def test_change_long_after_last_message_waits_for_group_wait() -> None:
    """A quiet group that changes gathers for group_wait, not for group_interval."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(20 * MIN)
    stage.raise_("b")
    stage.wait(20 * MIN)
    assert stage.story == [("raised", 30), ("updated", 1230)]


def test_partial_recovery_is_an_update_and_the_rest_a_clear() -> None:
    """Some cleared members make `updated`, the last ones `cleared`; each is listed once."""
    stage = Stage(USUAL)
    stage.raise_("a", "b", "c")
    stage.wait(10 * MIN)
    stage.clear("a")
    stage.wait(10 * MIN)
    stage.clear("b", "c")
    stage.wait(10 * MIN)
    assert [event for event, _ in stage.story] == ["raised", "updated", "cleared"]
    assert [alarm.state for alarm in stage.messages[1].alarms] == ["active", "active", "cleared"]
    assert stage.devices(2) == ["b", "c"]
    assert not stage.groups


def test_new_alarm_after_a_clear_begins_a_new_group() -> None:
    """It is raised again, with keys of its own."""
    stage = Stage({**USUAL, "group_wait": "0s", "group_interval": "0s"})
    for _ in range(3):
        stage.raise_("a")
        stage.wait(S)
        stage.clear("a")
        stage.wait(S)
    assert [event for event, _ in stage.story] == ["raised", "cleared"] * 3
    assert len({row.key for row in stage.outbox}) == 6


def test_short_alarm_sends_nothing() -> None:
    """What clears before its first message is due is counted and named, not sent."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(10 * S)
    stage.clear("a")
    stage.wait(MIN)
    assert stage.story == []
    assert [untold.reason for notice in stage.notices for untold in notice.untold] == [Reason.SHORT]
    assert stage.notifier.untold_counts == {Reason.SHORT: 1}
    assert not stage.groups


def test_short_critical_alarm_is_told_once() -> None:
    """A critical alarm that came and went within group_wait is one message that says both."""
    stage = Stage(USUAL)
    stage.raise_("tt-1", severity=Severity.CRITICAL)
    stage.wait(10 * S)
    stage.clear("tt-1")
    stage.wait(MIN)
    assert stage.story == [("cleared", 30)]
    assert stage.messages[0].text.startswith(
        "[NGHIÊM TRỌNG, ĐÃ KHẮC PHỤC] Cụm loa Xóm Tháp, Phường Việt Trì: mất kết nối từ 23:14 đến 23:14."
    )


def test_short_alarm_leaves_the_others_their_message() -> None:
    """The group speaks of those that stay."""
    stage = Stage(USUAL)
    stage.raise_("a", "b")
    stage.clear("a")
    stage.wait(MIN)
    assert stage.devices(0) == ["b"]


def test_reminder_comes_while_something_is_not_acknowledged() -> None:
    """Every repeat_interval, until the last active member is acknowledged."""
    stage = Stage(USUAL)
    stage.raise_("a", "b")
    stage.wait(5 * 60 * MIN)
    stage.acknowledge("a")
    stage.wait(4 * 60 * MIN)
    stage.acknowledge("b")
    stage.wait(24 * 60 * MIN)
    assert stage.story == [("raised", 30), ("updated", 30 + 4 * 3600), ("updated", 30 + 8 * 3600)]
    assert stage.messages[1].text.startswith("[NHẮC LẠI: CAO] 2 cảnh báo kỹ thuật chưa xác nhận")


def test_group_never_repeats_when_interval_is_zero() -> None:
    """repeat_interval 0 means: say it once."""
    stage = Stage({**USUAL, "repeat_interval": "0s"})
    stage.raise_("a")
    stage.wait(100 * 60 * MIN)
    assert stage.story == [("raised", 30)]


def test_clear_of_acknowledged_alarm_is_told() -> None:
    """Acknowledging stops reminders, not the good news."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(MIN)
    stage.acknowledge("a")
    stage.clear("a")
    stage.wait(10 * MIN)
    assert stage.story == [("raised", 30), ("cleared", 330)]


def test_alarm_shelved_before_its_first_message_is_never_told() -> None:
    """Neither that it was raised nor that it cleared."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(S)
    stage.shelve("a")
    stage.wait(9 * 60 * MIN)
    stage.clear("a")
    stage.wait(9 * 60 * MIN)
    assert stage.story == []
    assert stage.notifier.untold_counts == {Reason.SHELVED: 1}


@pytest.mark.parametrize("end", [Step.CLEARED, Step.WITHDRAWN])
def test_told_alarm_that_ends_on_the_shelf_is_told_to_be_over(end: Step) -> None:
    """No reminder while it is shelved, but a ticket that was opened closes."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(MIN)
    stage.shelve("a")
    stage.wait(9 * 60 * MIN)
    stage.clear("a", step=end)
    stage.wait(9 * 60 * MIN)
    assert stage.story == [("raised", 30), ("cleared", 60 + 9 * 3600 + 30)]
    assert not stage.groups
    assert not stage.notifier.untold_counts


def test_group_is_not_cleared_while_a_told_alarm_is_shelved() -> None:
    """The others' end is said as an update that names them alone; `cleared` is the last one's."""
    stage = Stage(USUAL)
    stage.raise_("a", "b")
    stage.wait(MIN)
    stage.shelve("a")
    stage.clear("b")
    stage.wait(10 * MIN)
    stage.clear("a")
    stage.wait(10 * MIN)
    assert [event for event, _ in stage.story] == ["raised", "updated", "cleared"]
    assert [stage.devices(n) for n in (1, 2)] == [["b"], ["a"]]
    assert all(message.text.startswith("[ĐÃ KHẮC PHỤC]") for message in stage.messages[1:])


def test_alarm_that_comes_back_from_the_shelf_is_told() -> None:
    """If it was never told it is raised now; if it was, reminders go on."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.shelve("a")
    stage.wait(60 * MIN)
    stage.unshelve("a")
    stage.wait(MIN)
    stage.shelve("a")
    stage.wait(10 * 60 * MIN)
    stage.unshelve("a")
    stage.wait(MIN)
    assert [event for event, _ in stage.story] == ["raised", "updated"]
    assert "NHẮC LẠI" in stage.messages[1].text


def test_withdrawn_alarm_is_said_to_be_closed() -> None:
    """An alarm that ends with its rule or device did not get well."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.wait(MIN)
    stage.clear("a", step=Step.WITHDRAWN)
    stage.wait(10 * MIN)
    assert stage.story[-1][0] == "cleared"
    assert stage.messages[-1].text.startswith("[ĐÃ ĐÓNG]")


def test_entries_read_before_are_skipped() -> None:
    """The position decides, so a batch applied twice says nothing twice."""
    stage = Stage({**USUAL, "group_wait": "0s"})
    stage.raise_("a")
    entry = stage.alarms[stage.names["a"]]
    assert stage.notifier.step([_raised(stage.position, entry.id)], {entry.id: entry}, START).outbox == ()


def _raised(seq: int, alarm: str) -> Transition:
    return Transition(
        seq=seq, alarm=alarm, rule="r", severity=Severity.MAJOR, device=None, unit=None, step=Step.RAISED, at=0, recorded=0, by="tick"
    )


def test_comment_changes_no_group() -> None:
    """Comments and assignments write no group row."""
    stage = Stage(USUAL)
    stage.raise_("a")
    stage.act(Step.COMMENTED, "a")
    assert stage.notices[-1].groups == ()
    assert stage.notices[-1].position == 2


def test_every_channel_of_the_route_gets_the_same_key() -> None:
    """One step of a group has one idempotency key, whatever the channel."""
    stage = Stage({**USUAL, "group_wait": "0s"}, channels=("ops", "mail"))
    stage.raise_("a")
    assert [row.channel for row in stage.outbox] == ["ops", "mail"]
    assert len({row.key for row in stage.outbox}) == 1
    assert len({row.body for row in stage.outbox}) == 1


def test_tells_of_a_latched_alarm_once_until_it_is_reset() -> None:
    """Its condition's end is no message; who had acknowledged is told when it comes back, and everybody of the reset."""
    stage = Stage({"group_by": "device", "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"})
    stage.raise_("tt-1")
    stage.acknowledge("tt-1")
    stage.act(Step.LATCHED, "tt-1")
    assert [event for event, _ in stage.story] == ["raised"]
    stage.act(Step.REALARMED, "tt-1")
    stage.act(Step.LATCHED, "tt-1")
    stage.act(Step.REALARMED, "tt-1")
    assert [event for event, _ in stage.story] == ["raised", "updated"]
    stage.clear("tt-1", step=Step.RESET)
    assert [event for event, _ in stage.story] == ["raised", "updated", "cleared"]
