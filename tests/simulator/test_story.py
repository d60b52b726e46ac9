"""The story as data: who, when, how long."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.family import Family
from ioc.domain.registry import Device
from ioc.simulator.story import STORY, bulletins, cast_roles, length_s, turns


def test_story_is_over_within_five_minutes() -> None:
    """At speed 1 the last beat has ended after 300 s, and the story begins again after ten minutes."""
    assert turns(STORY, 1)[-1].at_s <= 300
    assert length_s(STORY, 1) == 600


@given(st.floats(0.2, 100))
def test_speed_shortens_waits_but_not_beats(speed: float) -> None:
    """However fast, each beat outlasts a rule that waits 60 s, and a calm minute follows the last."""
    listed = turns(STORY, speed)
    assert [turn.at_s for turn in listed] == sorted(turn.at_s for turn in listed)
    for beat in STORY:
        begins, ends = (next(turn.at_s for turn in listed if turn.beat is beat and turn.begins is which) for which in (True, False))
        assert ends - begins >= 90 - 1e-6
    assert length_s(STORY, speed) >= listed[-1].at_s + 60


def test_roles_do_not_meet(province: list[Device]) -> None:
    """The storm takes a whole commune; the others happen elsewhere, each to one device of the right family."""
    roles = cast_roles(province)
    rows = {device.device: device for device in province}
    struck = {rows[device].unit for device in roles["commune"]}
    assert len(struck) == 1
    assert len(roles["commune"]) == sum(1 for device in province if device.unit in struck) >= 4
    others = [device for role in ("silent", "intruder", "sim", "line") for device in roles[role]]
    assert len(set(others)) == 4
    assert not {rows[device].unit for device in others} & struck
    assert [rows[device].family for device in others] == ["speaker", "speaker", "speaker", "factory_line"]
    assert cast_roles(list(reversed(province))) == roles


def test_story_changes_only_declared_metrics(families: dict[str, Family]) -> None:
    """Each beat's metrics exist in one family: nothing but physical signals is touched."""
    for beat in STORY:
        touched = set(beat.change.values) | beat.change.halted
        assert beat.cut != bool(touched)
        assert any(touched <= set(family.index) for family in families.values())


def test_roles_of_a_small_fleet_may_stay_empty() -> None:
    """Two devices without place: no storm, no line."""
    roles = cast_roles([Device(device="a", family="speaker"), Device(device="b", family="speaker")])
    assert roles["commune"] == roles["line"] == ()


def test_bulletins_play_by_day_only(province: list[Device]) -> None:
    """At noon some communes play, at midnight none; everything else stays as it is."""
    noon = int(datetime(2026, 3, 2, 5, 0, tzinfo=UTC).timestamp() * 1000)
    midnight = noon + 12 * 3_600_000
    speakers = [device for device in province if device.family == "speaker"]
    playing = [device for device in speakers if bulletins(device, noon).values]
    assert 0 < len(playing) < len(speakers)
    assert not [device for device in speakers if bulletins(device, midnight).values]
    assert not [device for device in province if device.family != "speaker" and bulletins(device, noon).values]
