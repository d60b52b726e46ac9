"""MQTT sources: session, ears, ingest and pipeline of each belong together."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from alerts.desk import Desk
from alerts.presence import Ears
from collectors.claims import Claims
from collectors.drift_watch import DriftWatch
from collectors.ingest import Ingest
from collectors.pipeline import Pipeline
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from collectors.session import Session
from collectors.source import SourceSettings
from collectors.unmapped import UnmappedKeys
from collectors.writer import Writer
from ioc.app.clock import now_ms
from ioc.app.files import Files
from ioc.config.load import Config
from ioc.config.settings import Broker
from ioc.domain.dialect import Dialect
from ioc.domain.rollup import Frontier
from ioc.domain.state import Restored


@dataclass(slots=True, kw_only=True)
class Source:
    """One MQTT source with what belongs to it."""

    session: Session
    ears: Ears
    ingest: Ingest
    pipeline: Pipeline


def make_source(
    broker: Broker,
    *,
    config: Config,
    files: Files,
    restored: Restored,
    ears: Ears,
    desk: Desk,
    writer: Writer,
    unmapped: UnmappedKeys,
    drift: DriftWatch,
    claims: Claims,
    encoder: PointEncoder,
    frontier: Frontier,
) -> Source:
    """One source, remembering what its last run had taken in."""
    name = broker.client_id
    marks = [mark for blob in restored.fingerprints(name) for (mark,) in struct.iter_unpack("<Q", blob)]
    redelivery = RedeliveryMemory(marks, files.assigned_times.get(name, ()))
    dialects = config.dialects(broker)
    session = Session(source_settings(broker, dialects.values()), clock=now_ms)
    history = config.settings.store.retention
    ingest = Ingest(
        config.families,
        topic_root=broker.topic_root,
        history_limit=history,
        redelivery=redelivery,
        dialects=dialects,
        told_until=files.told_until,
        source=name,
        claims=claims,
    )
    pipeline = Pipeline(
        name,
        session=session,
        ingest=ingest,
        encoder=encoder,
        redelivery=redelivery,
        desk=desk,
        quarantine=files.quarantine,
        assigned=files.assigned,
        writer=writer,
        ledger=files.state,
        unmapped=unmapped,
        drift=drift,
        frontier=frontier,
    )
    return Source(session=session, ears=ears, ingest=ingest, pipeline=pipeline)


def source_settings(broker: Broker, dialects: Iterable[Dialect] = ()) -> SourceSettings:
    """What the configuration says, as the session takes it; every topic filter once."""
    return SourceSettings(
        url=broker.url,
        client_id=broker.client_id,
        username=broker.username,
        password=None if broker.password is None else broker.password.get_secret_value(),
        ca_file=_text(broker.ca_file),
        cert_file=_text(broker.cert_file),
        key_file=_text(broker.key_file),
        topic_root=broker.topic_root,
        extra_subscriptions=tuple(dict.fromkeys(filter_ for dialect in dialects for filter_ in dialect.template.filters)),
        firmware=version("ioc-monitor"),
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
