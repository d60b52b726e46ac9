"""One source's deliveries in order: outcomes, times, duplicates, redeliveries."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.claims import Claims
from collectors.delivery import Delivery
from collectors.ingest import Ingest
from collectors.redelivery import RedeliveryMemory
from ioc.domain.family import Family
from ioc.domain.sample import DeviceEvent, DeviceStatus, Reason, Sample

NOW = 1_700_000_000_000
DAY = 86_400_000


def ingest(families: dict[str, Family], redelivery: RedeliveryMemory | None = None) -> Ingest:
    return Ingest(families, topic_root="ioc/v1", history_limit=90 * DAY, redelivery=redelivery or RedeliveryMemory())


def message(document: object, *, device: str = "d1", channel: str = "telemetry", at: int = NOW, mid: int = 1, **flags: Any) -> Delivery:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Delivery(f"ioc/v1/speaker/{device}/{channel}".encode(), payload, at, mid, 1, **flags)


def test_each_channel_ends_as_what_it_is(families: dict[str, Family]) -> None:
    """Telemetry, event, birth and Will."""
    taken = ingest(families).read(
        [
            message({"ts": NOW, "state": "idle"}),
            message({"ts": NOW, "event": "tamper"}, channel="event"),
            message({"online": True}, channel="status"),
            message({"online": False}, channel="status"),
        ]
    )
    assert [type(one.news) for one in taken] == [Sample, DeviceEvent, DeviceStatus, DeviceStatus]
    assert [one.outcome for one in taken] == ["stored"] * 4
    assert [one.is_arrival for one in taken] == [True, True, True, False]


def test_wrong_topics_are_quarantined_each_with_its_reason(families: dict[str, Family]) -> None:
    """Identity comes from the topic, so a wrong topic has none."""
    topics = [b"ioc/v1/boat/d1/telemetry", b"ioc/v1/speaker/d1/cmd", b"ioc/v1/speaker/d1", b"ioc/v1/speaker/\xff/telemetry", b"other/x"]
    taken = ingest(families).read([Delivery(topic, b'{"state":"idle"}', NOW, 1, 1) for topic in topics])
    assert [one.refusals[0].reason for one in taken] == [
        Reason.UNKNOWN_FAMILY,
        Reason.UNKNOWN_CHANNEL,
        Reason.TOPIC,
        Reason.TOPIC,
        Reason.TOPIC,
    ]
    assert {one.outcome for one in taken} == {"quarantined"}


def test_collectors_own_topics_are_not_counted(families: dict[str, Family]) -> None:
    """Another collector's canary is no delivery of a device."""
    (taken,) = ingest(families).read([Delivery(b"ioc/v1/collector/ioc-2/telemetry", b"{}", NOW, 1, 1)])
    assert taken.outcome == ""


@pytest.mark.parametrize(("flags", "told"), [({}, [30_001, 0]), ({"dup": True}, []), ({"backlog": True}, [])])
def test_tells_a_clock_that_live_arrivals_bear_out(families: dict[str, Family], flags: dict[str, bool], told: list[int]) -> None:
    """Redelivered or waiting messages say nothing of a clock; a buffer that drains says nothing either; set right, it is told again."""
    lags = [30_001, 30_001, 30_001, 30_001, 600_000, 550_000, 500_000, 0, 0, 0]
    deliveries = [message({"ts": NOW + n * 60_000 - lag, "state": "idle"}, at=NOW + n * 60_000, **flags) for n, lag in enumerate(lags)]
    taken = ingest(families).read(deliveries)
    assert [one.clock.offset_ms for one in taken if one.clock is not None] == told
    assert [one.clock.arrival - NOW for one in taken if one.clock is not None] == [120_000, 540_000][: len(told)]


def test_repetition_with_ts_or_seq_is_a_duplicate_without_either_it_is_not(families: dict[str, Family]) -> None:
    """A device without clock that says the same twice has said it twice."""
    reader = ingest(families)
    for document, second in [
        ({"ts": NOW, "state": "idle"}, "duplicate"),
        ({"seq": 4, "state": "idle"}, "duplicate"),
        ({"state": "idle"}, "stored"),
    ]:
        first, again = reader.read([message(document), message(document, at=NOW + 1000)])
        assert (first.outcome, again.outcome) == ("stored", second)


