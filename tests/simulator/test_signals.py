"""What simulated sensors show fits what the families declare."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.decode import compile_decoder
from ioc.domain.family import Family, MetricType
from ioc.simulator.signals import Change, Ramp, Signals
from ioc.simulator.story import STORY

HOUR = 3_600_000


@pytest.mark.parametrize("name", ["speaker", "factory_line", "network_site"])
def test_readings_decode_without_refusal(families: dict[str, Family], name: str) -> None:
    """Our own decoder takes every simulated message whole, in every beat of the story."""
    family = families[name]
    decode = compile_decoder(family)
    fitting = [beat.change for beat in STORY if set(beat.change.values) <= set(family.index)]
    for seed in range(20):
        signals = Signals(family, seed=str(seed))
        for step, change in enumerate(fitting * 3):
            fields = decode(msgspec.json.encode({"ts": step, "seq": step, **signals.read(step * 60_000, change)}))
            assert (fields.refusals, fields.refused, fields.unmapped) == ((), (), ())
            assert all(fields.values[family.index[metric]] is not None for metric in change.values)


@given(st.text(max_size=8), st.lists(st.integers(0, HOUR), min_size=2, max_size=12))
def test_counters_never_fall(families: dict[str, Family], seed: str, waits: list[int]) -> None:
    """A cumulative metric grows with time, and stands still while halted."""
    family = families["factory_line"]
    counters = [metric.name for metric in family.metrics if metric.cumulative]
    signals = Signals(family, seed=seed)
    now, before = 0, signals.read(0)
    for wait in waits:
        now += wait
        readings = signals.read(now)
        assert all(readings[name] >= before[name] for name in counters)  # type: ignore[operator]
        before = readings
    halted = signals.read(now + HOUR, Change(halted=frozenset(counters)))
    assert {name: halted[name] for name in counters} == {name: before[name] for name in counters}


def test_same_seed_gives_the_same_device(families: dict[str, Family]) -> None:
    """Readings repeat with the seed, differ with another."""
    family = families["speaker"]
    first, again, other = (Signals(family, seed=seed).read(0) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


def test_ramp_climbs_and_stays(families: dict[str, Family]) -> None:
    """A value under a ramp goes from its start to its end, then holds."""
    signals = Signals(families["speaker"], seed="a")
    change = Change(values={"data_used_mb": Ramp(1_780, 1_960, 20_000)})
    shown = [signals.read(1_000 + at, change, 1_000)["data_used_mb"] for at in (0, 10_000, 20_000, 90_000)]
    assert shown == [1_780, 1_870, 1_960, 1_960]


def test_metric_without_signal_is_absent_until_something_changes_it(families: dict[str, Family]) -> None:
    """`bulletin` has no signal: a cluster that plays nothing does not report it."""
    signals = Signals(families["speaker"], seed="a", fixed={"carrier": "Viettel"})
    calm = signals.read(0)
    assert "bulletin" not in calm
    assert calm["carrier"] == "Viettel"
    assert signals.read(1, Change(values={"bulletin": "Bản tin sáng"}))["bulletin"] == "Bản tin sáng"
    kinds = {metric.name: metric.type for metric in families["speaker"].metrics}
    assert all(isinstance(value, bool) for name, value in calm.items() if kinds[name] is MetricType.BOOL)


def test_family_without_signals_stands_still_within_its_ranges() -> None:
    """A site's own family is simulated from its types and ranges alone; texts stay away."""
    label = {"vi": "x", "en": "x"}
    metrics = {
        "level": {"type": "float", "min": 2, "max": 6, "labels": label},
        "count": {"type": "int", "labels": label},
        "cycle": {"type": "float", "above": 0, "labels": label},
        "on": {"type": "bool", "labels": label},
        "mode": {"type": "enum", "values": ["auto", "hand"], "labels": label},
        "note": {"type": "string", "labels": label},
    }
    family = Family.model_validate({"family": "own", "labels": label, "cadence": "1s", "metrics": metrics})
    readings = Signals(family, seed="1").read(0)
    assert readings == {"level": 4.0, "count": 0, "cycle": 1.0, "on": False, "mode": "auto"}
    fields = compile_decoder(family)(msgspec.json.encode(readings))
    assert (fields.refusals, fields.refused, fields.unmapped) == ((), (), ())
