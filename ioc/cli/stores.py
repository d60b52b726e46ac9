"""The time-series store of a site, for commands that read it themselves."""

from typing import Any

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.app.clock import now_ms
from ioc.cli.failure import Failure
from ioc.cli.place import Place
from ioc.config import settings as declared


async def open_store(where: Place) -> InfluxStore | EmbeddedStore:
    """The store, to be closed by the caller; Failure where there is none yet, StoreUnavailableError where it does not answer."""
    settings: Any = where.config.settings.store if where.config else declared.EmbeddedStore()
    if isinstance(settings, declared.InfluxStore):
        token = settings.token.get_secret_value() if settings.token is not None else ""
        return InfluxStore(settings.url, org=settings.org, bucket=settings.bucket, token=token, ca_file=settings.ca_file)
    path = where.data_dir / "series.db"
    if not path.exists():
        msg = f"there is no store {path} yet; a server makes it at its first start"
        raise Failure(msg)
    store = EmbeddedStore(path, clock=now_ms)
    await store.prepare(0)
    return store