def test_same_ts_with_a_changed_value_counts_overwritten(families: dict[str, Family]) -> None:
    """Fields merge; only a changed value counts."""
    taken = ingest(families).read(
        [message({"ts": NOW, "volume": 1}), message({"ts": NOW, "rssi_dbm": -70}), message({"ts": NOW, "rssi_dbm": -71})]
    )
    assert [one.overwritten for one in taken] == [False, False, True]


def test_burst_without_ts_keeps_its_order_and_lies_not_after_arrival(families: dict[str, Family]) -> None:
    """Fifty messages in one millisecond take fifty milliseconds, the last its arrival."""
    taken = ingest(families).read([message({"volume": n}) for n in range(50)])
    times = [one.news.ts for one in taken if isinstance(one.news, Sample)]
    assert times == sorted(set(times))
    assert times[-1] == NOW
    assert [one.assigned for one in taken] == times


def test_what_waited_without_ts_keeps_its_place_among_what_tells_its_time(families: dict[str, Family]) -> None:
    """By its arrival it would be newer than all that the device said after it, which would then change nothing."""
    minute = 60_000
    reader = ingest(families)
    reader.read([message({"ts": NOW, "volume": 1}, mid=1)])
    waited = [{"volume": 2}, {"volume": 3}, {"ts": NOW + minute, "volume": 4}, {"volume": 5}]
    taken = reader.read([message(one, at=NOW + 5 * minute, mid=mid, backlog=True) for mid, one in enumerate(waited, 2)])
    assert [one.news.ts - NOW for one in taken if isinstance(one.news, Sample)] == [1, 2, minute, minute + 1]
    assert [one.news.lag_ms for one in taken if isinstance(one.news, Sample)] == [299_999, 299_998, 4 * minute, 239_999]
    assert [one.assigned is not None for one in taken] == [True, True, False, True]
    # After a restart nothing is known of the device but what it tells next.
    taken = ingest(families).read([message(one, at=NOW + 5 * minute, mid=mid, backlog=True) for mid, one in enumerate(waited, 2)])
    assert [one.news.ts - NOW for one in taken if isinstance(one.news, Sample)] == [minute - 2, minute - 1, minute, minute + 1]
    # A device without clock has nothing else than its arrival, and so has a live message.
    (alone,) = ingest(families).read([message({"volume": 2}, at=NOW + minute, backlog=True)])
    assert alone.assigned == NOW + minute
    (live,) = reader.read([message({"volume": 6}, at=NOW + 6 * minute)])
    assert live.assigned == NOW + 6 * minute


def test_retained_telemetry_is_old_news(families: dict[str, Family]) -> None:
    """Counted, neither stored nor an arrival."""
    (taken,) = ingest(families).read([message({"state": "idle"}, retain=True)])
    assert (taken.outcome, taken.news, taken.is_arrival) == ("retained", None, False)


def test_redelivery_after_a_crash_takes_its_time_again(families: dict[str, Family]) -> None:
    """What was on disk before the crash decides; what was booked is a duplicate; what was neither is new."""
    first = ingest(families).read([message({"volume": n % 2}, mid=n) for n in range(4)])
    assigned = [(one.mark, one.assigned) for one in first[:3] if one.assigned is not None]
    memory = RedeliveryMemory([first[0].mark], assigned)
    memory.connected()
    again = ingest(families, memory).read([message({"volume": n % 2}, mid=n, at=NOW + 9000, dup=True) for n in range(4)])
    assert [one.outcome for one in again] == ["duplicate", "stored", "stored", "stored"]
    assert [one.assigned for one in again[1:3]] == [one.assigned for one in first[1:3]]
    assert again[3].assigned == NOW + 9000


