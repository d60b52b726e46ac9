"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    _engine()
    _alarms()
    _incidents()
    _traces()
    _outbox()
    _ledger()
    _audits()
    _rollups()
    _registry()
    _access()


def _engine() -> None:
    op.create_table(
        "engine_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("heard_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_engine_state"),
    )
    op.create_table(
        "notification_groups",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notification_groups"),
    )
    op.create_table(
        "rule_states",
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("heard_since", sa.BigInteger(), nullable=False),
        sa.Column("alarm", sa.String(64)),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "device", name="pk_rule_states"),
    )


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("family", sa.String(32)),
        sa.Column("device", sa.String(64)),
        sa.Column("unit", sa.String(64)),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger()),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_by", sa.String(128)),
        sa.Column("assigned_to", sa.String(128)),
        sa.Column("shelved_until", sa.BigInteger()),
        sa.Column("latching", sa.Boolean(), nullable=False),
        sa.Column("normal_since", sa.BigInteger()),
        sa.Column("suppressed_by", sa.Text()),
        sa.Column("out_of_service", sa.String(length=64)),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("consequence", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("ix_alarms_device_since", "alarms", ["device", "since"])
    op.create_index("ix_alarms_open_since", "alarms", ["open", "since"])
    op.create_index("ix_alarms_rule_since", "alarms", ["rule", "since"])
    op.create_index("ix_alarms_since_id", "alarms", ["since", "id"])
    op.create_index("ix_alarms_unit_since", "alarms", ["unit", "since"])
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alarm", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("device", sa.String(64)),
        sa.Column("unit", sa.String(64)),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(160), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
    )
    op.create_index("ix_journal_alarm_seq", "journal", ["alarm", "seq"])
    op.create_index("ix_journal_recorded", "journal", ["recorded"])


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("attribute", sa.String(64), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("also", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("recovered", sa.Integer(), nullable=False),
        sa.Column("exposed", sa.Integer(), nullable=False),
        sa.Column("fallen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_since_id", "incidents", ["since", "id"])
    op.create_table(
        "incident_members",
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("alarm", sa.String(64), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("unit", sa.String(64)),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger()),
        sa.Column("released", sa.BigInteger()),
        sa.PrimaryKeyConstraint("incident", "alarm", name="pk_incident_members"),
    )
    op.create_index("ix_incident_members_alarm", "incident_members", ["alarm"])


def _traces() -> None:
    op.create_table(
        "unsent",
        sa.Column("alarm", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("alarm", "at", "reason", "by", name="pk_unsent"),
    )
    op.create_index("ix_unsent_by_at", "unsent", ["by", "at"])
    op.create_table(
        "told",
        sa.Column("alarm", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("alarm", "key", name="pk_told"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "channel", name="pk_outbox"),
    )
    op.create_index("ix_outbox_at_key_channel", "outbox", ["at", "key", "channel"])
    op.create_index("ix_outbox_next_at", "outbox", ["next_at"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["key", "channel"], ["outbox.key", "outbox.channel"], name="fk_attempts_outbox"),
        sa.PrimaryKeyConstraint("key", "channel", "number", name="pk_attempts"),
    )


def _ledger() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "number", name="pk_fingerprints"),
    )
    op.create_table(
        "ledger_minutes",
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("spooled", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("retained", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("in_flight", sa.BigInteger(), nullable=False),
        sa.Column("partial", sa.BigInteger(), nullable=False),
        sa.Column("clock_corrected", sa.BigInteger(), nullable=False),
        sa.Column("overwritten", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("evicted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("family", "source", "minute", name="pk_ledger_minutes"),
    )
    op.create_index("ix_ledger_minutes_minute", "ledger_minutes", ["minute"])
    op.create_table(
        "ledger_totals",
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("spooled", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("retained", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("in_flight", sa.BigInteger(), nullable=False),
        sa.Column("partial", sa.BigInteger(), nullable=False),
        sa.Column("clock_corrected", sa.BigInteger(), nullable=False),
        sa.Column("overwritten", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("evicted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("family", "source", name="pk_ledger_totals"),
    )
    op.create_table(
        "spooled",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("deliveries", sa.Text(), nullable=False),
        sa.Column("points", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spooled"),
    )


def _audits() -> None:
    op.create_table(
        "expected_points",
        sa.Column("measurement", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("certain", sa.BigInteger(), nullable=False),
        sa.Column("uncertain", sa.BigInteger(), nullable=False),
        sa.Column("spooled", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measurement", "hour", name="pk_expected_points"),
    )
    op.create_index("ix_expected_points_hour", "expected_points", ["hour"])
    op.create_table(
        "audits",
        sa.Column("measurement", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("measurement", "hour", name="pk_audits"),
    )
    op.create_table(
        "drift",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_drift"),
    )
    op.create_table("recovered", sa.Column("item", sa.String(64), nullable=False), sa.PrimaryKeyConstraint("item", name="pk_recovered"))


def _rollups() -> None:
    op.create_table(
        "rollup_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_position"),
    )
    op.create_table(
        "rollup_due",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "family", "device", name="pk_rollup_due"),
    )


def _registry() -> None:
    op.create_table(
        "devices",
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column("unit", sa.String(64)),
        sa.Column("name", sa.String(255)),
        sa.Column("lat", sa.Float()),
        sa.Column("lon", sa.Float()),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.String(10)),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_devices"),
    )
    op.create_table(
        "units",
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("valid_to", sa.String(10)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(64)),
        sa.Column("lat", sa.Float()),
        sa.Column("lon", sa.Float()),
        sa.PrimaryKeyConstraint("unit", "valid_from", name="pk_units"),
    )


def _access() -> None:
    op.create_table(
        "silences",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(128)),
        sa.Column("severity", sa.String(16)),
        sa.Column("family", sa.String(32)),
        sa.Column("device", sa.String(64)),
        sa.Column("unit", sa.String(64)),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(160), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("weekly", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
    )
    op.create_index("ix_silences_until", "silences", ["until"])
    op.create_table(
        "silence_digests",
        sa.Column("silence", sa.String(64), nullable=False),
        sa.Column("told_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("silence", name="pk_silence_digests"),
    )
    op.create_table(
        "service_orders",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("device", sa.String(64)),
        sa.Column("unit", sa.String(64)),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(160), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(160)),
        sa.PrimaryKeyConstraint("id", name="pk_service_orders"),
    )
    op.create_index("ix_service_orders_ended_at", "service_orders", ["ended_at"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
