"""The session against a real Mosquitto: order, completeness, redelivery, acknowledgements, backlog, back-pressure."""

import asyncio
from collections.abc import Callable

import pytest

from brokers.listener import Listener
from brokers.publisher import Publisher, retained
from collectors.source import SessionLimits, SourceSettings
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

pytestmark = pytest.mark.real("mosquitto")
TOPIC = "ioc/v1/speaker/d1/telemetry"


def settings(broker: Mosquitto, **wishes: object) -> SourceSettings:
    return SourceSettings(**{"url": broker.url, "client_id": "ioc-1", "firmware": "0.1.0"} | wishes)  # type: ignore[arg-type]


def numbers(start: int, stop: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, stop)]


async def send(broker: Mosquitto, payloads: list[bytes], topic: str = TOPIC, *, retain: bool = False) -> None:
    def publish() -> None:
        with Publisher(broker.port) as publisher:
            publisher.send(topic, payloads, retain=retain)

    await asyncio.to_thread(publish)


async def shown(broker: Mosquitto, topic: str, payload: bytes) -> None:
    """Waits until this is what the broker retains: it notices the end of a connection in its own time."""

    async def is_shown() -> bool:
        return await asyncio.to_thread(retained, broker.port, topic) == payload

    await wait_until(is_shown, what=f"{payload!r} retained")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_session_hands_over_every_message_in_order(mosquitto: Mosquitto, protocol: str) -> None:
    """5,000 messages of QoS 1 come once each, in order, and are acknowledged."""
    async with Listener(settings(mosquitto, protocol=protocol)) as listener:
        await listener.connected()
        await send(mosquitto, numbers(0, 5_000))
        await wait_until(lambda: len(listener.deliveries) >= 5_000)
        assert listener.payloads == numbers(0, 5_000)
        assert {(one.topic, one.qos, one.dup, one.retain, one.epoch) for one in listener.deliveries} == {
            (TOPIC.encode(), 1, False, False, 1)
        }
        await listener.acknowledged()
        assert (listener.stale, listener.session.protocol, listener.session.last_error) == (0, protocol, None)
    async with Listener(settings(mosquitto, protocol=protocol)) as later:
        await later.connected()
        assert later.deliveries == []


async def test_session_gets_again_what_it_had_not_acknowledged_when_killed(mosquitto: Mosquitto) -> None:
    """After a kill the broker sends the unacknowledged ones again, marked DUP, and only those."""
    async with Listener(settings(mosquitto)) as first:
        await first.connected()
        await send(mosquitto, numbers(0, 100))
        await wait_until(lambda: len(first.deliveries) == 100)
        await first.acknowledged()
        first.holding = True
        await send(mosquitto, numbers(100, 150))
        await wait_until(lambda: len(first.deliveries) == 150)
        await first.crash()
    async with Listener(settings(mosquitto)) as second:
        await wait_until(lambda: len(second.deliveries) >= 50)
        await second.connected()
        assert second.payloads == numbers(100, 150)
        assert all(one.dup and one.backlog for one in second.deliveries)
        assert second.connections[0].session_present
        assert second.items[0] is second.connections[0]


async def test_acknowledgements_of_an_earlier_connection_are_dropped(mosquitto: Mosquitto) -> None:
    """Nothing is acknowledged across a reconnect, as a packet id may mean another message by then."""
    async with Listener(settings(mosquitto), holding=True) as listener:
        await listener.connected()
        await send(mosquitto, numbers(0, 10))
        await wait_until(lambda: len(listener.deliveries) == 10)
        listener.break_off()
        await wait_until(lambda: len(listener.deliveries) == 20)
        old, again = listener.deliveries[:10], listener.deliveries[10:]
        assert [one.mid for one in old] == [one.mid for one in again]
        assert [one.epoch for one in again] == [2] * 10
        assert listener.session.acknowledge(old) == 10
        connection = listener.session._connection
        assert connection is not None
        assert connection.owed >= 10
        assert listener.session.acknowledge(again) == 0
        listener.unsettled = [item for item in listener.unsettled if item not in old and item not in again]
        listener.holding = False
        listener.settle()
        await listener.acknowledged()
        await wait_until(lambda: connection.owed == 0)
    async with Listener(settings(mosquitto)) as later:
        await later.connected()
        assert later.deliveries == []


