"""Rules about many devices at once: a share of a commune, or a number of those with one label."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.lifecycle import Act
from alerts.rule import Rule
from ioc.domain.alarm import GROUP, Step
from ioc.domain.registry import Device
from ruling.stage import MINUTE, NOON, SECOND, Stage, deaf, offline, online, rule, sample, tick, told, unknown

OUT: dict[str, Any] = {"any": [{"kind": "absence"}, {"kind": "threshold", "metric": "audio_dbfs", "below": "-50"}]}
TEXT = {"vi": "{unit_name}: {value}", "en": "{unit_name}: {value}"}


def share(at_least: str = "30%", **keys: Any) -> Rule:
    """Clusters of a commune that are offline or without sound."""
    return rule({"kind": "group", "at_least": at_least, "of": OUT}, summary=TEXT, **keys)


def commune(count: int = 10, unit: str = "u1", carrier: str = "Viettel") -> list[Device]:
    """Its devices."""
    return [Device(device=f"{unit}-{one}", family="speaker", unit=unit, labels={"carrier": carrier}) for one in range(count)]


def begun(*rules: Rule, devices: list[Device] | None = None) -> Stage:
    """Everybody online and with sound."""
    stage = Stage(*rules, devices=devices or commune())
    stage.commit(stage.engine.reconcile(NOON))
    for device in stage.devices:
        stage.step(online(NOON, device), sample(NOON, device, audio_dbfs=-20.0))
    return stage


def test_raises_one_alarm_about_the_unit_and_says_how_many() -> None:
    """At the device that makes the share, and it clears when the share is left."""
    stage = begun(share())
    assert stage.step(offline(NOON + MINUTE, "u1-0"), sample(NOON + MINUTE, "u1-1", audio_dbfs=-60.0)) == []
    assert stage.step(offline(NOON + 2 * MINUTE, "u1-2")) == ["raised rule 120"]
    [alarm] = stage.engine.active()
    assert (alarm.device, alarm.unit, alarm.family, alarm.labels) == (None, "u1", "speaker", {GROUP: "unit=u1"})
    assert alarm.summary == {"vi": "Phường Việt Trì: 3 trên 10 thiết bị (30 %)", "en": "Phường Việt Trì: 3 of 10 devices (30 %)"}
    assert stage.journal[0].detail == "3 of 10, 0 not known"
    assert stage.step(offline(NOON + 3 * MINUTE, "u1-3")) == []
    assert stage.step(online(NOON + 4 * MINUTE, "u1-0"), sample(NOON + 4 * MINUTE, "u1-0", audio_dbfs=-20.0)) == []
    assert stage.step(sample(NOON + 5 * MINUTE, "u1-1", audio_dbfs=-20.0)) == ["cleared rule 300"]


def test_counts_devices_by_a_label() -> None:
    """Across units; devices without it belong to no group."""
    devices = [*commune(3, "u1", "Viettel"), *commune(3, "u2", "Viettel"), *commune(3, "u3", "")]
    stage = begun(rule({"kind": "group", "by": "carrier", "at_least": "4", "of": OUT}), devices=devices)
    for one in ("u1-0", "u2-0", "u2-1", "u3-0", "u3-1"):
        assert stage.step(offline(NOON + MINUTE, one)) == []
    assert stage.step(offline(NOON + MINUTE, "u1-1")) == ["raised rule 60"]
    [alarm] = stage.engine.active()
    assert (alarm.unit, alarm.labels) == (None, {"carrier": "Viettel", GROUP: "carrier=Viettel"})


def test_what_can_not_be_told_neither_raises_nor_clears() -> None:
    """Members that nobody hears count among all, and not among those of which it holds."""
    stage = begun(share("50%"))
    stage.step(*(unknown(NOON + MINUTE, f"u1-{one}") for one in range(6)))
    assert stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(6, 10))) == []
    assert stage.step(offline(NOON + 2 * MINUTE, "u1-0")) == ["raised rule 120"]
    for minute, one in enumerate(("u1-0", "u1-1", "u1-2", "u1-3", "u1-4"), 3):
        assert stage.step(online(NOON + minute * MINUTE, one), sample(NOON + minute * MINUTE, one, audio_dbfs=-20.0)) == []
    assert stage.step(online(NOON + 9 * MINUTE, "u1-5"), sample(NOON + 9 * MINUTE, "u1-5", audio_dbfs=-20.0)) == ["cleared rule 540"]


def test_small_groups_are_left_out() -> None:
    """One of two is no share of a commune."""
    stage = begun(share(), devices=commune(2))
    assert stage.step(offline(NOON + MINUTE, "u1-0"), offline(NOON + MINUTE, "u1-1")) == []


def test_waits_and_stands_still_while_we_are_deaf() -> None:
    """`for` is counted in time in which we hear."""
    stage = begun(share(**{"for": "5m"}))
    stage.step(tick(NOON), *(offline(NOON, f"u1-{one}") for one in range(4)), tick(NOON + 2 * MINUTE))
    assert stage.step(deaf(NOON + 3 * MINUTE), tick(NOON + 30 * MINUTE)) == []
    assert stage.step(tick(NOON + 32 * MINUTE)) == []
    assert stage.step(tick(NOON + 34 * MINUTE))[0].startswith("raised rule")


def test_a_restart_repeats_and_misses_nothing() -> None:
    """An alarm stands until enough is heard; then it clears as it would have."""
    stage = begun(share())
    stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(4)))
    assert stage.restart() == []
    assert stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(4))) == []
    later = NOON + 5 * MINUTE
    back = [(online(later, f"u1-{one}"), sample(later, f"u1-{one}", audio_dbfs=-20.0)) for one in range(10)]
    assert stage.step(*(news for one in back for news in one)) == ["cleared rule 300"]
    assert [entry.step.value for entry in stage.journal] == ["raised", "cleared"]


def test_a_restart_with_some_heard_raises_nothing_of_the_rest() -> None:
    """Three that are offline are no share of three when the others have not spoken yet."""
    stage = begun(share("50%"))
    assert stage.restart() == []
    assert stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(3))) == []


def test_withdrawn_with_the_rule_and_cleared_with_the_members() -> None:
    """A rule that goes, and devices that go."""
    stage = begun(share(), share(id="other"))
    stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(3)))
    gone = stage.commit(stage.engine.replace_rules([share()], NOON + 2 * MINUTE))
    assert [told(entry) for entry in gone.transitions] == ["withdrawn other 120"]
    del stage.devices["u1-0"]
    cleared = stage.commit(stage.engine.device_changed("u1-0", NOON + 3 * MINUTE))
    assert [told(entry) for entry in cleared.transitions] == ["cleared rule 180"]
    new = stage.commit(stage.engine.replace_rules([share("2", id="new")], NOON + 4 * MINUTE))
    assert [told(entry) for entry in new.transitions] == ["raised new 240"]


def test_withdrawing_a_rule_ends_what_it_says_of_groups() -> None:
    """As of single devices."""
    stage = begun(share())
    stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(3)))
    gone = stage.commit(stage.engine.withdraw(NOON + 2 * MINUTE, rule="rule"))
    assert [told(entry) for entry in gone.transitions] == ["withdrawn rule 120"]
    assert stage.states == {}


def test_a_person_clears_it_until_it_is_over() -> None:
    """As any other alarm."""
    stage = begun(share())
    stage.step(*(offline(NOON + MINUTE, f"u1-{one}") for one in range(3)))
    [alarm] = stage.engine.active()
    outcome = stage.commit(stage.engine.act(alarm, Act(step=Step.CLEARED, by="an"), NOON + 2 * MINUTE))
    assert [entry.step for entry in outcome.transitions] == [Step.CLEARED]
    assert stage.step(offline(NOON + 3 * MINUTE, "u1-3")) == []


@given(
    news=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(("off", "quiet", "loud"))), max_size=40),
    again=st.booleans(),
    needed=st.sampled_from(("20%", "50%", "100%", "2", "5")),
)
@settings(max_examples=200)
def test_stands_exactly_while_enough_members_are_out(news: list[tuple[int, str]], again: bool, needed: str) -> None:  # noqa: FBT001
    """Against a count of all members after each news, told once or twice."""
    stage, out = begun(share(needed), devices=commune(6)), set[int]()
    number = int(needed[:-1]) / 100 * 6 if needed.endswith("%") else int(needed)
    for place, (one, what) in enumerate(news, 1):
        at, device = NOON + place * SECOND, f"u1-{one}"
        inputs = (
            [offline(at, device)]
            if what == "off"
            else [online(at, device), sample(at, device, audio_dbfs=-60.0 if what == "quiet" else -9.0)]
        )
        stage.step(*inputs)
        if again:
            assert stage.step(*inputs) == []
        out = out - {one} if what == "loud" else out | {one}
        assert bool(stage.engine.active()) is (len(out) >= number)
