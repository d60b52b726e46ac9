"""A clock that is set, beside one that nobody can set."""

from alerts.inputs import ClockStep
from ioc.app.clock_watch import ClockWatch


def test_clock_that_is_set_is_told_once_with_how_far() -> None:
    """Time that passes is no step, however much of it; nor is a second of slewing."""
    times = {"day": 1_000_000, "up": 5_000}
    watch = ClockWatch(lambda: times["day"], lambda: times["up"])
    for passed, told, expected in ((1_000, 1_000, []), (600_000, 600_400, []), (1_000, -119_000, [-120_000]), (1_000, 1_000, [])):
        times["up"] += passed
        times["day"] += told
        assert watch.steps() == [ClockStep(times["day"], by) for by in expected]