async def test_backlog_ends_with_the_first_canary(mosquitto: Mosquitto) -> None:
    """What waited at the broker is marked backlog; what comes after the first canary is not."""
    async with Listener(settings(mosquitto)) as before:
        await before.connected()
        assert not before.connections[0].session_present
        assert before.canaries[0].first
    await send(mosquitto, numbers(0, 30))
    async with Listener(settings(mosquitto)) as listener:
        await listener.connected()
        first = listener.items.index(listener.canaries[0])
        assert listener.canaries[0].first
        assert listener.items[1:first] == listener.deliveries
        assert listener.payloads == numbers(0, 30)
        assert all(one.backlog and not one.retain for one in listener.deliveries)
        await send(mosquitto, [b"live"])
        await wait_until(lambda: listener.payloads[-1] == b"live")
        assert not listener.deliveries[-1].backlog
        await wait_until(lambda: len(listener.canaries) >= 3)
        assert [canary.first for canary in listener.canaries[:3]] == [True, False, False]
        sent = [canary.sent_at for canary in listener.canaries]
        assert sent == sorted(sent)


async def test_retained_messages_come_once_as_retained(mosquitto: Mosquitto) -> None:
    """A new session sees retained status as retained; with the session kept it does not come again (Retain Handling 1)."""
    await send(mosquitto, [b'{"online": false}'], "ioc/v1/speaker/d1/status", retain=True)
    async with Listener(settings(mosquitto)) as listener:
        await listener.connected()
        assert [(one.retain, one.backlog) for one in listener.deliveries] == [(True, False)]
        listener.break_off()
        await wait_until(lambda: listener.session.epoch == 2 and len([one for one in listener.canaries if one.epoch == 2]) > 0)
        assert len(listener.deliveries) == 1


async def test_collector_shows_its_own_status(mosquitto: Mosquitto) -> None:
    """Birth, Will and a clean end show in our retained status; our own messages never leave the session."""
    topic = "ioc/v1/collector/ioc-1/status"
    async with Listener(settings(mosquitto)) as listener:
        await listener.connected()
        birth = await asyncio.to_thread(retained, mosquitto.port, topic)
        assert birth is not None
        assert b'"online":true' in birth
        assert b'"fw":"0.1.0"' in birth
        await listener.stop()
        await shown(mosquitto, topic, b'{"online": false}')
        assert listener.deliveries == []
    async with Listener(settings(mosquitto)) as crashing:
        await crashing.connected()
        await crashing.crash()
        await shown(mosquitto, topic, b'{"online": false}')
        assert crashing.deliveries == []


async def test_reading_stops_while_too_much_is_unacknowledged(mosquitto: Mosquitto) -> None:
    """No more than the bound is taken in, and all of it arrives at last, in order."""
    limits = SessionLimits(unacknowledged=200, canary_every=0.5)
    # It would leave after half a keepalive of not reading, which is another test.
    async with Listener(settings(mosquitto, keepalive_s=600), limits, holding=True) as listener:
        await listener.connected()
        await send(mosquitto, numbers(0, 3_000))
        await wait_until(lambda: len(listener.deliveries) >= 195)
        assert len(listener.deliveries) <= 200
        assert 0 < (listener.session.oldest_unacknowledged or 0) <= listener.deliveries[0].arrival
        listener.holding = False
        listener.settle()
        await wait_until(lambda: len(listener.deliveries) >= 3_000)
        assert listener.payloads == numbers(0, 3_000)
        assert listener.session.reconnects == 0


