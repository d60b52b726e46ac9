"""The quarantine while no server runs: it can be looked at, but nothing can be stored again."""

from ioc.adapters.quarantine import QuarantineFile
from ioc.api.control import ControlError
from ioc.api.ports import QuarantineItem, Replay
from ioc.app.quarantine_desk import quarantine_item


class Shelf:
    """quarantine.db as the API's port."""

    def __init__(self, file: QuarantineFile) -> None:
        self._file = file

    async def quarantined(
        self,
        *,
        device: str | None,
        reason: str | None,
        units: frozenset[str] | None,  # noqa: ARG002  who may read the file may read all of it
        limit: int,
        cursor: str | None,
    ) -> tuple[list[QuarantineItem], str | None]:
        """Newest first."""
        found = await self._file.list(device=device, reason=reason, after=cursor, limit=limit + 1)
        items = [quarantine_item(message) for message in found[:limit]]
        return items, items[-1].id if len(found) > limit else None

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""
        message = await self._file.get(item)
        return None if message is None else quarantine_item(message)

    async def replay(self, item: str, *, by: str) -> Replay:
        """ControlError: storing needs a server."""
        msg = f"{item} can't be stored for {by} while no server is running; start `ioc run`"
        raise ControlError(msg, "unavailable")
