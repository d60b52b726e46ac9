"""The ledger: every delivery ends in exactly one term."""

import msgspec

from ioc.domain.rollup import DueHour


class LedgerTerms(msgspec.Struct, kw_only=True):
    """Counts of deliveries of one family and arrival minute, or sums of such.

    received = stored + spooled + quarantined + duplicate + retained + returned + in_flight.
    """

    received: int = 0
    stored: int = 0
    spooled: int = 0
    quarantined: int = 0
    duplicate: int = 0
    retained: int = 0
    returned: int = 0
    in_flight: int = 0
    partial: int = 0
    clock_corrected: int = 0
    overwritten: int = 0
    recovered: int = 0
    evicted: int = 0

    def add(self, other: "LedgerTerms") -> None:
        """Adds another row's counts to this one's."""
        for name in TERMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def difference(self) -> int:
        """received minus all outcomes: 0 in a closed ledger."""
        outcomes: int = sum(getattr(self, name) for name in OUTCOMES)
        return self.received - outcomes


OUTCOMES = ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight")
TERMS = LedgerTerms.__struct_fields__


class LedgerRow(msgspec.Struct, frozen=True):
    """One family's terms in one arrival minute (`minute` = Unix ms of its start)."""

    family: str
    minute: int
    terms: LedgerTerms


class Expectation(msgspec.Struct, frozen=True):
    """How many points of a measurement the store should hold in one hour of the points' own time; or what is added to that."""

    measurement: str
    hour: int
    """Unix ms of its start."""
    certain: int = 0
    """Stored at times that the device had never told before: each is a point of its own."""
    uncertain: int = 0
    """Stored, but perhaps at a time that had a point already: a repetition, history sent again, a replay."""
    spooled: int = 0
    """Waiting for the store."""


class SpooledBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger counts as spooled in one spool row: known even if that row can't be read any more."""

    id: int
    source: str
    deliveries: tuple[tuple[str, int, int], ...] = ()
    """(family, arrival minute, number)."""
    points: tuple[tuple[str, int, int], ...] = ()
    """(measurement, hour of their time, number)."""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What one batch, or one drained spool row, adds to the ledger: booked in one transaction."""

    source: str
    """Client id of the MQTT source."""
    rows: tuple[LedgerRow, ...] = ()
    """Deltas; `spooled` is negative when spooled deliveries become stored or quarantined."""
    fingerprints: bytes = b""
    """8 bytes for each delivery of the batch: recognises a redelivery of what was booked but not yet acknowledged."""
    heard_until: int | None = None
    """Send time of the newest canary in the batch (Unix ms)."""
    expected: tuple[Expectation, ...] = ()
    """Deltas of the points that the store should hold."""
    spool_added: tuple[SpooledBatch, ...] = ()
    """Spool rows whose deliveries `rows` counts as spooled."""
    spool_removed: tuple[int, ...] = ()
    due: tuple[DueHour, ...] = ()
    """Hours that must be rolled up again, since something was stored into them late."""
