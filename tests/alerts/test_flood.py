"""A cap on the messages of each channel, beyond which one summary says how many, and where to look."""

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity
from ioc.domain.held import Hold
from notifying.stage import MIN, S, Stage

ALONE = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"}
PLAN = {"messages": "5", "within": "10m"}


def stage(*channels: str, **route: object) -> Stage:
    """A stage on which five messages in ten minutes are enough."""
    return Stage({**ALONE, **route}, channels=channels or ("ops",), flood=PLAN)


def raise_each(on: Stage, *names: str, severity: Severity = Severity.MAJOR) -> None:
    """One a second."""
    for name in names:
        on.raise_(name, severity=severity)
        on.wait(S)


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_beyond_the_cap_is_one_summary(*, restarts: bool) -> None:
    """Five messages, then nothing for ten minutes, then how many, and all their alarms as they were told last."""
    on = stage()
    raise_each(on, *(f"d{n}" for n in range(9)))
    if restarts:
        on.restart()
    on.clear("d8")
    on.clear("d0")
    on.wait(30 * MIN)
    assert on.story == [("raised", 0), ("raised", 1), ("raised", 2), ("raised", 3), ("raised", 4), ("updated", 605)]
    summary = on.messages[5]
    assert summary.text == (
        "[TÓM TẮT] 6 tin nhắn được gộp từ 23:14 (quá 5 tin nhắn trong 10 phút): 3 cảnh báo kỹ thuật chưa hết (CAO: 3), 2 đã hết. "
        "Xem màn hình lớn (/wall/) hoặc danh sách cảnh báo kỹ thuật (/api/v1/alarms)."
    )
    assert {alarm.device: alarm.state for alarm in summary.alarms} == {
        "d0": "cleared", "d5": "active", "d6": "active", "d7": "active", "d8": "cleared"
    }  # fmt: skip
    told = [one.by for notice in on.notices for one in notice.untold if one.reason is Reason.FLOOD]
    assert told == ["ops"] * 6


def test_critical_alarms_pass() -> None:
    """Whoever must be woken is woken; it counts like any other message."""
    on = stage()
    raise_each(on, *(f"d{n}" for n in range(6)))
    on.raise_("fire", severity=Severity.CRITICAL)
    assert [event for event, _ in on.story] == ["raised"] * 6
    assert on.devices(5) == ["fire"]


STEPS = [{"after": "1m", "channels": ["boss"]}]


def escalating(severity: Severity, *names: str, restarts: bool = False) -> Stage:
    """The boss's channel has had enough when nobody has acknowledged these alarms for a minute."""
    on = Stage(
        {**ALONE, "match": {"rule": ["other"]}, "channels": ["boss"]},
        {**ALONE, "channels": ["ops"], "escalation": STEPS},
        channels=("boss", "ops"),
        flood={**PLAN, "channels": ("boss",)},
    )
    for n in range(5):
        on.raise_(f"x{n}", rule="other")
    on.raise_(*names, severity=severity)
    if restarts:
        on.wait(30 * S)
        on.restart()
    return on


def test_escalations_of_critical_alarms_pass() -> None:
    """Whoever is called because nobody acknowledged is called at once."""
    on = escalating(Severity.CRITICAL, "fire", "smoke")
    on.wait(MIN)
    told = [message for row, message in zip(on.outbox, on.everything, strict=True) if row.channel == "boss"][5:]
    assert [([alarm.device for alarm in message.alarms], message.escalation) for message in told] == [(["fire"], 1), (["smoke"], 1)]


@pytest.mark.parametrize("restarts", [False, True])
def test_other_escalations_are_told_by_name_in_the_summary(*, restarts: bool) -> None:
    """The oldest first; what is over or acknowledged by then needs nobody."""
    names = [f"d{n}" for n in range(8)]
    on = escalating(Severity.MAJOR, *names, restarts=restarts)
    on.wait(2 * MIN)
    if restarts:
        on.restart()
    on.clear("d0")
    on.acknowledge("d1")
    on.wait(30 * MIN)
    [summary] = [message for row, message in zip(on.outbox, on.everything, strict=True) if row.channel == "boss"][5:]
    lines = summary.text.split("\n")
    assert lines[0].startswith("[TÓM TẮT] 8 tin nhắn")
    assert lines[1] == "Quá hạn chưa ai xác nhận, đã chuyển cấp trên (6):"
    assert len(lines) == 2 + 5 + 1
    assert lines[-1] == "… và 1 cảnh báo kỹ thuật khác"
    assert all(line.startswith("- Cụm loa d") and line.endswith(", Phường Việt Trì: mất kết nối") for line in lines[2:-1])
    assert not any(f"Cụm loa {gone}," in summary.text for gone in ("d0", "d1"))


def test_incidents_pass() -> None:
    """They are what keeps a flood away."""
    places = {f"d{n}": {"unit": "u1"} for n in range(10)}
    on = Stage(ALONE, places=places, flood=PLAN)
    for n in range(6):
        on.raise_(f"x{n}", rule="too_hot")
    for name in places:
        on.raise_(name)
    on.wait(MIN)
    assert [len(message.alarms) for message in on.messages] == [1] * 5 + [10]


def test_channels_are_counted_by_themselves() -> None:
    """A flood on one says nothing of another."""
    on = Stage(
        {**ALONE, "match": {"device": ["quiet"]}, "channels": ["desk"]},
        {**ALONE, "channels": ["ops"]},
        channels=("ops", "desk"),
        flood=PLAN,
    )
    raise_each(on, *(f"d{n}" for n in range(7)), "quiet")
    assert [row.channel for row in on.outbox] == ["ops"] * 5 + ["desk"]


def test_after_the_summary_messages_go_out_again() -> None:
    """Until the cap is reached once more, to which the summary counts."""
    on = stage()
    raise_each(on, *(f"d{n}" for n in range(7)))
    on.wait(15 * MIN)
    raise_each(on, *(f"e{n}" for n in range(7)))
    on.wait(15 * MIN)
    assert [event for event, _ in on.story].count("updated") == 2
    assert len(on.story) == (5 + 1) + (4 + 1)


def test_no_ten_minutes_have_more_than_the_cap_and_a_summary() -> None:
    """Three hours of a message every twenty seconds."""
    on = stage()
    raise_each(on, *(f"d{n}" for n in range(3)))
    for n in range(3 * 180):
        on.raise_(f"n{n}")
        on.wait(20 * S)
    times = [row.at for row in on.outbox]
    assert max(sum(first <= at < first + 10 * MIN for at in times) for first in times) <= 5 + 1


def test_what_waits_for_the_summary_is_listed() -> None:
    """With the channel that has had enough."""
    on = stage()
    raise_each(on, *(f"d{n}" for n in range(6)))
    assert [(one.alarm.device, one.hold, one.by) for one in on.notifier.held()] == [("d5", Hold.FLOOD, "ops")]
    on.wait(10 * MIN)
    assert on.notifier.held() == []
