"""What the command line can do to the quarantine."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ioc.api.arguments import ById, read
from ioc.api.control import ControlError, Handler
from ioc.api.documents import quarantine_document
from ioc.api.ports import Quarantine
from ioc.domain.quarantined import QuarantineFilter


class Filtered(QuarantineFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A filter among other arguments."""

    @property
    def filter(self) -> QuarantineFilter:
        """Without the others."""
        return QuarantineFilter(**{name: getattr(self, name) for name in QuarantineFilter.__struct_fields__})


class ListQuarantine(Filtered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of the quarantine."""

    limit: int = 100
    cursor: str | None = None


class SumQuarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of its sums."""

    by: Literal["device", "reason"] | None = None
    limit: int = 100
    cursor: str | None = None


class ReplayQuarantine(ListQuarantine, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page to be tried again; `dry_run` only says what would become of it."""

    dry_run: bool = False


class DiscardQuarantine(Filtered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Messages that are worth nothing, and why."""

    why: str


def quarantine_commands(quarantine: Quarantine) -> dict[str, Handler]:
    """`quarantine.list|summary|show|replay|replay_many|discard`: the documents of the API."""

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, ListQuarantine)
        items, following = await quarantine.quarantined(wanted.filter, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": [quarantine_document(item) for item in items], "next": following}

    async def summary(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, SumQuarantine)
        items, following = await quarantine.quarantine_summary(wanted.by, units=None, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": items, "next": following}

    async def show(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, ById).id
        item = await quarantine.quarantined_one(wanted)
        if item is None:
            raise _no_item(wanted)
        return quarantine_document(item)

    async def replay(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, ById).id
        if await quarantine.quarantined_one(wanted) is None:
            raise _no_item(wanted)
        return await quarantine.replay(wanted, by="person:console")

    async def replay_many(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, ReplayQuarantine)
        return await quarantine.replay_many(
            wanted.filter, by="person:console", limit=wanted.limit, cursor=wanted.cursor, dry_run=wanted.dry_run
        )

    async def discard(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, DiscardQuarantine)
        return {"discarded": await quarantine.discard(wanted.filter, by="person:console", why=wanted.why)}

    return {
        "quarantine.discard": discard,
        "quarantine.list": listing,
        "quarantine.summary": summary,
        "quarantine.show": show,
        "quarantine.replay": replay,
        "quarantine.replay_many": replay_many,
    }


def _no_item(wanted: str) -> ControlError:
    return ControlError(f"the quarantine holds no item {wanted!r}; see `ioc quarantine list`")
