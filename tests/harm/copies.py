"""A stream with every message repeated ten times, shuffled and up to six hours late, beside the same stream as it was."""

import hashlib
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from alerts.inputs import Input
from collectors.delivery import Delivery
from collectors.ingest import Ingest
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from ioc.domain.point import FieldValue
from ruling.stage import FAMILIES, HOT, NOON, PLAYING, Stage, rule, tick

COPIES = 10
LATE_MS = 6 * 3_600_000
CADENCE_MS = 60_000
TICK_MS = 15_000
DAY_MS = 86_400_000
RULES = (
    rule(HOT, id="hot"),
    rule(PLAYING, id="playing", **{"for": "90s", "keep_firing_for": "60s"}),
    rule({"kind": "event", "name": "tamper"}, id="tamper", keep_firing_for="120s"),
)
DEVICES = ("d1", "d2")

Stored = dict[tuple[str, object, int], dict[str, FieldValue]]


@dataclass(frozen=True, slots=True)
class End:
    """What is there in the end: a hash over all points, the alarms' journal, and the outcomes counted."""

    points: str
    journal: tuple[tuple[str, str, str, int], ...]
    outcomes: dict[str, int]


def stream(dice: random.Random, minutes: int = 100) -> list[Delivery]:
    """Two loudspeakers that fall ill, play and are tampered with, a message a minute and an event now and then, 200 ms on the way."""
    found = []
    mid = 0
    for minute in range(minutes):
        for device in DEVICES:
            mid += 1
            ts = NOON + minute * CADENCE_MS + dice.randint(0, 5_000)
            body: dict[str, object] = {
                "ts": ts, "seq": mid, "state": dice.choice(("idle", "playing")), "amp_temp_c": dice.choice((40.0, 95.0)), "volume": mid,
            }  # fmt: skip
            channel = "telemetry"
            if dice.random() < 0.2:
                channel, body = "event", {"ts": ts, "event": dice.choice(("tamper", "reboot")), "n": mid}
            found.append(Delivery(f"ioc/v1/speaker/{device}/{channel}".encode(), json.dumps(body).encode(), ts + 200, mid, 1))
    return sorted(found, key=attrgetter("arrival"))


def repeated(clean: Iterable[Delivery], dice: random.Random, copies: int = COPIES, late_ms: int = LATE_MS) -> list[Delivery]:
    """The originals when they came, and `copies` more of each in any order: some at once, some hours late, some marked DUP."""
    found = []
    for delivery in clean:
        found.append(delivery)
        for _ in range(copies):
            late = dice.choice((dice.randint(0, 2_000), dice.randint(0, 20 * CADENCE_MS), dice.randint(0, late_ms)))
            found.append(Delivery(delivery.topic, delivery.payload, delivery.arrival + late, delivery.mid, 1, dup=dice.random() < 0.2))
    dice.shuffle(found)
    return sorted(found, key=attrgetter("arrival"))


def play(deliveries: list[Delivery], until: int) -> End:
    """Decodes, decides and stores as the pipeline does, in batches between two ticks; ends at `until`."""
    ingest = Ingest(FAMILIES, topic_root="ioc/v1", history_limit=90 * DAY_MS, redelivery=RedeliveryMemory())
    encoder, stage = PointEncoder(FAMILIES), Stage(*RULES)
    stored: Stored = {}
    outcomes: dict[str, int] = {}
    waiting = iter([*deliveries, None])
    following = next(waiting)
    for at in range(NOON, until + TICK_MS, TICK_MS):
        batch = []
        while following is not None and following.arrival < at:
            batch.append(following)
            following = next(waiting)
        inputs: list[Input] = []
        for taken in ingest.read(batch):
            outcomes[taken.outcome] = outcomes.get(taken.outcome, 0) + 1
            point = encoder.point(taken)
            if point is not None:
                stored.setdefault((point.measurement, point.tags, point.ts), {}).update(point.fields)
            inputs += [news for news in (taken.news, taken.clock) if news is not None]
        stage.step(*inputs, tick(at), now=at)
    # Device by device: in which order two devices are told of within one batch is no part of what happened.
    history = sorted(stage.journal, key=lambda one: one.device or "")
    return End(_hash(stored), tuple((one.rule, one.device or "", one.step.value, one.at) for one in history), outcomes)


def _hash(stored: Stored) -> str:
    """Over all fields but `lag_ms`, which says how late the last copy came."""
    digest = hashlib.sha256()
    for key in sorted(stored, key=repr):
        fields = {name: value for name, value in sorted(stored[key].items()) if name != "lag_ms"}
        digest.update(repr((key, fields)).encode())
    return digest.hexdigest()


def compare(seed: int) -> tuple[End, End]:
    """(the stream as it was, the stream with its copies), over the same time."""
    dice = random.Random(seed)
    clean = stream(dice)
    noisy = repeated(clean, dice)
    until = max(delivery.arrival for delivery in noisy)
    return play(clean, until), play(noisy, until)