def test_redelivery_of_a_time_that_was_assigned_takes_it_whatever_its_own_says_now(families: dict[str, Family]) -> None:
    """A clock a little ahead, and one that was known to be an hour slow, are judged differently after a crash: the time stays."""
    reader = ingest(families)
    hour = 3_600_000
    beats = [message({"ts": NOW + n * 60_000 - hour, "volume": n}, at=NOW + n * 60_000, mid=n) for n in range(4)]
    ahead = message({"ts": NOW + 3_000, "volume": 9}, device="d2", mid=9)
    first = reader.read([*beats, ahead])[3:]
    assert [one.clock_corrected for one in first] == [True, False]
    memory = RedeliveryMemory([], [(one.mark, one.assigned) for one in first if one.assigned is not None])
    memory.connected()
    late = NOW + 300_000
    again = ingest(families, memory).read(
        [
            message({"ts": NOW + 180_000 - hour, "volume": 3}, at=late, mid=3, dup=True),
            message({"ts": NOW + 3_000, "volume": 9}, device="d2", at=late, mid=9, dup=True),
        ]
    )
    assert [one.news.ts for one in again if isinstance(one.news, Sample)] == [NOW + 180_000, NOW]
    assert [one.clock_corrected for one in again] == [True, False]


def test_long_burst_within_one_millisecond_shares_no_time(families: dict[str, Family]) -> None:
    """Thousands of messages without ts, read at once and cut into batches."""
    reader = ingest(families)
    burst = [message({"volume": n % 100}) for n in range(6_000)]
    taken = [*reader.read(burst[:5_000]), *reader.read(burst[5_000:])]
    assert len({one.assigned for one in taken}) == 6_000
    assert max(one.assigned or 0 for one in taken) == NOW


def test_wrong_channel_is_quarantined_under_its_device_and_shows_that_it_lives(families: dict[str, Family]) -> None:
    """Whatever the payload was worth; what is said to a device is none of its doing."""
    known, command, boat = ingest(families).read(
        [
            message({"state": "idle"}, channel="data"),
            message({"state": "idle"}, channel="cmd"),
            Delivery(b"ioc/v1/boat/b1/telemetry", b"{}", NOW, 1, 1),
        ]
    )
    assert [(one.family, one.device, one.is_arrival) for one in (known, command, boat)] == [
        ("speaker", "d1", True),
        ("unknown", "d1", False),
        ("unknown", "b1", False),
    ]


