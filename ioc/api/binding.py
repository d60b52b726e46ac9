"""From an HTTP request to a validated call: query, body, and the limits on both."""

import asyncio
import difflib
from typing import Any

import msgspec
from aiohttp import web

from ioc.api.problem import ProblemError
from ioc.api.route import Route

BODY_SECONDS = 10
"""A body that is not here by then is given up."""


def read_query(request: web.Request, route: Route) -> msgspec.Struct:
    """The query as the route's type; 400 names the parameter that is wrong and the nearest known one."""
    given: dict[str, str] = {}
    known = route.query.__struct_encode_fields__
    for name, value in request.query.items():
        if name not in known:
            raise ProblemError(400, f"Unknown query parameter {name!r}{_nearest(name, known)}.")
        if name in given:
            raise ProblemError(400, f"Query parameter {name!r} is given twice.")
        given[name] = value
    try:
        return msgspec.convert(given, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise ProblemError(400, f"Query: {error}.") from error


async def read_body(request: web.Request, route: Route) -> Any:  # noqa: ANN401  as the route declares
    """The JSON body as the route's type; None where the route takes none or the body is optional and empty."""
    if route.body is None:
        return None
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.read()
    except TimeoutError as error:
        raise ProblemError(408, f"The request's body did not arrive within {BODY_SECONDS} seconds.") from error
    if not raw and body_optional(route):
        return None
    if request.content_type != "application/json":
        raise ProblemError(415, f"The body must be application/json, not {request.content_type}.")
    try:
        return msgspec.json.decode(raw, type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(400, f"Body: {error}.") from error


def body_optional(route: Route) -> bool:
    """Whether a route's body may be left out."""
    return type(None) in getattr(route.body, "__args__", ())


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; this address takes {', '.join(known)}" if known else "; this address takes none"
