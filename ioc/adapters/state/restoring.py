"""All that an engine needs to go on, as of one moment."""

from sqlalchemy import Connection

from ioc.adapters.state.alarm_rows import open_alarms
from ioc.adapters.state.engine_rows import all_groups, all_rule_states, last_heard_until, position
from ioc.adapters.state.fingerprint_rows import all_fingerprints
from ioc.adapters.state.journal import last_seq
from ioc.adapters.state.registry_rows import all_devices, all_units
from ioc.adapters.state.service_orders import standing_orders
from ioc.adapters.state.spooled_rows import all_spooled
from ioc.domain.state import Restored


def restored(conn: Connection) -> Restored:
    """What was committed and booked before."""
    return Restored(
        alarms=open_alarms(conn),
        rule_states=all_rule_states(conn),
        groups=all_groups(conn),
        seq=last_seq(conn),
        position=position(conn),
        heard_until=last_heard_until(conn),
        orders=standing_orders(conn),
        devices=all_devices(conn),
        units=all_units(conn),
        booked=all_fingerprints(conn),
        spooled=all_spooled(conn),
    )
