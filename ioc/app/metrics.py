"""Our own metrics, read from the parts when /metrics is asked."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.outbox import Outbox
from alerts.presence import Ears
from collectors.deadband import DeadbandMemory
from collectors.drain import Drain
from collectors.drift import DriftTracker
from collectors.ingest import Ingest
from collectors.pipeline import Pipeline
from collectors.session import Session
from collectors.spool_books import SpoolBooks
from collectors.unmapped import UnmappedKeys
from collectors.writer import Writer
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.app.auditor import Auditor
from ioc.app.house import House
from ioc.app.records import LedgerReader
from ioc.app.rollups import Rollups
from ioc.app.rule_desk import RuleDesk
from ioc.domain.fleet import Fleet
from ioc.domain.ledger import TERMS

T = TypeVar("T")
_GROWING = tuple(term for term in TERMS if term not in {"spooled", "in_flight"})


class ServerMetrics(Collector):
    """Every queue, cache and bound of the server."""

    def __init__(
        self,
        *,
        sessions: Mapping[str, Session],
        pipelines: Mapping[str, Pipeline],
        ears: Mapping[str, Ears],
        desk: Desk,
        engine: Engine,
        rules: RuleDesk,
        writer: Writer,
        drain: Drain,
        books: SpoolBooks,
        spool: Spool,
        fleet: Fleet,
        strangers: Strangers,
        outbox: Outbox,
        house: House,
        ledger: LedgerReader,
        auditor: Auditor,
        ingests: Mapping[str, Ingest],
        unmapped: UnmappedKeys,
        quarantine: QuarantineFile,
        tracker: DriftTracker,
        rollups: Rollups,
        deadbands: Mapping[str, DeadbandMemory],
        clock: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._pipelines = pipelines
        self._ears = ears
        self._desk = desk
        self._engine = engine
        self._rules = rules
        self._writer = writer
        self._drain = drain
        self._books = books
        self._spool = spool
        self._fleet = fleet
        self._strangers = strangers
        self._outbox = outbox
        self._house = house
        self._accounts = ledger
        self._auditor = auditor
        self._ingests = ingests
        self._unmapped = unmapped
        self._quarantine = quarantine
        self._tracker = tracker
        self._rollups = rollups
        self._deadbands = deadbands
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """All families of metrics."""
        yield from self._per_source()
        yield from self._store()
        yield from self._kept_aside()
        yield from self._ledger()
        yield from self._people()
        bands = self._deadbands
        yield _counter(
            "ioc_deadband_dropped_values", "Values that said nothing new and were not written.", bands, lambda b: b.dropped, "family"
        )
        yield _gauge("ioc_deadband_devices", "Devices whose last written values are remembered.", bands, lambda b: b.devices, "family")
        held = self._engine.remembered()
        yield _gauge("ioc_rule_samples", "Past samples that a rule looks back at.", held, lambda h: h.samples, "rule")
        yield _gauge("ioc_rule_samples_limit", "The most that it may hold.", held, lambda h: h.devices * h.most_per_device, "rule")
        rules = self._rules
        yield GaugeMetricFamily("ioc_rules", "Rules in force.", value=len(rules.rules))
        yield GaugeMetricFamily("ioc_rules_held_back", "Rules that would raise too many alarms at once.", value=len(rules.held))
        yield CounterMetricFamily("ioc_rule_reloads", "Times that the rule files were read anew.", value=rules.loads)
        yield CounterMetricFamily(
            "ioc_rule_reload_failures", "Of those: files with mistakes, so that the old rules stayed.", value=rules.failures
        )
        rolled = self._rollups
        yield GaugeMetricFamily("ioc_rollups_lag_seconds", "Time since the end of the last minute rolled up.", value=rolled.lag_ms / 1000)
        yield GaugeMetricFamily("ioc_rollups_due", "Hours of devices that are due again, since something came late.", value=rolled.waiting)
        yield CounterMetricFamily("ioc_rollups_done", "Minutes rolled up since the start.", value=rolled.minutes)
        yield CounterMetricFamily("ioc_rollups_failed", "Turns of rolling up that the store did not take.", value=rolled.failures)
        drift = CounterMetricFamily("ioc_unmapped_keys", "Keys that no family declares.", labels=["family", "key"])
        for (family, key), count in self._unmapped.counts.items():
            drift.add_metric([family, key], count)
        yield drift
        tracker = self._tracker
        yield CounterMetricFamily("ioc_schema_drifts", "Fields that a group of devices told otherwise than before.", value=tracker.raised)
        yield GaugeMetricFamily(
            "ioc_schema_drifts_unacknowledged", "Of those kept, unknown to any person.", value=len(tracker.unacknowledged())
        )
        yield GaugeMetricFamily("ioc_schema_groups", "Groups of devices whose fields are known.", value=len(tracker.groups))
        yield CounterMetricFamily("ioc_schema_evicted", "Groups, fields and drifts that had to make room.", value=tracker.evicted)

    def _per_source(self) -> Iterator[Metric]:
        sessions = self._sessions
        yield _gauge("ioc_connected", "Whether the source is connected.", sessions, lambda s: s.connected)
        yield _gauge("ioc_unacknowledged_deliveries", "Handed in and not yet acknowledged.", sessions, lambda s: s.unacknowledged)
        now = self._clock()
        age = "Age of the oldest delivery that is not acknowledged."
        yield _gauge("ioc_oldest_unacknowledged_seconds", age, sessions, lambda s: (now - (s.oldest_unacknowledged or now)) / 1000)
        yield _gauge("ioc_queued_deliveries", "Read and not yet taken in.", sessions, lambda s: s.queued)
        yield _gauge("ioc_reader_paused", "Whether reading stopped because too much is unacknowledged.", sessions, lambda s: s.paused)
        yield _counter("ioc_reconnects", "Connections after the first.", sessions, lambda s: s.reconnects)
        yield _counter("ioc_session_faults", "Errors of our own in the MQTT session; each cost a connection.", sessions, lambda s: s.faults)
        yield _counter("ioc_booked_deliveries", "Deliveries whose outcome is in the ledger.", self._pipelines, lambda p: p.booked)
        yield _counter(
            "ioc_quarantine_evicted", "Copies that had to go because the quarantine was full.", self._pipelines, lambda p: p.evicted
        )
        yield _gauge("ioc_in_flight_deliveries", "Received and not yet booked.", self._pipelines, lambda p: p.in_flight)
        yield _gauge("ioc_listening_seconds", "Listening time since the start.", self._ears, lambda e: e.hearing.listening / 1000)
        yield _gauge("ioc_tracked_devices", "Devices whose liveness is watched.", self._ears, lambda e: len(e.liveness))
        yield _gauge("ioc_remembered_devices", "Devices with a clock and recent messages in memory.", self._ingests, lambda i: i.devices)

    def _store(self) -> Iterator[Metric]:
        now = self._clock()
        oldest = self._spool.oldest_at
        yield GaugeMetricFamily("ioc_store_up", "Whether the time-series store takes points.", value=self._writer.down_since is None)
        yield GaugeMetricFamily("ioc_spool_bytes", "Size of the spool.", value=self._spool.bytes_used)
        yield GaugeMetricFamily("ioc_spool_limit_bytes", "The most that the spool may hold.", value=self._spool.limit_bytes)
        yield GaugeMetricFamily("ioc_spool_rows", "Batches in the spool.", value=self._spool.rows)
        age = 0.0 if oldest is None else (now - oldest) / 1000
        yield GaugeMetricFamily("ioc_spool_age_seconds", "Age of the oldest batch in the spool.", value=age)
        full = self._writer.spool_full_since is not None
        yield GaugeMetricFamily("ioc_spool_full", "Whether the spool takes nothing more: nothing is acknowledged.", value=full)
        drain = self._drain
        yield CounterMetricFamily("ioc_spool_drained_points", "Points that the store has taken from the spool.", value=drain.points)
        yield CounterMetricFamily("ioc_spool_drained_batches", "Batches that the store has taken from the spool.", value=drain.rows)
        yield GaugeMetricFamily("ioc_spool_drain_rate", "Points a second taken from the spool, over ten seconds.", value=drain.rate)
        lost = self._books.lost_deliveries
        yield CounterMetricFamily("ioc_spool_lost_deliveries", "Deliveries in rows of the spool that can't be read any more.", value=lost)
        yield CounterMetricFamily(
            "ioc_own_points_left_out", "Slices of our own points that found the queue full.", value=self._house.left_out
        )

    def _kept_aside(self) -> Iterator[Metric]:
        level = self._quarantine.level
        yield GaugeMetricFamily("ioc_quarantine_bytes", "Size of the quarantine.", value=level.bytes_used)
        yield GaugeMetricFamily("ioc_quarantine_replayed_bytes", "Of those: stored after all.", value=level.replayed_bytes)
        yield GaugeMetricFamily("ioc_quarantine_limit_bytes", "The most that the quarantine may hold.", value=level.limit_bytes)
        yield GaugeMetricFamily("ioc_quarantine_entries", "Different payloads in the quarantine.", value=level.entries)
        reasons = GaugeMetricFamily("ioc_quarantine_messages", "Messages and copies that the quarantine stands for.", labels=["reason"])
        for reason, count in level.by_reason.items():
            reasons.add_metric([reason], count)
        yield reasons

    def _ledger(self) -> Iterator[Metric]:
        ended = CounterMetricFamily("ioc_ledger_deliveries", "The ledger's terms that only grow.", labels=["family", "term"])
        waiting = GaugeMetricFamily("ioc_ledger_spooled_deliveries", "Accepted, and waiting for the store.", labels=["family"])
        for family, terms in self._accounts.totals.items():
            for term in _GROWING:
                ended.add_metric([family, term], getattr(terms, term))
            waiting.add_metric([family], terms.spooled)
        yield from (ended, waiting)
        open_ = sum(terms.difference for terms in self._accounts.totals.values())
        yield GaugeMetricFamily("ioc_ledger_difference", "Deliveries received that no term accounts for.", value=open_)
        yield GaugeMetricFamily("ioc_ledger_mismatches", "Hours in which the store holds something else.", value=self._auditor.differing)
        yield CounterMetricFamily("ioc_ledger_audits", "Hours counted in the store.", value=self._auditor.audited)

    def _people(self) -> Iterator[Metric]:
        yield CounterMetricFamily("ioc_decision_faults", "Errors of our own while deciding; each cost one input.", value=self._desk.faults)
        yield GaugeMetricFamily("ioc_blind", "Whether our own test message stays away.", value=self._desk.blind)
        yield GaugeMetricFamily("ioc_fleet_devices", "Devices registered or held.", value=len(self._fleet))
        yield GaugeMetricFamily("ioc_held_devices", "Devices that wait for approval.", value=self._strangers.known)
        yield CounterMetricFamily("ioc_strangers_over_limit", "News of devices beyond max_unknown.", value=self._strangers.over)
        states = self._outbox.states
        yield _gauge(
            "ioc_channel_failing", "Whether the channel's last attempt failed.", states, lambda s: s.failing_since is not None, "channel"
        )
        yield _counter("ioc_messages_delivered", "Messages that a channel has taken.", states, lambda s: s.delivered, "channel")
        yield _counter(
            "ioc_messages_handed_over", "Messages that went to the channel's fallback.", states, lambda s: s.handed_over, "channel"
        )
        yield _counter("ioc_messages_given_up", "Messages that no attempt could deliver.", states, lambda s: s.given_up, "channel")


def _gauge(name: str, text: str, parts: Mapping[str, T], read: Callable[[T], float], label: str = "source") -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, part in parts.items():
        family.add_metric([key], float(read(part)))
    return family


def _counter(name: str, text: str, parts: Mapping[str, T], read: Callable[[T], float], label: str = "source") -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, part in parts.items():
        family.add_metric([key], float(read(part)))
    return family
