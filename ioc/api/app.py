"""The HTTP application: routes, who may use them, and how every error looks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from ioc.api.auth import authenticate, authorize, visible_units
from ioc.api.binding import read_body, read_query
from ioc.api.keys import BACKEND, HUB, METRICS, OPENAPI, REGISTRY, SETTING, Setting
from ioc.api.metrics import ApiMetrics
from ioc.api.openapi import openapi_document
from ioc.api.pages import Pages
from ioc.api.ports import Backend, ConflictError, UnavailableError
from ioc.api.problem import ProblemError, from_http_error, problem_response
from ioc.api.route import Access, Call, Route
from ioc.api.routes import ROUTES
from ioc.api.stream import Hub
from ioc.domain.point import StoreUnavailableError
from ioc.domain.principal import Principal, Role
from ioc.domain.state import CursorError, StateUnavailableError

log = structlog.get_logger("ioc.api")

MAX_BODY = 256 * 1024
HANDLER_SECONDS = 15
NOBODY = Principal(name="", role=Role.VIEWER)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUS: dict[type[Exception], int] = {
    CursorError: 409,
    ConflictError: 409,
    UnavailableError: 503,
    StateUnavailableError: 503,
    StoreUnavailableError: 503,
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    backend: Backend,
    hub: Hub,
    *,
    registry: CollectorRegistry,
    clock: Callable[[], int],
    open_access: bool = False,
) -> web.Application:
    """The application, ready for an AppRunner.

    `clock` gives Unix ms. `open_access` leaves out login for this machine's own requests: for `ioc demo` on loopback only.
    """
    pages = Pages()
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_problems])
    app[BACKEND] = backend
    app[HUB] = hub
    app[SETTING] = Setting(open_access=open_access, clock=clock, assets=pages.digest)
    app[REGISTRY] = registry
    app[METRICS] = ApiMetrics(registry, hub)
    app[OPENAPI] = msgspec.json.encode(openapi_document(ROUTES, version("ioc-monitor")))
    for route in ROUTES:
        _add(app.router, route)
    pages.add_to(app.router)
    app.on_response_prepare.append(_secure)
    app.on_shutdown.append(_close_streams)
    return app


def _add(router: web.UrlDispatcher, route: Route) -> None:
    if route.method == "GET":
        router.add_get(route.path, _answer(route), allow_head=not route.endless)
    else:
        router.add_route(route.method, route.path, _answer(route))


def _answer(route: Route) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        if route.endless:
            return _response(route, await route.handler(await _call(request, route)))
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return _response(route, await route.handler(await _call(request, route)))
        except TimeoutError as error:
            raise ProblemError(503, f"No answer within {HANDLER_SECONDS} seconds; try again.") from error

    return answer


async def _call(request: web.Request, route: Route) -> Call[msgspec.Struct, object]:
    backend, setting = request.app[BACKEND], request.app[SETTING]
    now = setting.clock()
    principal, units = NOBODY, None
    if route.access is not Access.PUBLIC:
        principal = await _asker(request, backend, now, open_access=setting.open_access)
        authorize(principal, route.access)
        units = await visible_units(principal, backend.units)
    return Call(
        backend=backend,
        now=now,
        principal=principal,
        units=units,
        path=request.match_info,
        query=read_query(request, route),
        body=await read_body(request, route),
        request=request,
    )


async def _asker(request: web.Request, backend: Backend, now: int, *, open_access: bool) -> Principal:
    principal = await authenticate(request, backend.tokens, now, open_access=open_access)
    if principal is None:
        detail = "Send a token: `Authorization: Bearer …`, or log in at /wall/. `ioc token create` makes one."
        raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
    return principal


def _response(route: Route, answer: object) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=route.status)
    response = web.Response(body=msgspec.json.encode(answer), status=route.status, content_type=route.media)
    response.enable_compression()
    return response


@web.middleware
async def _problems(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Every error becomes a problem document, and every answer is counted."""
    began = time.perf_counter()
    response = await _rescued(request, handler)
    metrics, resource = request.app[METRICS], request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    method = request.method if request.method in _METHODS else "other"
    metrics.requests.labels(method, route, str(response.status)).inc()
    if response.content_type != "text/event-stream":
        metrics.seconds.labels(route).observe(time.perf_counter() - began)
    return response


async def _rescued(request: web.Request, handler: Answer) -> web.StreamResponse:
    try:
        return await handler(request)
    except ProblemError as error:
        return problem_response(error.status, error.detail, error.headers)
    except web.HTTPException as error:
        return from_http_error(error)
    except tuple(_STATUS) as error:
        status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
        return problem_response(status, str(error), {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None)
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path[:200])
        return problem_response(500, "This should not have happened; the server's log says more.")


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


async def _close_streams(app: web.Application) -> None:
    app[HUB].close()
