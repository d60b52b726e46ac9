"""A restart loses nothing and says nothing twice, whatever state alarms and messages are in."""

from pathlib import Path

from harm import restarts
from harm.restarts import NAMED, STEP


async def test_restart_in_each_state_misses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Pending, waiting for its group, firing, acknowledged, silenced, shelved, keep-firing, cleared; then all of these in one run."""
    whole = await restarts.live_through(tmp_path / "whole")
    assert {step for _, _, step, _ in whole.journal} == {"raised", "acknowledged", "shelved", "unshelved", "cleared"}
    assert {event for event, *_ in whole.messages} == {"raised", "updated", "cleared"}
    moments = {name: frozenset({at // STEP}) for name, at in NAMED.items()}
    moments["all of them"] = frozenset(at // STEP for at in NAMED.values())
    for name, steps in moments.items():
        found = restarts.difference(whole, await restarts.live_through(tmp_path / name.replace(" ", "_"), restarts=steps))
        assert (name, found.missed, found.extra) == (name, (), ())
        assert found.absences_missed == 0 or len(steps) > 1
        assert found.late_ms <= len(steps) * 60_000
        assert found.absent_late_ms <= len(steps) * (restarts.SILENCE_MS + STEP)
