"""The engine against a short reference: one rule, one device, anything that may happen to them."""

import random
from collections import Counter

from model.histories import KINDS, TIMES, History, compare
from model.reference_alarm import Reference

HISTORIES, EVENTS = 2_000, 12


def test_engine_tells_what_the_reference_tells() -> None:
    """Samples, repetitions, silence, blindness, restarts and people's acts: the same steps of the same alarms at the same times."""
    sums = compare(range(HISTORIES), EVENTS)
    assert sums.first == ()
    assert (sums.differences, sums.illegal, sums.late) == (0, 0, 0)
    assert sums.steps.keys() == {"raised", "cleared", "acknowledged", "shelved", "unshelved"}
    assert min(sums.steps.values()) > HISTORIES // 50


def test_histories_reach_every_rule_and_every_kind_of_event() -> None:
    """Else the comparison says less than it seems to."""
    histories = [History(random.Random(seed), EVENTS) for seed in range(300)]
    assert {history.times for history in histories} == set(TIMES)
    kinds = Counter(kind for history in histories for kind, _ in history.script)
    assert kinds.keys() == set(KINDS)


def test_reference_says_what_the_contract_says() -> None:
    """An alarm that must hold for a minute, is deaf for another, and lasts until a minute of cold."""
    model = Reference(for_s=60, keep_s=60)
    for now, value in ((0, 90), (60, 90), (120, 60), (150, 60), (180, 60)):
        model.tick(now, hearing=True)
        model.message(now, value)
    assert model.told == [("raised", 0, 0), ("cleared", 0, 180)]
