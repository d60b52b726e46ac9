"""The relay that fault tests listen with is itself to be trusted."""

from collections.abc import Callable

import pytest

from brokers.listener import Listener
from brokers.publisher import Publisher
from collectors.source import SessionLimits, SourceSettings
from harm.tap import BrokerTap, Packets
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

TOPIC = "ioc/v1/speaker/d1/telemetry"


def test_stream_is_cut_into_packets_wherever_it_breaks() -> None:
    """Byte by byte as at once; lengths of one and of two bytes."""
    stream = b"\x32\x05\x00\x01t\x00\x07" + b"\x30\x81\x01" + b"x" * 129 + b"\xd0\x00"
    expected = [(3, 2, b"\x00\x01t\x00\x07"), (3, 0, b"x" * 129), (13, 0, b"")]
    assert Packets().take(stream) == expected
    packets = Packets()
    assert [packet for byte in stream for packet in packets.take(bytes([byte]))] == expected


@pytest.mark.real("mosquitto")
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_relay_knows_what_was_acknowledged_and_a_half_open_connection_is_given_up(
    mosquitto_factory: Callable[..., Mosquitto], protocol: str
) -> None:
    """What the session PUBACKed is noted message by message; where nothing passes any more, it connects anew and hears again."""
    broker = mosquitto_factory()
    async with BrokerTap(broker.port) as tap:
        settings = SourceSettings(url=tap.url, client_id="ioc-1", protocol=protocol, keepalive_s=4)
        async with Listener(settings, SessionLimits(canary_every=0.5, backoff_first=0.1)) as listener:
            await listener.connected()
            with Publisher(broker.port) as publisher:
                publisher.send(TOPIC, [b"1", b"2"])
                await wait_until(lambda: {(TOPIC.encode(), b"1"), (TOPIC.encode(), b"2")} <= set(tap.acknowledged), what="acknowledged")
                before = listener.session.epoch
                tap.stop_forwarding()
                await wait_until(lambda: listener.session.epoch > before and listener.session.connected, what="another connection")
                publisher.send(TOPIC, [b"3"])
                await wait_until(lambda: b"3" in listener.payloads, what="it hears again")
