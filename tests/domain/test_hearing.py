"""Listening time, blindness and who is alive by it."""

from ioc.domain.hearing import BLIND_AFTER_MS, CANARY_EVERY_MS, Hearing
from ioc.domain.liveness import WILL_GRACE_MS, LivenessBook
from ioc.domain.liveness_change import Cause, Liveness

START = 1_700_000_000_000
SILENCE = 180_000


def listen(hearing: Hearing, start: int, end: int) -> int:
    """Canaries every 5 s from start to end; the last one's send time."""
    at = start
    while at <= end:
        hearing.canary_back(sent_at=at, arrival=at + 20)
        at += CANARY_EVERY_MS
    return at - CANARY_EVERY_MS


def book(start: int = START) -> tuple[Hearing, LivenessBook]:
    hearing = Hearing(start)
    lives = LivenessBook(hearing)
    lives.track("d1", "speaker", SILENCE)
    hearing.canary_back(sent_at=start, arrival=start + 10)
    return hearing, lives


def test_hearing_counts_only_spans_between_canaries_of_one_connection() -> None:
    """An outage between two connections adds nothing to the listening time."""
    hearing = Hearing(START)
    listen(hearing, START, START + 60_000)
    hearing.disconnected()
    listen(hearing, START + 600_000, START + 660_000)
    assert hearing.listening == 120_000


def test_hearing_ignores_a_step_of_the_host_clock() -> None:
    """An hour's jump of our own clock is not an hour of listening."""
    hearing = Hearing(START)
    last = listen(hearing, START, START + 20_000)
    listen(hearing, last + 3_600_000, last + 3_610_000)
    assert hearing.listening == 30_000


def test_hearing_is_blind_within_ten_seconds_of_the_last_canary() -> None:
    """Blindness is known before 10 s have passed and ends with the next canary."""
    hearing = Hearing(START)
    hearing.canary_back(sent_at=START, arrival=START)
    assert not hearing.blind(START + BLIND_AFTER_MS)
    assert hearing.blind(START + 9_000)
    hearing.canary_back(sent_at=START + 9_500, arrival=START + 9_600)
    assert not hearing.blind(START + 9_700)


def test_broker_that_stood_still_proves_no_silence() -> None:
    """Canaries that waited in a frozen broker say that we hear again, not that the devices were silent."""
    hearing, lives = book()
    lives.arrival("d1", START + 1_000)
    last = listen(hearing, START + 5_000, START + 170_000)
    for sent_at in (last + 5_000, last + 10_000, last + 15_000):
        hearing.canary_back(sent_at=sent_at, arrival=last + 20_000)
    assert not hearing.blind(last + 21_000)
    assert lives.tick(last + 20_000) == []
    assert hearing.heard_until == last + 15_000 or hearing.heard_until == last
    again = listen(hearing, last + 25_000, last + 35_000)
    assert lives.tick(again) == []
    (change,) = lives.tick(listen(hearing, again + 5_000, again + 10_000))
    assert change.cause is Cause.SILENCE


def test_device_goes_offline_after_its_silence_in_listening_time() -> None:
    """Three missed beats that we would have heard, not before."""
    hearing, lives = book()
    change = lives.arrival("d1", START + 1_000)
    assert change is not None
    assert (change.state, change.cause) == (Liveness.ONLINE, Cause.ARRIVAL)
    last = listen(hearing, START + 5_000, START + 180_000)
    assert lives.tick(last) == []
    last = listen(hearing, last + 5_000, last + 5_000)
    (change,) = lives.tick(last)
    assert (change.device, change.state, change.cause) == ("d1", Liveness.OFFLINE, Cause.SILENCE)
    assert lives.tick(last + 5_000) == []


def test_device_stays_online_through_our_own_deafness() -> None:
    """Ten minutes without a broker say nothing about a device."""
    hearing, lives = book()
    lives.arrival("d1", START + 1_000)
    hearing.disconnected()
    last = listen(hearing, START + 600_000, START + 700_000)
    assert lives.tick(last) == []
    assert lives.state("d1") is Liveness.ONLINE


