"""How many points the store must hold follows from what was booked, whatever devices tell and however often we start."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collectors.accounting import HOUR_MS, book_batch
from collectors.delivery import Delivery
from collectors.ingest import Ingest
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from ioc.domain.family import Family

NOW = 1_700_000_000_000
HISTORY = 90 * 86_400_000

messages = st.lists(
    st.tuples(
        st.integers(0, 3),  # device
        st.one_of(st.none(), st.integers(-4_000, 10).map(lambda seconds: seconds * 1000), st.just(-40 * 86_400_000)),  # ts beside arrival
        st.integers(0, 2),  # volume: equal ones may be repetitions
        st.sampled_from(["telemetry", "telemetry", "event"]),
    ),
    max_size=12,
)


def ingest(families: dict[str, Family], *, told_until: int, most: int) -> Ingest:
    return Ingest(families, topic_root="ioc/v1", history_limit=HISTORY, redelivery=RedeliveryMemory(), most=most, told_until=told_until)


@given(runs=st.lists(st.lists(messages, max_size=4), min_size=1, max_size=3), most=st.integers(1, 5))
def test_points_in_the_store_are_never_fewer_than_certain_nor_more_than_possible(
    families: dict[str, Family], runs: list[list[list[tuple[int, int | None, int, str]]]], most: int
) -> None:
    """By measurement and hour; repetitions, history, wrong clocks, forgotten devices and restarts included."""
    held: set[tuple[str, object, int]] = set()
    certain: Counter[tuple[str, int]] = Counter()
    possible: Counter[tuple[str, int]] = Counter()
    encoder = PointEncoder(families)
    arrival, told_until = NOW, 0
    for run in runs:
        reader = ingest(families, told_until=told_until, most=most)
        for batch in run:
            deliveries = []
            for device, offset, volume, channel in batch:
                arrival += 250
                document = {"volume": volume, "event": "reboot"} | ({} if offset is None else {"ts": arrival + offset})
                topic = f"ioc/v1/speaker/d{device}/{channel}".encode()
                deliveries.append(Delivery(topic, json.dumps(document).encode(), arrival, len(deliveries) + 1, 1))
            taken = reader.read(deliveries)
            for one in taken:
                one.point = encoder.point(one)
                if one.point is not None and one.outcome == "stored":
                    held.add((one.point.measurement, one.point.tags, one.point.ts))
            for expected in book_batch("ioc-1", taken, spooled_as=None).expected:
                key = (expected.measurement, expected.hour)
                certain[key] += expected.certain
                possible[key] += expected.certain + expected.uncertain
        told_until = arrival + 60_000 if run else told_until
        arrival = told_until
    counted = Counter((measurement, ts - ts % HOUR_MS) for measurement, _, ts in held)
    assert set(counted) == set(possible)
    assert all(certain[key] <= counted[key] <= possible[key] for key in counted)


def test_steady_device_is_certain_from_its_first_message_on(families: dict[str, Family]) -> None:
    """Also after a restart, but for what it tells again."""
    reader = ingest(families, told_until=NOW, most=10)
    topic = b"ioc/v1/speaker/d1/telemetry"
    deliveries = [Delivery(topic, b'{"ts": %d, "volume": 1}' % (NOW + n * 1000), NOW + 90_000, n + 2, 1) for n in range(-1, 5)]
    assert [taken.fresh for taken in reader.read(deliveries)] == [False, False, True, True, True, True]
