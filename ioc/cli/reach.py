"""Whether broker and store answer, and let us in: looked at without changing anything there."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.ending import UNSUPPORTED_VERSION, Ending, Kind, lost, refused, unreachable
from collectors.source import SourceSettings
from collectors.transport import tls_context
from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.adapters.influx_http import InfluxHttp, raise_unless_ok
from ioc.adapters.influx_rollup import SUFFIX
from ioc.app.clock import now_ms
from ioc.app.metric_types import changed_metrics
from ioc.cli.finding import Finding
from ioc.config import settings as declared
from ioc.config.load import Config
from ioc.domain.family import Family
from ioc.domain.point import StoreDeniedError, StoreUnavailableError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TIMEOUT_S = 5.0


async def look_around(config: Config) -> list[Finding]:
    """Every broker and the store, all at once."""
    async with asyncio.TaskGroup() as group:
        brokers = [group.create_task(asyncio.to_thread(broker_finding, broker)) for broker in config.settings.brokers]
        store = group.create_task(store_findings(config))
    return [*(task.result() for task in brokers), *store.result()]


def broker_finding(broker: declared.Broker) -> Finding:
    """Connects under a client id of its own, so that a running server keeps its session, and leaves again."""
    about = f"broker {broker.url}"
    ending = _connect(broker, MQTTProtocolVersion.MQTTv5)
    if ending is not None and ending.kind in {Kind.WRONG_VERSION, Kind.NO_ANSWER}:
        ending = _connect(broker, MQTTProtocolVersion.MQTTv311)
    if ending is None:
        return Finding(about=about, state="fine", text="lets us in")
    return Finding(about=about, state="wrong" if ending.kind is Kind.REFUSED else "unreachable", text=ending.detail)


def _connect(broker: declared.Broker, version: MQTTProtocolVersion) -> Ending | None:
    """Why the broker didn't let us in, or None."""
    source = source_settings(broker)
    answers: list[ReasonCode] = []
    alerts: list[ssl.SSLError] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{broker.client_id}-check"[:64], protocol=version)
    client.connect_timeout = TIMEOUT_S

    def connected(_c: Client, _u: object, _flags: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        answers.append(code)

    client.on_connect = connected
    if source.username is not None:
        client.username_pw_set(source.username, source.password)
    try:
        if source.tls:
            client.tls_set_context(_noting(tls_context(source), alerts))
        client.connect(source.host, source.port, keepalive=20)
        deadline = now_ms() + TIMEOUT_S * 1000
        while not answers and now_ms() < deadline and client.loop(timeout=0.2) == 0:
            pass
    except OSError as error:
        return unreachable(error, broker.url)
    finally:
        client.disconnect()
    return lost(alerts[-1], "") if alerts else _ending(broker, answers)


def _noting(context: ssl.SSLContext, alerts: list[ssl.SSLError]) -> ssl.SSLContext:
    """Lets its sockets note the broker's TLS alerts: TLS 1.3 refuses a certificate after the handshake, and paho keeps that to itself."""

    class Socket(ssl.SSLSocket):
        def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
            try:
                return super().recv(buflen, flags)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                alerts.append(error)
                raise

        def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
            try:
                return super().send(data, flags)
            except ssl.SSLEOFError:
                with suppress(OSError):
                    self.recv()  # the alert came before the end
                raise

    context.sslsocket_class = Socket
    return context


def _ending(broker: declared.Broker, answers: list[ReasonCode]) -> Ending | None:
    if not answers:
        return Ending(Kind.NO_ANSWER, f"{broker.url} takes the connection but does not answer as an MQTT broker does; check host and port")
    code = answers[0]
    if not code.is_failure:
        return None
    if code.value == UNSUPPORTED_VERSION:
        return Ending(Kind.WRONG_VERSION, "the broker does not speak this MQTT version")
    return refused(code.value, code.getName(), user=broker.username, client_id=f"{broker.client_id}-check")


def source_settings(broker: declared.Broker) -> SourceSettings:
    """The broker's section as the session takes it."""
    return SourceSettings(
        url=broker.url,
        client_id=broker.client_id,
        username=broker.username,
        password=None if broker.password is None else broker.password.get_secret_value(),
        ca_file=None if broker.ca_file is None else str(broker.ca_file),
        cert_file=None if broker.cert_file is None else str(broker.cert_file),
        key_file=None if broker.key_file is None else str(broker.key_file),
        topic_root=broker.topic_root,
    )


async def store_findings(config: Config) -> list[Finding]:
    """Access to the store, and whether its fields have the declared types."""
    store = config.settings.store
    try:
        if isinstance(store, declared.InfluxStore):
            return await _influx(store, config.families)
        return await _embedded(config)
    except StoreDeniedError as error:
        return [Finding(about="store", state="wrong", text=error.detail)]
    except StoreUnavailableError as error:
        return [Finding(about="store", state="unreachable", text=error.detail)]


async def _influx(store: declared.InfluxStore, families: Mapping[str, Family]) -> list[Finding]:
    about = f"store {store.url}"
    token = store.token.get_secret_value() if store.token is not None else ""
    timeout_ms = int(TIMEOUT_S * 1000)
    http = InfluxHttp(store.url, token=token, timeout_ms=timeout_ms, ca_file=store.ca_file)
    influx = InfluxStore(store.url, org=store.org, bucket=store.bucket, token=token, timeout_ms=timeout_ms, ca_file=store.ca_file)
    try:
        answer = await http.get("/api/v2/buckets", {"org": store.org, "name": store.bucket})
        if answer.status == 404 and "bucket" in answer.message:  # noqa: PLR2004  not found
            return [Finding(about=about, state="note", text=f"lets us in; the bucket {store.bucket!r} will be made at the start")]
        raise_unless_ok(answer, store.url, f"looking for bucket {store.bucket!r}")
        found = [Finding(about=about, state="fine", text="lets us in"), *await _types(influx, families.values())]
        return [*found, *(await _rollups(http, store) if store.rollups.enabled else ())]
    finally:
        await http.close()
        await influx.close()


async def _rollups(http: InfluxHttp, store: declared.InfluxStore) -> list[Finding]:
    """Whether the second bucket is there; whether the token could make it shows only when it tries."""
    name = store.bucket + SUFFIX
    answer = await http.get("/api/v2/buckets", {"org": store.org, "name": name})
    if answer.status < 400:  # noqa: PLR2004  HTTP's refusals
        return []
    text = f"no bucket {name!r} for rollups that this token may see; it is made at the start, if the token may make buckets"
    return [Finding(about=f"store {store.url}", state="note", text=f"{text}. Else make it, or set store.rollups.enabled: false")]


async def _embedded(config: Config) -> list[Finding]:
    path = config.settings.data_dir / "series.db"
    if not path.exists():
        return [Finding(about="store", state="note", text=f"{path} will be made at the start")]
    store = EmbeddedStore(path, clock=now_ms)
    try:
        await store.prepare(0)
        return [Finding(about=f"store {path}", state="fine", text="can be read"), *await _types(store, config.families.values())]
    except StoreUnavailableError as error:
        return [Finding(about="store", state="wrong", text=error.detail)]
    finally:
        await store.close()


async def _types(store: InfluxStore | EmbeddedStore, families: Iterable[Family]) -> list[Finding]:
    """A metric's type never changes: fields that the store has with another type."""
    changed = await changed_metrics(store, families)
    return [Finding(about=f"metric {metric.name}", state="wrong", text=metric.text) for metric in changed]
