"""What the command line can do to a site: over the running server's socket, or on the files while no server runs."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from ioc.api.control import ControlError, Handler
from ioc.api.documents import drift_document, ledger_document, quarantine_document
from ioc.api.ports import Drifts, Ledger, Quarantine, Recording, Rules
from ioc.domain.audit import Expected
from ioc.domain.nearest import Nearest
from ioc.domain.principal import Role
from ioc.domain.quarantined import QuarantineFilter
from ioc.domain.registry import Device, RowError, Unit
from ioc.domain.registry_import import ImportPlan, parse_devices, parse_units, plan_devices, plan_units
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.token import TokenInfo
from ioc.domain.units import UnitTree

A = TypeVar("A", bound=msgspec.Struct)
_SHOWN = 20
"""Changes of an import that are listed one by one."""


class Registry(Protocol):
    """Units and devices as kept."""

    async def units(self) -> tuple[Unit, ...]:
        """Every row of every unit."""

    async def devices(self) -> tuple[Device, ...]:
        """Every device, by id."""

    async def import_units(self, rows: Iterable[Unit]) -> None:
        """Inserts or replaces."""

    async def import_devices(self, rows: Iterable[Device]) -> None:
        """Inserts or replaces."""

    async def approve(self, devices: Iterable[str], *, unit: str | None = None, name: str | None = None) -> int:
        """The number of those that are known."""


class Tokens(Protocol):
    """Tokens as kept."""

    async def create(self, role: Role, *, now: int, units: Iterable[str] = (), expires_at: int | None = None, name: str = "") -> str:
        """The plaintext."""

    async def list(self) -> list[TokenInfo]:
        """All of them."""

    async def revoke(self, token: str, now: int) -> bool:
        """Whether it was in force."""


class UnitsList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units valid on a date (None = today), or all rows."""

    on: str | None = None
    all: bool = False


class DevicesList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Devices of which every given field holds."""

    family: str | None = None
    unit: str | None = None
    approved: bool | None = None


class Import(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CSV file's bytes (base64 on the wire); without `apply` only what it would change."""

    csv: bytes
    apply: bool = False


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held devices by id, or all of them."""

    devices: tuple[str, ...] = ()
    all: bool = False
    unit: str | None = None
    name: str | None = None


class CreateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new token; `expires_at` Unix ms."""

    role: Role
    units: tuple[str, ...] = ()
    expires_at: int | None = None
    name: str = ""