async def test_a_long_pause_becomes_a_clean_disconnect(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """A broker that sends without bound meets a reader that stops, leaves after half a keepalive, and takes everything in the end."""
    broker = mosquitto_factory(options={"max_inflight_messages": 0})
    limits = SessionLimits(unacknowledged=100, canary_every=0.5, backoff_first=0.1)
    async with Listener(settings(broker, keepalive_s=4, protocol="3.1.1"), limits, holding=True) as listener:
        await listener.connected()
        await send(broker, numbers(0, 1_000))
        await wait_until(lambda: listener.session.paused)
        await wait_until(lambda: not listener.session.connected and listener.endings)
        assert 100 <= len(listener.deliveries) < 110
        assert "paused" in (listener.session.last_error or "")
        assert await asyncio.to_thread(retained, broker.port, "ioc/v1/collector/ioc-1/status") == b'{"online": false}'
        listener.holding = False
        assert listener.settle() == len(listener.deliveries)
        await wait_until(lambda: len(set(listener.payloads)) == 1_000)
        await wait_until(lambda: listener.session.unacknowledged == 0)
        assert [int(one) for one in dict.fromkeys(listener.payloads)] == list(range(1_000))


async def test_session_outlives_a_killed_broker(mosquitto: Mosquitto) -> None:
    """The broker dies and comes back: the session reconnects, subscribes again and hears."""
    async with Listener(settings(mosquitto)) as listener:
        await listener.connected()
        mosquitto.kill()
        await wait_until(lambda: listener.endings)
        await wait_until(lambda: "can't be reached: connection refused" in (listener.session.last_error or ""))
        mosquitto.start()
        await wait_until(lambda: listener.canaries[-1].epoch == 2)
        await send(mosquitto, [b"again"])
        await wait_until(lambda: listener.payloads == [b"again"])
        assert (listener.session.reconnects, listener.session.last_error) == (1, None)


async def test_a_frozen_broker_is_given_up(mosquitto: Mosquitto) -> None:
    """A connection on which nobody answers is noticed by its silence."""
    async with Listener(settings(mosquitto, keepalive_s=4)) as listener:
        await listener.connected()
        mosquitto.freeze()
        await wait_until(lambda: listener.endings)
        assert "nothing heard" in listener.endings[0].reason
        mosquitto.thaw()
        await wait_until(lambda: listener.session.epoch >= 2 and listener.session.connected)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_nothing_is_lost_over_many_broken_connections(mosquitto_factory: Callable[..., Mosquitto], protocol: str) -> None:
    """Connections break while thousands of messages arrive and acknowledgements lag: each message comes, first seen in order."""
    broker = mosquitto_factory(options={"max_inflight_messages": 0})
    limits = SessionLimits(canary_every=0.5, backoff_first=0.01, backoff_most=0.05, takeover_wait=0.05)
    async with Listener(settings(broker, protocol=protocol), limits) as listener:
        await listener.connected()
        sending = asyncio.create_task(send(broker, numbers(0, 6_000)))
        for broken in range(1, 9):
            before = len(listener.items)
            listener.holding = bool(broken % 2)
            await wait_until(lambda: len(listener.items) > before + 100 or sending.done())  # noqa: B023 - awaited here
            listener.break_off()
            await wait_until(lambda: listener.session.epoch > broken and listener.session.connected)  # noqa: B023 - awaited here
        listener.holding = False
        listener.settle()
        await sending
        await wait_until(lambda: len(set(listener.payloads)) == 6_000)
        assert list(dict.fromkeys(listener.payloads)) == numbers(0, 6_000)
        await listener.acknowledged()
        # In one pass: a test that holds the loop up for half a minute is taken for dead by the broker.
        seen: set[bytes] = set()
        for one in listener.deliveries:
            assert one.dup or one.payload not in seen
            seen.add(one.payload)
    async with Listener(settings(broker, protocol=protocol)) as later:
        await later.connected()
        assert later.deliveries == []