def test_payload_that_our_own_code_stumbles_over_is_quarantined(families: dict[str, Family], monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a crash that the broker would hand to us again and again."""

    def stumble(_payload: bytes) -> bool:
        msg = "unforeseen"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("collectors.ingest.decode_status", stumble)
    bad, good = ingest(families).read([message({"online": True}, channel="status"), message({"state": "idle"})])
    assert (bad.outcome, bad.refusals[0].reason, good.outcome) == ("quarantined", Reason.FAULT, "stored")


def test_value_changed_at_the_same_ts_counts_over_a_message_that_did_not_hold_it(families: dict[str, Family]) -> None:
    """Fields of one instant merge, and are compared as merged."""
    taken = ingest(families).read(
        [message({"ts": NOW, "volume": 1}), message({"ts": NOW, "rssi_dbm": -70}), message({"ts": NOW, "volume": 2})]
    )
    assert [one.overwritten for one in taken] == [False, False, True]


def test_redelivery_within_one_process_is_a_duplicate(families: dict[str, Family]) -> None:
    """A reconnect repeats what we hold already."""
    memory = RedeliveryMemory()
    reader = ingest(families, memory)
    reader.read([message({"volume": 1}, mid=7)])
    memory.connected()
    (again,) = reader.read([message({"volume": 1}, mid=7, dup=True)])
    assert again.outcome == "duplicate"
    memory.caught_up()
    (later,) = reader.read([message({"volume": 1}, mid=7, dup=True)])
    assert later.outcome == "stored"


def test_memory_of_devices_is_bounded(families: dict[str, Family]) -> None:
    """A hundred thousand strangers leave only so many traces."""
    reader = Ingest(families, topic_root="ioc/v1", history_limit=DAY, redelivery=RedeliveryMemory(), most=100)
    for channel in ("telemetry", "event", "status"):
        reader.read([message({"state": "idle", "event": "reboot", "online": True}, device=f"d{n}", channel=channel) for n in range(1000)])
    assert reader.devices == 100
    assert reader._routes.topics <= 300


def test_forgotten_device_takes_its_vendors_topics_along(families: dict[str, Family]) -> None:
    """However many topics a dialect lets it speak on."""
    spoken = ("group_heartbeat",)
    reader = Ingest(families, topic_root="ioc/v1", history_limit=DAY, redelivery=RedeliveryMemory(), dialects=spoken, most=10)
    beat = b'{"sn": "s", "t": %d, "id": 1, "vol": 50}' % (NOW // 1000)
    taken = reader.read([Delivery(b"tx/g%d/d%d" % (group, n), beat, NOW, 1, 1) for n in range(100) for group in range(3)])
    assert [one.outcome for one in taken] == ["stored", "duplicate", "duplicate"] * 100
    assert reader._routes.topics == 30


def test_only_the_first_to_tell_of_a_device_is_sure_of_points_of_its_own(families: dict[str, Family]) -> None:
    """Two sources give one point twice; so do two families of one device id with their events. Too many devices: nobody is sure."""
    claims = Claims(most=3)
    one, two = (
        Ingest(families, topic_root="ioc/v1", history_limit=DAY, redelivery=RedeliveryMemory(), source=source, claims=claims)
        for source in ("ioc-1", "ioc-2")
    )
    body = {"ts": NOW, "event": "reboot", "volume": 1}
    said = [message(body, channel="event"), message(body)]
    other = Delivery(b"ioc/v1/network_site/d1/event", said[0].payload, NOW, 9, 1)
    assert [taken.fresh for taken in one.read([*said, other])] == [True, True, False]
    assert [taken.fresh for taken in two.read(said)] == [False, False]
    assert [taken.fresh for taken in one.read([message(body, device="d2", channel=c) for c in ("event", "telemetry")])] == [False, False]


def test_poison_leaves_no_trace_in_memory(families: dict[str, Family]) -> None:
    """Neither topics that nothing can be read from, nor payloads; devices that send junk are bounded like others."""
    reader = Ingest(families, topic_root="ioc/v1", history_limit=DAY, redelivery=RedeliveryMemory(), most=10)
    junk = [message(b"\xff" * n, device=f"d{n}", mid=n) for n in range(200)]
    lost = [Delivery(topic, b"{}", NOW, 1, 1) for n in range(200) for topic in (b"\xff%d" % n, b"ioc/v1/nothing/%d/telemetry" % n)]
    assert {one.outcome for one in reader.read([*junk, *lost])} == {"quarantined"}
    assert reader.devices == 10
    assert reader._routes.topics <= 30


def test_forgotten_device_is_not_taken_for_fresh(families: dict[str, Family]) -> None:
    """What it tells again may be in the store already; what is later than all that was forgotten can't be."""
    reader = Ingest(families, topic_root="ioc/v1", history_limit=DAY, redelivery=RedeliveryMemory(), most=1)
    (first,) = reader.read([message({"ts": NOW - 10, "volume": 1}, device="d1")])
    (other,) = reader.read([message({"ts": NOW - 20, "volume": 1}, device="d2")])
    (again,) = reader.read([message({"ts": NOW - 10, "volume": 1}, device="d1")])
    (later,) = reader.read([message({"ts": NOW - 9, "volume": 1}, device="d1")])
    assert [one.fresh for one in (first, other, again, later)] == [True, False, False, True]


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from([None, NOW, NOW - 5000, NOW + 99_999])), max_size=40),
    st.data(),
)
def test_cutting_a_stream_into_batches_changes_no_outcome(families: dict[str, Family], stream: list[Any], data: st.DataObject) -> None:
    """Batches are a matter of speed only (assigned times aside, which depend on what arrives together)."""
    deliveries = [
        message({"volume": volume} if ts is None else {"ts": ts, "volume": volume}, device=f"d{device}", at=NOW + 100 * n, mid=n)
        for n, (device, volume, ts) in enumerate(stream)
    ]
    cut = data.draw(st.integers(0, len(deliveries)))
    whole, parts = ingest(families), ingest(families)
    expected = whole.read(deliveries)
    got = [*parts.read(deliveries[:cut]), *parts.read(deliveries[cut:])]
    assert [(one.outcome, one.overwritten, one.clock_corrected) for one in got] == [
        (one.outcome, one.overwritten, one.clock_corrected) for one in expected
    ]
