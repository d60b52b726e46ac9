"""The session's pure parts."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.acknowledgement import OwedAcknowledgements
from collectors.backoff import backoff
from collectors.canary import RESEND_S, CanaryTrack
from collectors.client import MQTT5, MQTT311
from collectors.delivery import Delivery
from collectors.ending import Ending, Kind, taken_over
from collectors.reconnecting import Life, Reconnecting
from collectors.source import SessionLimits, SourceSettings
from collectors.transport import BufferedSocket


@given(st.lists(st.booleans(), max_size=60), st.randoms(use_true_random=False))
def test_acknowledgements_leave_in_order_of_arrival(own: list[bool], random: object) -> None:
    """Whatever the order of settling, and with own messages in between."""
    sent: list[int] = []
    owed = OwedAcknowledgements(sent.append)
    items = []
    for mid, is_own in enumerate(own, 1):
        if is_own:
            owed.arrived_own(mid)
        else:
            items.append(Delivery(b"t", b"", 0, mid, 1))
            owed.arrived(items[-1])
    random.shuffle(items)  # type: ignore[attr-defined]
    for item in items:
        owed.settle(item)
        assert sent == list(range(1, len(sent) + 1))
    assert sent == list(range(1, len(own) + 1))
    assert len(owed) == 0


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_grows_within_its_bounds(failures: int, jitter: float) -> None:
    """Between half a second and 30 s, never shorter than half of what the doubling says."""
    wait = backoff(failures, jitter, first=1, most=30)
    assert min(30, 2 ** min(failures - 1, 10)) / 2 <= wait <= 30


def test_canaries_go_out_on_the_beat_and_do_not_pile_up() -> None:
    """One every 5 s while they return; with three away only one in 30 s."""
    track = CanaryTrack(1, "n", most_out=3, every=5)
    sent = []
    for now in range(120):
        if track.due(now):
            track.send(now, now * 1000)
            sent.append(now)
    assert sent == [0, 5, 10, 10 + RESEND_S, 10 + 2 * RESEND_S, 10 + 3 * RESEND_S]


def test_only_canaries_of_this_connection_count() -> None:
    """Another process's, another connection's or a broken one proves nothing; the first that returns is told apart."""
    track = CanaryTrack(2, "mine", most_out=3, every=5)
    first, second = track.send(0, 1_000), track.send(5, 6_000)
    assert track.back(CanaryTrack(1, "mine", most_out=3, every=5).send(0, 1)) is None
    assert track.back(CanaryTrack(2, "theirs", most_out=3, every=5).send(0, 1)) is None
    assert track.back(b"{") is None
    assert track.back(first) == (1_000, True)
    assert track.back(second) == (6_000, False)


def reconnecting(protocol: str = "auto") -> Reconnecting:
    return Reconnecting(SourceSettings(url="mqtt://x", client_id="ioc-1", protocol=protocol), SessionLimits())


def test_takeover_is_followed_by_at_least_half_a_minute() -> None:
    """Two clients with one id change places at most once in 30 s."""
    policy = reconnecting()
    told = Life(ending=taken_over("ioc-1"), accepted=True, subscribed=True, lived_s=1)
    assert all(policy.next(told, 0.0)[1] >= 30 for _ in range(10))
    guessing = reconnecting()
    short = Life(ending=Ending(Kind.LOST, "connection lost"), accepted=True, subscribed=True, lived_s=1)
    assert [guessing.next(short, 0.0)[0].kind for _ in range(4)] == [Kind.LOST, Kind.LOST, Kind.TAKEN_OVER, Kind.TAKEN_OVER]
    assert guessing.next(short, 0.0)[1] >= 30


def test_refusals_in_a_row_are_followed_by_at_least_half_a_minute() -> None:
    """What a person must mend is not asked for every few seconds; a broker that is starting may refuse once or twice."""
    policy = reconnecting()
    refused = Life(ending=Ending(Kind.REFUSED, "wrong credentials"), accepted=True)
    waits = [policy.next(refused, 0.5)[1] for _ in range(5)]
    assert max(waits[:2]) <= 8
    assert min(waits[2:]) >= 30
    policy.next(Life(ending=Ending(Kind.UNREACHABLE, "absent")), 0.5)
    assert policy.next(refused, 0.5)[1] <= 8


def test_a_long_life_forgets_earlier_failures() -> None:
    """After a connection that held, the first wait is short again."""
    policy = reconnecting()
    absent = Life(ending=Ending(Kind.UNREACHABLE, "absent"))
    assert [policy.next(absent, 0.999)[1] for _ in range(6)][-1] > 4
    held = Life(ending=Ending(Kind.LOST, "connection lost"), accepted=True, subscribed=True, lived_s=60)
    assert policy.next(held, 0.999)[1] <= 1


def test_version_changes_only_where_a_broker_never_answered_this_one() -> None:
    """Refused or unanswered: 3.1.1 at once, then back to 5 with patience; once a version has worked, silence changes nothing."""
    silent = Life(ending=Ending(Kind.NO_ANSWER, "no answer"))
    policy = reconnecting()
    assert policy.next(silent, 0.5)[1] == 0
    assert policy.version is MQTT311
    assert policy.next(silent, 0.5)[1] > 0
    assert policy.version is MQTT5
    policy.next(Life(ending=Ending(Kind.LOST, "connection lost"), accepted=True, subscribed=True, lived_s=60), 0.5)
    policy.next(silent, 0.5)
    assert policy.version is MQTT5
    fixed = reconnecting("5")
    fixed.next(Life(ending=Ending(Kind.WRONG_VERSION, "refused")), 0.5)
    assert fixed.version is MQTT5


class Refused:
    """A TLS connection whose other end refused our certificate and went: writing fails first, the reason can still be read."""

    def send(self, _data: bytes) -> int:
        raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    def recv(self, _size: int) -> bytes:
        raise ssl.SSLError(1, "tlsv13 alert certificate required")


def test_reason_is_read_where_writing_fails_first() -> None:
    """Else a missing certificate would look like a lost connection."""
    sock = BufferedSocket(Refused())  # type: ignore[arg-type]
    sock.send(b"CONNECT")
    with pytest.raises(ssl.SSLEOFError):
        sock.flush()
    assert "certificate required" in str(sock.failure)
