"""What lies in `data_dir`, opened; and the store that the configuration names."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from collectors.accounting import MINUTE_MS
from ioc.adapters.assigned import AssignedTimes
from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.adapters.state.store import StateDb
from ioc.app.clock import now_ms
from ioc.app.late_store import TimeSeriesStore
from ioc.config.load import Config
from ioc.config.settings import InfluxStore as InfluxSettings
from ioc.domain.state import Restored


@dataclass(slots=True, kw_only=True)
class Files:
    """What lies in `data_dir`, open."""

    state: StateDb
    quarantine: QuarantineFile
    spool: Spool
    assigned: AssignedTimes
    assigned_times: dict[str, list[tuple[int, int]]]
    """Source → (fingerprint, ts), newest last, as the last run left them."""
    uncounted: frozenset[int]
    """Spool rows that the ledger never counted: a crash came before; the broker sends their deliveries again."""
    told_until: int
    """No device told a later time before our start, as far as the ledger knows (Unix ms)."""


async def open_files(config: Config, state: StateDb, restored: Restored, stack: AsyncExitStack) -> Files:
    """Opens spool and quarantine beside the state; `stack` closes them."""
    settings = config.settings
    file = spool_file(settings.data_dir / "spool.db")
    await file.open()
    stack.push_async_callback(file.close)
    spool = Spool(file, limit_bytes=settings.limits.spool, clock=now_ms)
    await spool.open()
    assigned = AssignedTimes(file)
    quarantine = QuarantineFile(settings.data_dir / "quarantine.db", limit_bytes=settings.limits.quarantine)
    await quarantine.open()
    stack.push_async_callback(quarantine.close)
    last_minute = await state.last_booked_minute()
    return Files(
        state=state,
        quarantine=quarantine,
        spool=spool,
        assigned=assigned,
        assigned_times={broker.client_id: await assigned.load(broker.client_id) for broker in settings.brokers},
        uncounted=frozenset(await spool.ids()) - restored.spooled,
        told_until=0 if last_minute is None else last_minute + MINUTE_MS,
    )


def store_of(config: Config) -> TimeSeriesStore:
    """The store, not yet asked for anything."""
    store = config.settings.store
    if isinstance(store, InfluxSettings):
        token = "" if store.token is None else store.token.get_secret_value()
        return InfluxStore(store.url, org=store.org, bucket=store.bucket, token=token, ca_file=store.ca_file)
    return EmbeddedStore(config.settings.data_dir / "series.db", clock=now_ms)