class ById(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing by its id."""

    id: str


class ListQuarantine(QuarantineFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of the quarantine."""

    limit: int = 100
    cursor: str | None = None

    @property
    def filter(self) -> QuarantineFilter:
        """Without the page."""
        return QuarantineFilter(**{name: getattr(self, name) for name in QuarantineFilter.__struct_fields__})


class SumQuarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of its sums."""

    by: Literal["device", "reason"] | None = None
    limit: int = 100
    cursor: str | None = None


class ReplayQuarantine(ListQuarantine, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page to be tried again; `dry_run` only says what would become of it."""

    dry_run: bool = False


class DiscardQuarantine(QuarantineFilter, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Messages that are worth nothing, and why."""

    why: str

    @property
    def filter(self) -> QuarantineFilter:
        """Without the reason."""
        return QuarantineFilter(**{name: getattr(self, name) for name in QuarantineFilter.__struct_fields__})


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


async def _nothing() -> None:
    return None


def registry_commands(
    registry: Registry,
    *,
    families: Collection[str],
    zone: tzinfo,
    clock: Callable[[], int],
    changed: Callable[[], Awaitable[object]] = _nothing,
) -> dict[str, Handler]:
    """`units.list|import`, `devices.list|import|approve`; `changed` is awaited after every write, so that a server takes it over."""
    desk = _RegistryDesk(registry, families, zone, clock, changed)
    return {
        "units.list": lambda args: desk.list_units(_read(args, UnitsList)),
        "units.import": lambda args: desk.import_units(_read(args, Import)),
        "devices.list": lambda args: desk.list_devices(_read(args, DevicesList)),
        "devices.import": lambda args: desk.import_devices(_read(args, Import)),
        "devices.approve": lambda args: desk.approve(_read(args, Approve)),
    }


def token_commands(tokens: Tokens, registry: Registry, *, clock: Callable[[], int]) -> dict[str, Handler]:
    """`token.create|list|revoke`."""

    async def create(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = _read(args, CreateToken)
        _check_role(wanted)
        _check_units(wanted.units, await registry.units())
        token = await tokens.create(
            wanted.role, now=clock(), units=wanted.units, expires_at=wanted.expires_at, name=wanted.name or wanted.role.value
        )
        return {"id": token.split("_")[1], "token": token, "role": wanted.role.value, "expires_at": _instant(wanted.expires_at)}

    async def listing(_args: Mapping[str, Any]) -> dict[str, Any]:
        now = clock()
        return {"items": [_token_document(token, now) for token in await tokens.list()]}

    async def revoke(args: Mapping[str, Any]) -> dict[str, Any]:
        token = _read(args, ById).id
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
        span = _read(args, Span)
        return ledger_document(await ledger.ledger(span.start, span.end), span.start, span.end)

    async def expected(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        return await ledger.expected(_read(args, Hour).hour)

    return {"ledger": show, "ledger.expected": expected}


def drift_commands(drifts: Drifts) -> dict[str, Handler]:
    """`drift.list|ack`: the documents of the API."""

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = _read(args, ListDrift)
        items, following = await drifts.drifts(acknowledged=wanted.acknowledged, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": [drift_document(item) for item in items], "next": following}

    async def acknowledge(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, ById).id
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
        return await rule_set.reload(forced=_read(args, ReloadRules).force)

    return {"rules.list": listing, "rules.reload": reload}


def quarantine_commands(quarantine: Quarantine) -> dict[str, Handler]:
    """`quarantine.list|summary|show|replay|replay_many|discard`: the documents of the API."""

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = _read(args, ListQuarantine)
        items, following = await quarantine.quarantined(wanted.filter, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": [quarantine_document(item) for item in items], "next": following}

    async def summary(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = _read(args, SumQuarantine)
        items, following = await quarantine.quarantine_summary(wanted.by, units=None, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": items, "next": following}

    async def show(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, ById).id
        item = await quarantine.quarantined_one(wanted)
        if item is None:
            raise _no_item(wanted)
        return quarantine_document(item)

    async def replay(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, ById).id
        if await quarantine.quarantined_one(wanted) is None:
            raise _no_item(wanted)
        return await quarantine.replay(wanted, by="person:console")

    async def replay_many(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, ReplayQuarantine)
        return await quarantine.replay_many(
            wanted.filter, by="person:console", limit=wanted.limit, cursor=wanted.cursor, dry_run=wanted.dry_run
        )

    async def discard(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, DiscardQuarantine)
        return {"discarded": await quarantine.discard(wanted.filter, by="person:console", why=wanted.why)}

    return {
        "quarantine.discard": discard,
        "quarantine.list": listing,
        "quarantine.summary": summary,
        "quarantine.show": show,
        "quarantine.replay": replay,
        "quarantine.replay_many": replay_many,
    }


def record_commands(recording: Recording, *, clock: Callable[[], int]) -> dict[str, Handler]:
    """`record.start|stop|state`."""

    async def start(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = _read(args, StartRecording)
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


class _RegistryDesk:
    """Lists and imports."""

    def __init__(
        self,
        registry: Registry,
        families: Collection[str],
        zone: tzinfo,
        clock: Callable[[], int],
        changed: Callable[[], Awaitable[object]],
    ) -> None:
        self._registry = registry
        self._families = families
        self._zone = zone
        self._clock = clock
        self._changed = changed

    async def list_units(self, wanted: UnitsList) -> dict[str, Any]:
        rows: Sequence[Unit] = await self._registry.units()
        if not wanted.all:
            rows = UnitTree(rows).on(wanted.on or self._today())
        return {"items": rows}

    async def list_devices(self, wanted: DevicesList) -> dict[str, Any]:
        return {
            "items": [
                {**msgspec.structs.asdict(device), "registered_at": to_rfc3339(device.registered_at)}
                for device in await self._registry.devices()
                if (wanted.family is None or device.family == wanted.family)
                and (wanted.unit is None or device.unit == wanted.unit)
                and (wanted.approved is None or device.approved == wanted.approved)
            ]
        }

    async def import_units(self, wanted: Import) -> dict[str, Any]:
        plan = plan_units(await self._registry.units(), parse_units(wanted.csv))
        apply = wanted.apply and bool(plan.to_import)
        if apply:
            await self._registry.import_units(plan.to_import)
            await self._changed()
        return _plan_document(plan, applied=apply)

    async def import_devices(self, wanted: Import) -> dict[str, Any]:
        units = await self._registry.units()
        parsed = parse_devices(wanted.csv, families=self._families, units=units, today=self._today())
        plan = plan_devices(await self._registry.devices(), parsed, now=self._clock())
        apply = wanted.apply and bool(plan.to_import)
        if apply:
            await self._registry.import_devices(plan.to_import)
            await self._changed()
        return _plan_document(plan, applied=apply)

    async def approve(self, wanted: Approve) -> dict[str, Any]:
        devices = await self._registry.devices()
        held = [device.device for device in devices if not device.approved]
        names = held if wanted.all else list(wanted.devices)
        missing = sorted(set(names) - {device.device for device in devices})
        if missing:
            advice = Nearest(held).advice(missing[0]) or "see `ioc devices list --held`"
            msg = f"there is no device {missing[0]!r}; {advice}"
            raise ControlError(msg)
        _check_units(() if wanted.unit is None else (wanted.unit,), await self._registry.units())
        if names:
            await self._registry.approve(names, unit=wanted.unit, name=wanted.name)
            await self._changed()
        return {"approved": sorted(set(names) & set(held)), "already": sorted(set(names) - set(held))}

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock() / 1000, self._zone).date().isoformat()


def _plan_document(plan: ImportPlan[Any], *, applied: bool) -> dict[str, Any]:
    changes = [_change(change.before, change.after) for change in plan.changed[:_SHOWN]]
    return {
        "added": len(plan.added),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "errors": [_row_error(error) for error in plan.errors],
        "changes": changes,
        "applied": applied,
    }


def _change(before: msgspec.Struct, after: msgspec.Struct) -> dict[str, Any]:
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    identity = str(new.get("device") or new.get("unit"))
    return {"id": identity, "changes": {name: [old[name], new[name]] for name in new if old[name] != new[name]}}


def _row_error(error: RowError) -> dict[str, Any]:
    return {"line": error.line, "detail": error.detail}


def _read(args: Mapping[str, Any], model: type[A]) -> A:
    """The request's args as declared; msgspec.ValidationError names the one that doesn't fit."""
    return msgspec.convert(args, model)


def _check_role(wanted: CreateToken) -> None:
    if wanted.role is Role.TECHNICIAN and not wanted.units:
        msg = "a technician's token needs the units it is for; name at least one"
        raise ControlError(msg)
    if wanted.role is not Role.TECHNICIAN and wanted.units:
        msg = f"units limit technicians only; leave them out for the role {wanted.role.value}"
        raise ControlError(msg)


def _check_units(wanted: Sequence[str], rows: Iterable[Unit]) -> None:
    known = {row.unit for row in rows}
    missing = [unit for unit in wanted if unit not in known]
    if missing:
        msg = f"there is no unit {missing[0]!r}; {Nearest(known).advice(missing[0]) or 'see `ioc units list`'}"
        raise ControlError(msg)


def _no_item(wanted: str) -> ControlError:
    return ControlError(f"the quarantine holds no item {wanted!r}; see `ioc quarantine list`")


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
