"""The fixtures themselves: a server that tests rely on keeps its promises."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable

import pytest
from paho.mqtt import client as paho
from playwright.async_api import Browser

from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto, OldMosquitto
from servers.ports import listening
from servers.presence import program
from servers.waiting import PATIENCE_S, wait_until_sync


def publish(broker: Mosquitto, *more: str, topic: str = "t") -> subprocess.CompletedProcess[str]:
    """Publishes one QoS 1 message with Mosquitto's own client; its exit code tells whether the broker took it."""
    command = [program("mosquitto_pub"), "-h", broker.host, "-p", str(broker.port), "-q", "1", "-t", topic, "-m", "x", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 - our own argv


def test_free_port_is_kept_for_whoever_was_given_it(free_port: int) -> None:
    """Nobody who looks for a free port takes it before its server listens, or while that one is down; the server may, again and again."""
    assert not listening(free_port)
    for _ in range(2):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", free_port))
        with socket.create_server(("127.0.0.1", free_port)):
            assert listening(free_port)


@pytest.mark.real("mosquitto")
def test_broker_serves_again_on_its_port_after_stop_and_kill(mosquitto: Mosquitto) -> None:
    """A restarted broker answers at the same address, and keeps what it saved: the retained message comes back."""
    assert publish(mosquitto, "-r").returncode == 0
    url = mosquitto.url
    mosquitto.stop()
    assert publish(mosquitto).returncode != 0
    mosquitto.start()
    assert mosquitto.url == url
    heard = [program("mosquitto_sub"), "-p", str(mosquitto.port), "-t", "t", "-C", "1", "-W", f"{PATIENCE_S:.0f}"]
    assert subprocess.run(heard, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=True).stdout == "x\n"  # noqa: S603 - our own argv
    mosquitto.kill()
    assert not mosquitto.running
    mosquitto.start()
    assert publish(mosquitto).returncode == 0


@pytest.mark.real("mosquitto")
def test_broker_asks_for_certificate_when_told(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """With mTLS a client of the CA is let in, one without a certificate or with an expired one is not."""
    broker = mosquitto_factory(client_certificates=True)
    assert broker.authority is not None
    trusted = ("--cafile", str(broker.ca_file))
    assert publish(broker, *trusted, "--cert", str(broker.cert_file), "--key", str(broker.key_file)).returncode == 0
    assert publish(broker, *trusted).returncode != 0
    certificate, key = broker.authority.issue("late", days=-1)
    assert publish(broker, *trusted, "--cert", str(certificate), "--key", str(key)).returncode != 0
    assert broker.url.startswith("mqtts://")


@pytest.mark.real("mosquitto")
def test_broker_keeps_users_to_their_topics(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    """A user writes below the own name only, and nobody without the password writes at all."""
    broker = mosquitto_factory(users={"SPK-1": "secret"}, acl="pattern write ioc/v1/+/%u/#\n")
    as_device = ("-u", "SPK-1", "-P", "secret", "-V", "mqttv5")
    assert "not authorized" not in publish(broker, *as_device, topic="ioc/v1/speaker/SPK-1/telemetry").stderr.lower()
    assert "not authorized" in publish(broker, *as_device, topic="ioc/v1/speaker/SPK-2/telemetry").stderr.lower()
    assert publish(broker, "-u", "SPK-1", "-P", "wrong").returncode != 0


@pytest.mark.real("mosquitto")
def test_old_broker_turns_mqtt_5_away(old_mosquitto: OldMosquitto) -> None:
    """A 3.1.1 client is served, an MQTT 5 client is refused for its version."""
    assert publish(old_mosquitto, "-V", "mqttv311").returncode == 0
    assert publish(old_mosquitto, "-V", "mqttv5").returncode != 0
    refusals: list[object] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.on_connect = lambda *heard: refusals.append(heard[3])
    client.connect(old_mosquitto.host, old_mosquitto.port)

    def answered() -> bool:
        client.loop(0.05)
        return bool(refusals)

    wait_until_sync(answered, what="an answer to CONNECT")
    assert [str(reason) for reason in refusals] == ["Success"]


@pytest.mark.real("influxdb")
def test_influxdb_gives_every_test_a_bucket(influxdb: InfluxDB) -> None:
    """Points written to one bucket are read back from it and are not in another."""
    ours, theirs = influxdb.new_bucket(), influxdb.new_bucket(retention_s=86_400)
    influxdb.write(ours, "speaker,device=SPK-1 volume=70i 1700000000000")
    assert influxdb.influxql(ours, "SELECT volume FROM speaker") == [{"time": 1_700_000_000_000, "volume": 70}]
    assert influxdb.influxql(theirs, "SELECT volume FROM speaker") == []
    assert influxdb.new_token(ours, read=False) != influxdb.token


@pytest.mark.real("influxdb")
async def test_influxdb_keeps_points_over_a_kill(influxdb_factory: Callable[[], InfluxDB]) -> None:
    """A server of one's own comes back at its address with what it had acknowledged."""
    server = await asyncio.to_thread(influxdb_factory)
    server.write(server.bucket, "speaker,device=SPK-1 volume=70i 1700000000000")
    server.kill()
    await asyncio.to_thread(server.start)
    assert len(server.influxql(server.bucket, "SELECT volume FROM speaker")) == 1


@pytest.mark.real("chromium")
async def test_browser_renders_a_page(chromium: Browser) -> None:
    """The page under test runs its script."""
    page = await chromium.new_page()
    await page.set_content("<p id=x></p><script>x.textContent = 'Phú Thọ'</script>")
    assert await page.text_content("#x") == "Phú Thọ"


def test_tls_context_accepts_the_authority(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Certificates of the test authority load into Python's TLS."""
    from servers.certificates import Authority  # noqa: PLC0415 - needs only openssl

    authority = Authority(tmp_path_factory.mktemp("tls"))
    ssl.create_default_context(cafile=str(authority.ca_file)).load_cert_chain(*authority.issue("client"))
