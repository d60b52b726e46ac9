"""About ourselves: life, readiness, metrics, the platform's state, sessions."""

import prometheus_client
from aiohttp import web
from msgspec import Struct, json

from ioc.api.auth import COOKIE, require_same_origin
from ioc.api.documents import PlatformDocument, platform_document
from ioc.api.handlers.common import Words
from ioc.api.keys import OPENAPI, REGISTRY
from ioc.api.ports import Checks
from ioc.api.problem import ProblemError
from ioc.api.route import Call, NoQuery
from ioc.domain.principal import Role

SESSION_SECONDS = 400 * 86_400
"""Longer than browsers keep a cookie: how long somebody stays logged in is the token's own matter."""


class Alive(Struct, frozen=True):
    """The process answers."""

    ok: bool = True


class Readiness(Struct, frozen=True):
    """Whether messages are heard, decided and kept."""

    ready: bool
    checks: Checks


class LoginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A token, as `ioc token create` printed it."""

    token: Words


class SessionDocument(Struct, frozen=True, kw_only=True):
    """Who is logged in."""

    name: str
    role: Role
    units: list[str]


async def healthz(_call: Call[NoQuery, None]) -> Alive:
    """The process lives."""
    return Alive()


async def readyz(call: Call[NoQuery, None]) -> web.Response:
    """200 when every part works, 503 with the same document when one does not."""
    checks = await call.backend.health.checks()
    ready = checks.broker.ok and checks.store.ok and checks.state.ok
    body = json.encode(Readiness(ready=ready, checks=checks))
    return web.Response(body=body, status=200 if ready else 503, content_type="application/json")


async def metrics(call: Call[NoQuery, None]) -> web.Response:
    """Our own metrics, for Prometheus."""
    body = prometheus_client.generate_latest(call.request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": prometheus_client.CONTENT_TYPE_PLAIN_0_0_4})


async def openapi(call: Call[NoQuery, None]) -> web.Response:
    """The API's description."""
    return web.Response(body=call.request.app[OPENAPI], content_type="application/json")


async def get_platform(call: Call[NoQuery, None]) -> PlatformDocument:
    """How well we hear and store."""
    health = call.backend.health
    store = (await health.checks()).store
    return platform_document(await health.platform(), call.backend.site, store_ok=store.ok, store_detail=store.detail, at=call.now)


async def login(call: Call[NoQuery, LoginBody]) -> web.Response:
    """Takes a token into a cookie that scripts can't read and other sites can't send."""
    require_same_origin(call.request)
    token = call.body.token.strip()
    principal = await call.backend.tokens.verify(token, call.now)
    if principal is None:
        raise ProblemError(401, "This token is unknown, expired or revoked; `ioc token create` makes a new one.")
    document = SessionDocument(name=principal.name, role=principal.role, units=sorted(principal.units))
    response = web.Response(body=json.encode(document), content_type="application/json")
    secure = call.request.secure or call.request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(COOKIE, token, max_age=SESSION_SECONDS, httponly=True, samesite="Strict", secure=secure, path="/")
    return response


async def who(call: Call[NoQuery, None]) -> SessionDocument:
    """Who asks."""
    return SessionDocument(name=call.principal.name, role=call.principal.role, units=sorted(call.principal.units))


async def logout(_call: Call[NoQuery, None]) -> web.Response:
    """The browser forgets the token."""
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response
