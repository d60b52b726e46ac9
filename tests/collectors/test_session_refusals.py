"""What a broker refuses is named as such, and tried again with patience."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from brokers.listener import Listener
from brokers.publisher import Publisher
from brokers.scripted import CONNECT, Peer, scripted_broker
from collectors.session import Session
from collectors.source import SessionLimits, SourceSettings
from servers.certificates import Authority
from servers.mosquitto import Mosquitto, OldMosquitto
from servers.waiting import wait_until

TOPIC = "ioc/v1/speaker/d1/telemetry"
QUICK = SessionLimits(canary_every=0.5, backoff_first=0.05, backoff_most=0.2, takeover_wait=0.2)
mosquitto_needed = pytest.mark.real("mosquitto")


def settings(url: str, **wishes: object) -> SourceSettings:
    return SourceSettings(**{"url": url, "client_id": "ioc-1"} | wishes)  # type: ignore[arg-type]


def dynamic_security() -> Path:
    """Mosquitto's plugin: its plain access lists never refuse a subscription."""
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("Mosquitto here lacks its dynamic security plugin")
    return plugin


async def error_of(listener: Listener, words: str) -> str:
    def named() -> str:
        said = listener.session.last_error or ""
        return said if words in said else ""

    said: str = await wait_until(named, what=f"an error that says {words!r}")
    return said


@mosquitto_needed
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_wrong_password_is_named(mosquitto_factory: Callable[..., Mosquitto], protocol: str) -> None:
    """Wrong credentials are called that, with the user."""
    broker = mosquitto_factory(users={"ioc": "right"})
    async with Listener(settings(broker.url, username="ioc", password="wrong", protocol=protocol), QUICK) as listener:  # noqa: S106
        said = await error_of(listener, "wrong credentials")
        assert "'ioc'" in said
        assert "wrong;" not in said
        assert not listener.session.connected
    async with Listener(settings(broker.url, username="ioc", password="right", protocol=protocol), QUICK) as listener:  # noqa: S106
        await listener.connected()


