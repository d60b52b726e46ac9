"""The tables of state.db. Times are Unix milliseconds; JSON stands as text; nothing here is particular to SQLite."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, String, Table, Text

from ioc.domain.ledger import TERMS

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

engine_state = Table(
    "engine_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("heard_until", BigInteger),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("family", String(32)),
    Column("device", String(64)),
    Column("unit", String(64)),
    Column("since", BigInteger, nullable=False),
    Column("cleared_at", BigInteger),
    Column("acknowledged", Boolean, nullable=False),
    Column("acknowledged_by", String(128)),
    Column("assigned_to", String(128)),
    Column("shelved_until", BigInteger),
    Column("latching", Boolean, nullable=False),
    Column("normal_since", BigInteger),
    Column("suppressed_by", Text),
    Column("out_of_service", String(64)),
    Column("summary", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("consequence", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("labels", Text, nullable=False),
    # Active, or cleared but not acknowledged: what a restart reads, found without a scan of the history.
    Column("open", Boolean, nullable=False),
    Index(None, "since", "id"),
    Index(None, "open", "since"),
    Index(None, "device", "since"),
    Index(None, "unit", "since"),
    Index(None, "rule", "since"),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("alarm", String(64), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("device", String(64)),
    Column("unit", String(64)),
    Column("step", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("by", String(160), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "alarm", "seq"),
    Index(None, "recorded"),
)

rule_states = Table(
    "rule_states",
    metadata,
    Column("rule", String(128), primary_key=True),
    Column("device", String(64), primary_key=True),
    Column("phase", String(16), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("heard_since", BigInteger, nullable=False),
    Column("alarm", String(64)),
    Column("memory", Text, nullable=False),
)

notification_groups = Table(
    "notification_groups",
    metadata,
    Column("key", Text, primary_key=True),
    Column("due_at", BigInteger),
    Column("body", LargeBinary, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("attribute", String(64), nullable=False),
    Column("value", String(255), nullable=False),
    Column("also", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("members", Integer, nullable=False),
    Column("recovered", Integer, nullable=False),
    Column("exposed", Integer, nullable=False),
    Column("fallen", Integer, nullable=False),
    Index(None, "since", "id"),
)

incident_members = Table(
    "incident_members",
    metadata,
    Column("incident", String(64), primary_key=True),
    Column("alarm", String(64), primary_key=True),
    Column("device", String(64), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("unit", String(64)),
    Column("joined", BigInteger, nullable=False),
    Column("recovered", BigInteger),
    Column("released", BigInteger),
    Index(None, "alarm"),
)

unsent = Table(
    "unsent",
    metadata,
    Column("alarm", String(64), primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(16), primary_key=True),
    Column("by", String(255), primary_key=True),
    Column("until", BigInteger),
    Index(None, "by", "at"),
)

# Which message names which alarm.
told = Table(
    "told",
    metadata,
    Column("alarm", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("channel", String(128), primary_key=True),
    Column("event", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("done_at", BigInteger),
    Column("delivered", Boolean, nullable=False),
    # `next_at` is null exactly where the message has ended.
    Index(None, "next_at"),
    Index(None, "at", "key", "channel"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("channel", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    ForeignKeyConstraint(["key", "channel"], ["outbox.key", "outbox.channel"]),
)

ledger_minutes = Table(
    "ledger_minutes",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("source", String(128), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    *(Column(term, BigInteger, nullable=False) for term in TERMS),
    Index(None, "minute"),
)

# Sums since the beginning, kept beside the minutes: a year has 1.5 million of those.
ledger_totals = Table(
    "ledger_totals",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("source", String(128), primary_key=True),
    *(Column(term, BigInteger, nullable=False) for term in TERMS),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("source", String(128), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("deliveries", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

spooled = Table(
    "spooled",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(128), nullable=False),
    Column("deliveries", Text, nullable=False),
    Column("points", Text, nullable=False),
)

expected_points = Table(
    "expected_points",
    metadata,
    Column("measurement", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("certain", BigInteger, nullable=False),
    Column("uncertain", BigInteger, nullable=False),
    Column("spooled", BigInteger, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Index(None, "hour"),
)

audits = Table(
    "audits",
    metadata,
    Column("measurement", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("changes", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

recovered = Table("recovered", metadata, Column("item", String(64), primary_key=True))

drift = Table("drift", metadata, Column("key", String(255), primary_key=True), Column("body", LargeBinary, nullable=False))

rollup_position = Table(
    "rollup_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("minute", BigInteger, nullable=False),
)

rollup_due = Table(
    "rollup_due",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("family", String(32), primary_key=True),
    Column("device", String(64), primary_key=True),
    Column("marks", Integer, nullable=False),
)

units = Table(
    "units",
    metadata,
    Column("unit", String(64), primary_key=True),
    Column("valid_from", String(10), primary_key=True),
    Column("code", String(64), nullable=False),
    Column("valid_to", String(10)),
    Column("name", String(255), nullable=False),
    Column("type", String(64), nullable=False),
    Column("parent", String(64)),
    Column("lat", Float),
    Column("lon", Float),
)

devices = Table(
    "devices",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("family", String(32), nullable=False),
    Column("unit", String(64)),
    Column("name", String(255)),
    Column("lat", Float),
    Column("lon", Float),
    Column("labels", Text, nullable=False),
    Column("valid_from", String(10)),
    Column("approved", Boolean, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
)

silences = Table(
    "silences",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(128)),
    Column("severity", String(16)),
    Column("family", String(32)),
    Column("device", String(64)),
    Column("unit", String(64)),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(160), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("weekly", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Index(None, "until"),
)

# Until when (Unix ms) it has been told what a silence hid.
silence_digests = Table(
    "silence_digests",
    metadata,
    Column("silence", String(64), primary_key=True),
    Column("told_until", BigInteger, nullable=False),
)

service_orders = Table(
    "service_orders",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("device", String(64)),
    Column("unit", String(64)),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("reason", Text, nullable=False),
    Column("by", String(160), nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(160)),
    Index(None, "ended_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("units", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
