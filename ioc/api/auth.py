"""Who asks and whether they may: bearer token or session cookie, roles, origin of writes."""

import ipaddress

from aiohttp import web
from yarl import URL

from ioc.api.ports import Tokens, Units
from ioc.api.problem import ProblemError
from ioc.api.route import Access
from ioc.domain.principal import Principal, Role

COOKIE = "ioc_session"
OPEN_PRINCIPAL = Principal(name="demo", role=Role.ADMIN)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


async def authenticate(request: web.Request, tokens: Tokens, now: int, *, open_access: bool) -> Principal | None:
    """The asker, or None without a valid token. With `open_access` everybody on this machine is admin.

    403 when a browser on another site sends the request with our cookie, or reaches an open instance by a foreign name.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return await tokens.verify(token.strip(), now) if scheme.lower() == "bearer" else None
    if open_access:
        _require_local(request)
        require_same_origin(request)
        return OPEN_PRINCIPAL
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    principal = await tokens.verify(cookie, now)
    if principal is not None:
        require_same_origin(request, strict=True)
    return principal


def authorize(principal: Principal, access: Access) -> None:
    """403 when the asker's role does not reach."""
    if principal.role not in access.value:
        roles = ", ".join(sorted(access.value))
        raise ProblemError(403, f"Role {principal.role} may not do this; it takes one of: {roles}.")


def require_same_origin(request: web.Request, *, strict: bool = False) -> None:
    """403 for a write that a page of another origin caused; `strict` also refuses writes that don't say where they come from."""
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin")
    if origin is None:
        if strict and request.headers.get("Sec-Fetch-Site") != "same-origin":
            raise ProblemError(403, "A write by session cookie needs the Origin header; programs use a bearer token.")
        return
    if _authority(origin) != request.host.lower():
        raise ProblemError(403, f"Writes from pages of {origin[:100]} are refused.")


def _authority(origin: str) -> str | None:
    scheme, separator, authority = origin.partition("://")
    return authority.lower() if separator and scheme in {"http", "https"} else None


def _require_local(request: web.Request) -> None:
    """Without login we serve this machine only, under its own names (a foreign name is DNS rebinding)."""
    try:
        name = URL(f"http://{request.host}").host
    except ValueError:
        name = None
    if name not in _LOCAL_NAMES or not _is_loopback(request.remote):
        raise ProblemError(403, "Without login only this machine is served, as localhost or 127.0.0.1.")


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def visible_units(principal: Principal, units: Units) -> frozenset[str] | None:
    """What a technician may see: its units and those below them; None = everything, for the other roles."""
    if principal.role is not Role.TECHNICIAN:
        return None
    children: dict[str, list[str]] = {}
    for unit in await units.units():
        if unit.parent is not None:
            children.setdefault(unit.parent, []).append(unit.unit)
    seen: set[str] = set()
    waiting = list(principal.units)
    while waiting:
        unit_id = waiting.pop()
        if unit_id not in seen:
            seen.add(unit_id)
            waiting.extend(children.get(unit_id, ()))
    return frozenset(seen)
