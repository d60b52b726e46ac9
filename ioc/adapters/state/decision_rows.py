"""What one batch, tick or act decided, written as a whole."""

from collections.abc import Sequence

from sqlalchemy import Connection

from ioc.adapters.state.alarm_rows import put_alarms
from ioc.adapters.state.engine_rows import put_groups, put_position, put_rule_states
from ioc.adapters.state.incident_rows import forget_incidents, put_incidents
from ioc.adapters.state.journal import append_transitions
from ioc.adapters.state.outbox_rows import add_messages
from ioc.adapters.state.registry_rows import add_new_devices
from ioc.adapters.state.why_rows import put_told, put_unsent
from ioc.domain.alarm import Decisions
from ioc.domain.registry import Device


def put_decisions(conn: Connection, decisions: Decisions, newcomers: Sequence[Device]) -> None:
    """Writes the decisions and the devices that were heard for the first time; outbox messages known already stay."""
    append_transitions(conn, decisions.transitions)
    put_alarms(conn, decisions.alarms)
    put_rule_states(conn, decisions.rule_states)
    put_groups(conn, decisions.groups)
    add_messages(conn, decisions.outbox)
    put_told(conn, decisions.outbox)
    put_unsent(conn, decisions.unsent)
    forget_incidents(conn, decisions.dissolved)
    put_incidents(conn, decisions.incidents, decisions.members)
    if decisions.position is not None:
        put_position(conn, decisions.position)
    add_new_devices(conn, newcomers)
