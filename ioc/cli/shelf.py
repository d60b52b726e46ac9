"""The quarantine while no server runs: it can be looked at, but nothing can be stored again."""

from typing import Literal

from ioc.adapters.quarantine import QuarantineFile
from ioc.api.control import ControlError
from ioc.api.ports import QuarantineItem, Replay, Replays
from ioc.app.quarantine_desk import page_of, quarantine_item, summary_of
from ioc.domain.quarantined import QuarantineFilter, QuarantineGroup


class Shelf:
    """quarantine.db as the API's port."""

    def __init__(self, file: QuarantineFile) -> None:
        self._file = file

    async def quarantined(self, wanted: QuarantineFilter, *, limit: int, cursor: str | None) -> tuple[list[QuarantineItem], str | None]:
        """Newest first; who may read the file may read all of it."""
        return await page_of(self._file, wanted, devices=None, limit=limit, cursor=cursor)

    async def quarantine_summary(
        self,
        by: Literal["device", "reason"] | None,
        *,
        units: frozenset[str] | None,  # noqa: ARG002  who may read the file may read all of it
        limit: int,
        cursor: str | None,
    ) -> tuple[list[QuarantineGroup], str | None]:
        """The most first."""
        return await summary_of(self._file, by, devices=None, limit=limit, cursor=cursor)

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""
        message = await self._file.get(item)
        return None if message is None else quarantine_item(message)

    async def replay(self, item: str, *, by: str) -> Replay:
        """ControlError: storing needs a server."""
        raise _needs_server(item, by)

    async def discard(self, wanted: QuarantineFilter, *, by: str, why: str) -> int:  # noqa: ARG002  the port's
        """ControlError: the ledger is the server's."""
        what = "messages"
        raise _needs_server(what, by)

    async def replay_many(
        self,
        wanted: QuarantineFilter,  # noqa: ARG002  the port's
        *,
        by: str,
        limit: int,
        cursor: str | None,  # noqa: ARG002  the port's
        dry_run: bool,  # noqa: ARG002  the port's
    ) -> Replays:
        """ControlError: storing needs a server."""
        what = f"up to {limit} messages"
        raise _needs_server(what, by)


def _needs_server(what: str, by: str) -> ControlError:
    return ControlError(f"{what} can't be stored for {by} while no server is running; start `ioc run`", "unavailable")
