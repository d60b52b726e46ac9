"""What the command line can do to a site: over the running server's socket, or on the files while no server runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ioc.api.arguments import ById, read
from ioc.api.control import ControlError, Handler
from ioc.api.documents import drift_document, ledger_document
from ioc.api.ports import Drifts, Ledger, Recording, Rules
from ioc.api.registry_commands import Registry, check_units
from ioc.domain.audit import Expected
from ioc.domain.nearest import Nearest
from ioc.domain.principal import Role
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.token import TokenInfo


class Tokens(Protocol):
    """Tokens as kept."""

    async def create(self, role: Role, *, now: int, units: Iterable[str] = (), expires_at: int | None = None, name: str = "") -> str:
        """The plaintext."""

    async def list(self) -> list[TokenInfo]:
        """All of them."""

    async def revoke(self, token: str, now: int) -> bool:
        """Whether it was in force."""


class CreateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new token; `expires_at` Unix ms."""

    role: Role
    units: tuple[str, ...] = ()
    expires_at: int | None = None
    name: str = ""


class ListDrift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the drifts."""

    acknowledged: bool | None = None
    limit: int = 100
    cursor: str | None = None


class StartRecording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Into a new file, for `lasts` ms or until it has `limit` bytes."""

    path: str
    lasts: int
    limit: int


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arrival minutes from (inclusive) to (exclusive), Unix ms; None = unbounded."""

    start: int | None = None
    end: int | None = None


class Hour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hour that begins at `hour` (Unix ms)."""

    hour: int


def token_commands(tokens: Tokens, registry: Registry, *, clock: Callable[[], int]) -> dict[str, Handler]:
    """`token.create|list|revoke`."""

    async def create(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, CreateToken)
        _check_role(wanted)
        check_units(wanted.units, await registry.units())
        token = await tokens.create(
            wanted.role, now=clock(), units=wanted.units, expires_at=wanted.expires_at, name=wanted.name or wanted.role.value
        )
        return {"id": token.split("_")[1], "token": token, "role": wanted.role.value, "expires_at": _instant(wanted.expires_at)}

    async def listing(_args: Mapping[str, Any]) -> dict[str, Any]:
        now = clock()
        return {"items": [_token_document(token, now) for token in await tokens.list()]}

    async def revoke(args: Mapping[str, Any]) -> dict[str, Any]:
        token = read(args, ById).id
        if not await tokens.revoke(token, clock()):
            known = [one.id for one in await tokens.list()]
            advice = "it is revoked or expired already" if token in known else Nearest(known).advice(token) or "see `ioc token list`"
            msg = f"there is no token {token!r} in force; {advice}"
            raise ControlError(msg)
        return {"revoked": token}

    return {"token.create": create, "token.list": listing, "token.revoke": revoke}


class LedgerBooks(Ledger, Protocol):
    """The ledger, and what follows from it for the store."""

    async def expected(self, hour: int) -> Sequence[Expected]:
        """The points that the store should hold in an hour of their own time."""


def ledger_commands(ledger: LedgerBooks) -> dict[str, Handler]:
    """`ledger`: the document of the API; `ledger.expected`: what the store should hold in one hour."""

    async def show(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        span = read(args, Span)
        return ledger_document(await ledger.ledger(span.start, span.end), span.start, span.end)

    async def expected(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        return await ledger.expected(read(args, Hour).hour)

    return {"ledger": show, "ledger.expected": expected}


def drift_commands(drifts: Drifts) -> dict[str, Handler]:
    """`drift.list|ack`: the documents of the API."""

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, ListDrift)
        items, following = await drifts.drifts(acknowledged=wanted.acknowledged, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": [drift_document(item) for item in items], "next": following}

    async def acknowledge(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, ById).id
        found = await drifts.acknowledge_drift(wanted, by="person:console")
        if found is None:
            msg = f"there is no drift {wanted!r}; see `ioc families drift`"
            raise ControlError(msg)
        return drift_document(found)

    return {"drift.list": listing, "drift.ack": acknowledge}


class RuleSet(Protocol):
    """The rules in force, replaceable."""

    async def reload(self, *, forced: bool) -> msgspec.Struct:
        """What became of it."""


class ReloadRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force`: also rules that raise many alarms at once."""

    force: bool = False


def rule_commands(rules: Rules, rule_set: RuleSet) -> dict[str, Handler]:
    """`rules.list|reload`: the documents of the API; what became of a reload."""

    async def listing(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"items": list(await rules.rules()), "next": None}

    async def reload(args: Mapping[str, Any]) -> msgspec.Struct:
        return await rule_set.reload(forced=read(args, ReloadRules).force)

    return {"rules.list": listing, "rules.reload": reload}


def record_commands(recording: Recording, *, clock: Callable[[], int]) -> dict[str, Handler]:
    """`record.start|stop|state`."""

    async def start(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, StartRecording)
        path = Path(wanted.path)
        if not path.is_absolute() or wanted.lasts <= 0 or wanted.limit <= 0:
            msg = "a recording needs an absolute path, a time and a size"
            raise ControlError(msg)
        return await recording.start(path, until=clock() + wanted.lasts, limit=wanted.limit)

    async def stop(_args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        return await recording.stop()

    async def state(_args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        return recording.state()

    return {"record.start": start, "record.stop": stop, "record.state": state}


def _check_role(wanted: CreateToken) -> None:
    if wanted.role is Role.TECHNICIAN and not wanted.units:
        msg = "a technician's token needs the units it is for; name at least one"
        raise ControlError(msg)
    if wanted.role is not Role.TECHNICIAN and wanted.units:
        msg = f"units limit technicians only; leave them out for the role {wanted.role.value}"
        raise ControlError(msg)


def _token_document(token: TokenInfo, now: int) -> dict[str, Any]:
    ended = token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now)
    return {
        "id": token.id,
        "name": token.principal.name,
        "role": token.principal.role.value,
        "units": sorted(token.principal.units),
        "created_at": to_rfc3339(token.created_at),
        "expires_at": _instant(token.expires_at),
        "revoked_at": _instant(token.revoked_at),
        "in_force": not ended,
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
