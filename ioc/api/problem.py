"""RFC 9457 problem documents: every error the API answers."""

from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

Thing = TypeVar("Thing")
PROBLEM_JSON = "application/problem+json"


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong (title), where and what to do (detail)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def existing(thing: Thing | None, what: str, name: str) -> Thing:
    """The thing; 404 where there is none, or none that the asker may see."""
    if thing is None:
        detail = f"There is no {what} {name!r}, or it lies outside your units."
        raise ProblemError(404, detail)
    return thing


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """The response that carries a problem."""
    document = ProblemDocument(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return web.Response(body=msgspec.json.encode(document), status=status, content_type=PROBLEM_JSON, headers=headers)


def from_http_error(error: web.HTTPException) -> web.Response:
    """aiohttp's own errors (404, 405, 413 …) as problem documents."""
    headers = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return problem_response(error.status, _DETAILS.get(error.status, error.reason), headers)


_DETAILS = {
    400: "The request can't be read.",
    404: "There is nothing at this address; /openapi.json lists what there is.",
    405: "This address does not take this method; the Allow header names those it takes.",
    413: "The request's body is too large.",
}