@mosquitto_needed
async def test_refused_subscription_is_an_error(mosquitto_factory: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """A SUBACK that says no is not taken for a connection."""
    plugin = dynamic_security()
    configuration = tmp_path / "dynamic-security.json"
    configuration.write_text(
        '{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true}}'
    )
    broker = mosquitto_factory(options={"plugin": plugin, "plugin_opt_config_file": configuration})
    for protocol in ("5", "3.1.1"):
        async with Listener(settings(broker.url, protocol=protocol), QUICK) as listener:
            assert "ioc/v1/#" in await error_of(listener, "SUBSCRIBE refused")
            assert not listener.session.connected
            await wait_until(lambda: listener.session.epoch >= 2)


@mosquitto_needed
async def test_silent_refusal_to_read_is_noticed(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """A broker whose access list lets us subscribe but read nothing leaves us deaf: said so, in spite of a living connection."""
    broker = mosquitto_factory(acl="topic write #\n")
    async with Listener(settings(broker.url, keepalive_s=1), QUICK) as listener:
        assert "access list" in await error_of(listener, "deaf")


@mosquitto_needed
async def test_refused_canary_is_named(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """MQTT 5 tells us that we may not publish."""
    broker = mosquitto_factory(acl="topic read #\n")
    async with Listener(settings(broker.url, protocol="5"), QUICK) as listener:
        await error_of(listener, "not authorised to publish under ioc/v1/collector/ioc-1")


@mosquitto_needed
async def test_tls_verifies_the_broker(mosquitto_factory: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """The right authority connects; another one is named as the certificate's fault."""
    broker = mosquitto_factory(tls=True)
    async with Listener(settings(broker.url, ca_file=str(broker.ca_file)), QUICK) as listener:
        await listener.connected()
    other = Authority(tmp_path / "other", name="another authority")
    async with Listener(settings(broker.url, ca_file=str(other.ca_file)), QUICK) as listener:
        assert "ca_file" in await error_of(listener, "certificate")
    async with Listener(settings(broker.url, ca_file=str(tmp_path / "absent.crt")), QUICK) as listener:
        await error_of(listener, "absent.crt can't be used")
    async with Listener(settings(broker.url.replace("mqtts", "mqtt"), protocol="5"), QUICK) as listener:
        await wait_until(lambda: listener.session.last_error)


@mosquitto_needed
async def test_client_certificate_is_shown(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """mTLS: with our certificate we are let in and hear thousands of messages; without it that is named."""
    broker = mosquitto_factory(client_certificates=True)
    ca, cert, key = str(broker.ca_file), str(broker.cert_file), str(broker.key_file)
    async with Listener(settings(broker.url, ca_file=ca, cert_file=cert, key_file=key), QUICK) as listener:
        await listener.connected()
    async with Listener(settings(broker.url, ca_file=ca), QUICK) as listener:
        await error_of(listener, "refuses our certificate")


@mosquitto_needed
async def test_encrypted_connection_carries_a_flood(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """Payloads larger than a TLS record, with pauses in between: nothing stays behind in a buffer."""
    broker = mosquitto_factory(tls=True, options={"max_inflight_messages": 0})
    limits = SessionLimits(unacknowledged=50, canary_every=0.5)
    payloads = [b"%06d" % number + b"x" * 40_000 for number in range(400)]

    def publish() -> None:
        with Publisher(broker.port, ca_file=str(broker.ca_file)) as publisher:
            publisher.send(TOPIC, payloads)

    async with Listener(settings(broker.url, ca_file=str(broker.ca_file), protocol="3.1.1"), limits) as listener:
        await listener.connected()
        await asyncio.to_thread(publish)
        await wait_until(lambda: len(listener.deliveries) >= 400)
        assert listener.payloads == payloads


@mosquitto_needed
async def test_old_broker_is_spoken_to_in_its_version(old_mosquitto: OldMosquitto) -> None:
    """Where MQTT 5 is turned away, 3.1.1 follows at once and is remembered."""
    async with Listener(settings(old_mosquitto.url), QUICK) as listener:
        await listener.connected()
        assert listener.session.protocol == "3.1.1"
        listener.break_off()
        await wait_until(lambda: listener.session.epoch == 2 and listener.session.connected)
        assert listener.session.protocol == "3.1.1"


async def test_broker_that_ignores_version_5_is_tried_in_version_3() -> None:
    """No CONNACK in time means the other version."""
    levels = []
    limits = SessionLimits(connack_timeout=2, backoff_first=0.05)

    async def script(peer: Peer) -> None:
        level = (await peer.until(CONNECT))[6]
        levels.append(level)
        if level == 4:
            await peer.write(b"\x20\x02\x00\x00")
            await peer.until(8)
            await peer.write(b"\x90\x03\x00\x01\x01")
        await peer.until(0)

    async with scripted_broker(script) as port, Listener(settings(f"mqtt://127.0.0.1:{port}"), limits) as listener:
        await wait_until(lambda: listener.session.connected)
    assert levels == [5, 4]


async def test_topic_that_is_not_utf8_is_handed_over_raw() -> None:
    """A broker that lets such a topic through can't upset the session; it is acknowledged like any other."""
    peers: list[Peer] = []

    async def script(peer: Peer) -> None:
        peers.append(peer)
        await peer.welcome()
        await peer.publish(b"ioc/v1/\xff\xfe/d1", b"odd", 7)
        await peer.publish(b"ioc/v1/speaker/d1/telemetry", b"good", 8)
        await peer.until(0)

    async with (
        scripted_broker(script) as port,
        Listener(settings(f"mqtt://127.0.0.1:{port}", protocol="3.1.1"), QUICK) as listener,
    ):
        await wait_until(lambda: peers and peers[0].pubacks == [7, 8])
        assert [(one.topic, one.payload) for one in listener.deliveries] == [(b"ioc/v1/\xff\xfe/d1", b"odd"), (TOPIC.encode(), b"good")]
        assert listener.session.faults == 0


async def test_error_in_a_callback_costs_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of our own is counted, and a new connection gets what was not acknowledged."""
    peers: list[Peer] = []

    async def script(peer: Peer) -> None:
        peers.append(peer)
        await peer.welcome()
        await peer.publish(TOPIC.encode(), b"good", 9)
        await peer.until(0)

    deliver = Session.deliver

    def failing(session: Session, item: object) -> bool:
        if len(peers) == 1:
            message = "on purpose"
            raise RuntimeError(message)
        return deliver(session, item)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "deliver", failing)
    async with (
        scripted_broker(script) as port,
        Listener(settings(f"mqtt://127.0.0.1:{port}", protocol="3.1.1"), QUICK) as listener,
    ):
        await wait_until(lambda: len(peers) == 2 and peers[1].pubacks == [9])
        assert listener.session.faults == 1


@mosquitto_needed
async def test_takeover_by_the_same_client_id_is_named(mosquitto: Mosquitto) -> None:
    """Two clients with one id throw each other out: that is said, not just that the connection ended."""
    async with Listener(settings(mosquitto.url, protocol="5"), QUICK) as listener:
        await listener.connected()
        with Publisher(mosquitto.port, client_id="ioc-1"):
            assert "'ioc-1'" in await error_of(listener, "same client id")


async def test_takeover_told_by_the_broker_is_believed_at_once() -> None:
    """MQTT 5 has a reason code for it: Session taken over."""

    async def script(peer: Peer) -> None:
        await peer.until(CONNECT)
        await peer.write(b"\x20\x03\x00\x00\x00" + b"\xe0\x02\x8e\x00")
        await peer.until(0)

    async with (
        scripted_broker(script) as port,
        Listener(settings(f"mqtt://127.0.0.1:{port}", protocol="5"), QUICK) as listener,
    ):
        await error_of(listener, "taken over by another client with the same client id")


async def test_unreachable_broker_is_tried_for_ever(free_port: int) -> None:
    """Nothing there: named, tried again, and a cancelled attempt ends at once."""
    async with Listener(settings(f"mqtt://127.0.0.1:{free_port}"), QUICK) as listener:
        await error_of(listener, "can't be reached")
    async with Listener(settings("mqtt://broker.invalid"), QUICK) as listener:
        await error_of(listener, "can't be reached")


def test_settings_that_make_no_sense_are_refused() -> None:
    """Each with a sentence."""
    for wishes in ({"url": "http://x"}, {"url": "mqtt://"}, {"client_id": ""}, {"protocol": "4"}, {"cert_file": "a.crt"}):
        with pytest.raises(ValueError, match="broker"):
            settings(**({"url": "mqtt://x"} | wishes))  # type: ignore[arg-type]
    assert "geheim" not in repr(settings("mqtt://x", password="geheim"))  # noqa: S106
