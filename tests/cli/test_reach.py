"""`ioc check` against real servers: let in, refused, away; and the store's types."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ioc.adapters.embedded import EmbeddedStore
from ioc.domain.point import Point
from servers.waiting import PATIENCE_S

Ioc = Callable[..., Any]


def configure(site: Path, broker: str, store: str = "kind: embedded") -> None:
    """The site's configuration with this broker and store."""
    (site / "ioc.yaml").write_text(f"broker: {{{broker}}}\nstore: {{{store}}}\n")


@pytest.mark.real("mosquitto")
def test_is_let_in_by_a_broker(ioc: Ioc, site: Path, mosquitto_factory: Callable[..., Any]) -> None:
    """A broker that takes user and password is fine."""
    broker = mosquitto_factory(users={"ioc": "right"})
    configure(site, f"url: '{broker.url}', username: ioc, password: right")
    ended = ioc("check")
    assert (ended.code, f"ok     broker {broker.url}: lets us in" in ended.out) == (0, True)


@pytest.mark.real("mosquitto")
def test_names_wrong_credentials(ioc: Ioc, site: Path, mosquitto_factory: Callable[..., Any]) -> None:
    """A refusal is something wrong, not something away, and the password is not repeated."""
    broker = mosquitto_factory(users={"ioc": "right"})
    configure(site, f"url: '{broker.url}', username: ioc, password: hunter2")
    ended = ioc("check")
    assert ended.code == 1
    assert "wrong credentials" in ended.out
    assert "'ioc'" in ended.out
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.real("mosquitto")
def test_names_an_untrusted_certificate(ioc: Ioc, site: Path, mosquitto_factory: Callable[..., Any]) -> None:
    """A certificate that nobody vouches for is named, with the key that helps."""
    broker = mosquitto_factory(tls=True)
    configure(site, f"url: '{broker.url}'")
    ended = ioc("check")
    assert ended.code == 1
    assert "is not trusted" in ended.out
    assert "ca_file" in ended.out


@pytest.mark.real("mosquitto")
def test_names_a_certificate_that_is_missing(ioc: Ioc, site: Path, mosquitto_factory: Callable[..., Any]) -> None:
    """A broker that asks for one refuses us after the handshake: that is something wrong, not a broker away."""
    broker = mosquitto_factory(client_certificates=True)
    configure(site, f"url: '{broker.url.replace('127.0.0.1', 'localhost')}', ca_file: '{broker.ca_file}'")
    ended = ioc("check")
    assert (ended.code, "check cert_file and key_file" in ended.out) == (1, True), ended.out
    configure(site, f"url: '{broker.url}', ca_file: '{broker.ca_file}', cert_file: '{broker.cert_file}', key_file: '{broker.key_file}'")
    assert ioc("check").code == 0


@pytest.mark.real("mosquitto")
def test_takes_a_broker_of_the_old_version(ioc: Ioc, site: Path, old_mosquitto: Any) -> None:
    """Where MQTT 5 is refused, 3.1.1 is tried."""
    configure(site, f"url: '{old_mosquitto.url}'")
    assert ioc("check").code == 0


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)
        for one in held:
            one.close()


def test_waits_only_so_long_for_a_mute_port(ioc: Ioc, site: Path, mute_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that is no broker is away, after a bounded wait."""
    monkeypatch.setattr("ioc.cli.reach.TIMEOUT_S", 0.2)
    configure(site, f"url: 'mqtt://127.0.0.1:{mute_port}'")
    ended = ioc("check")
    assert ended.code == 3
    assert "does not answer as an MQTT broker does; check host and port" in ended.out


@pytest.mark.real("mosquitto")
def test_finds_a_metric_whose_type_has_changed(ioc: Ioc, site: Path, mosquitto: Any) -> None:
    """A field that the store has with another type is refused by name: it could never be stored."""
    point = Point.of("speaker", (("device", "d"),), {"audio_dbfs": "loud", "volume": 7}, 1_790_000_000_000)

    async def write() -> None:
        store = EmbeddedStore(site / "data" / "series.db", clock=lambda: 1_790_000_000_000)
        await store.prepare(0)
        await store.write([point])
        await store.close()

    (site / "data").mkdir()
    asyncio.run(write())
    configure(site, f"url: '{mosquitto.url}'")
    ended = ioc("check")
    assert ended.code == 1
    assert "metric speaker.audio_dbfs: is declared float, but the store has it as string" in ended.out
    assert "speaker.volume" not in ended.out


@pytest.mark.real("mosquitto", "influxdb")
def test_judges_a_real_influxdb(ioc: Ioc, site: Path, mosquitto: Any, influxdb: Any) -> None:
    """Right token: fine. A bucket still to be made: a note. Wrong token or organisation: wrong. Nobody there: away."""
    bucket = influxdb.new_bucket()
    store = f"kind: influxdb, url: '{influxdb.url}', org: '{influxdb.org}', bucket: '{bucket}', token: '{influxdb.token}'"
    wishes = {
        "right": (store, 0, "lets us in"),
        "bucket to come": (store.replace(bucket, "new-bucket"), 0, "the bucket 'new-bucket' will be made at the start"),
        "token": (store.replace(influxdb.token, "hunter2"), 1, "token"),
        "organisation": (store.replace("org: 'ioc'", "org: 'other'"), 1, "organi"),
        "away": (store.replace(influxdb.url, "http://127.0.0.1:1"), 3, "can't be reached"),
    }
    for name, (wish, code, said) in wishes.items():
        configure(site, f"url: '{mosquitto.url}'", wish)
        ended = ioc("check")
        assert (name, ended.code) == (name, code)
        assert said in ended.out
        assert "hunter2" not in ended.out + ended.err