def test_will_makes_offline_ten_seconds_after_the_last_arrival() -> None:
    """A Will is a hint that an arrival takes back."""
    _, lives = book()
    lives.arrival("d1", START + 1_000)
    lives.will("d1", START + 2_000)
    assert lives.tick(START + 1_000 + WILL_GRACE_MS - 1) == []
    (change,) = lives.tick(START + 1_000 + WILL_GRACE_MS)
    assert change.cause is Cause.WILL
    lives.arrival("d1", START + 20_000)
    lives.will("d1", START + 21_000)
    lives.arrival("d1", START + 22_000)
    assert lives.tick(START + 60_000) == []


def test_retained_status_tells_offline_or_unknown_but_never_online() -> None:
    """What the broker kept is old news."""
    _, lives = book()
    assert lives.retained("d1", online=True, at=START) is None
    change = lives.retained("d1", online=False, at=START)
    assert change is not None
    assert change.state is Liveness.OFFLINE


def test_never_seen_device_becomes_unknown_by_a_retained_birth() -> None:
    """Registered and never heard is offline; a retained birth makes that unknown, silence offline again."""
    hearing, lives = book()
    lives.never_seen("d1", START)
    assert lives.state("d1") is Liveness.OFFLINE
    change = lives.retained("d1", online=True, at=START)
    assert change is not None
    assert change.state is Liveness.UNKNOWN
    last = listen(hearing, START + 5_000, START + 190_000)
    (change,) = lives.tick(last)
    assert change.state is Liveness.OFFLINE


def test_never_seen_device_is_told_of_once_it_could_have_been_heard() -> None:
    """Offline from its import on; the change, with that date, comes after its silence in listening time."""
    hearing, lives = book()
    lives.never_seen("d1", START - 5_000)
    last = listen(hearing, START + 5_000, START + 180_000)
    assert lives.tick(last) == []
    last = listen(hearing, last + 5_000, last + 5_000)
    (change,) = lives.tick(last)
    assert (change.state, change.at) == (Liveness.OFFLINE, START - 5_000)


def test_restored_device_that_was_online_is_unknown_until_heard_or_silent() -> None:
    """A restart claims nothing that it has not heard itself."""
    hearing, lives = book()
    lives.restore("d1", state=Liveness.ONLINE, last_arrival=START - 60_000)
    assert lives.state("d1") is Liveness.UNKNOWN
    last = listen(hearing, START + 5_000, START + 185_000)
    (change,) = lives.tick(last)
    assert change.cause is Cause.SILENCE


def test_second_will_counts_from_the_arrival_before_it() -> None:
    """The first one was taken back: its moment must not end the second one's grace."""
    _, lives = book()
    lives.arrival("d1", START)
    lives.will("d1", START + 1_000)
    lives.arrival("d1", START + 5_000)
    lives.will("d1", START + 6_000)
    assert lives.tick(START + WILL_GRACE_MS + 1_000) == []
    (change,) = lives.tick(START + 5_000 + WILL_GRACE_MS)
    assert change.cause is Cause.WILL


def test_will_that_waited_at_the_broker_is_outlived_by_what_waited_behind_it() -> None:
    """While we were away the device fell off and came back: its birth is no arrival, yet it lives."""
    hearing, lives = book()
    lives.arrival("d1", START)
    lives.will("d1", START + 600_000)
    lives.outlived_will("d1")
    assert lives.tick(START + 700_000) == []
    listen(hearing, START + 600_000, START + 790_000)
    (change,) = lives.tick(START + 790_000)
    assert change.cause is Cause.SILENCE


def test_device_that_comes_and_goes_for_ever_is_waited_for_once() -> None:
    """A month of flapping leaves no trace in memory."""
    hearing, lives = book()
    for n in range(2_000):
        at = START + n * 15_000
        listen(hearing, at, at + 10_000)
        lives.arrival("d1", at)
        lives.will("d1", at + 100)
        assert [change.cause for change in lives.tick(at + 10_000)] == [Cause.WILL]
    assert len(lives._silent) <= 2
    assert len(lives._wills) <= 2


def test_cause_of_a_state_is_remembered() -> None:
    """Five minutes later the board still says why."""
    _, lives = book()
    assert lives.cause("d1") is Cause.BLIND
    lives.arrival("d1", START)
    assert lives.cause("d1") is Cause.ARRIVAL
    lives.will("d1", START)
    lives.tick(START + WILL_GRACE_MS)
    assert lives.cause("d1") is Cause.WILL
    assert lives.cause("stranger") is Cause.BLIND
