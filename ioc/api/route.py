"""A route of the API as data: what it takes, what it answers, who may ask. Binding and OpenAPI both read it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web

from ioc.api.ports import Backend
from ioc.domain.principal import Principal, Role


class Access(Enum):
    """Who may use a route."""

    PUBLIC = frozenset[Role]()
    """Everybody, without a token."""
    READ = frozenset(Role)
    """Every bearer; a technician sees its units only."""
    ACT = frozenset({Role.OPERATOR, Role.TECHNICIAN, Role.ADMIN})
    """A technician within its units."""
    OPERATE = frozenset({Role.OPERATOR, Role.ADMIN})


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route without query parameters."""


Query = TypeVar("Query", bound=msgspec.Struct)
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Query, Body]):
    """One request, validated: what a handler works with."""

    backend: Backend
    now: int
    principal: Principal
    units: frozenset[str] | None
    """What the asker may see; None = everything."""
    path: Mapping[str, str]
    query: Query
    body: Body
    request: web.Request

    def may_see(self, unit: str | None) -> bool:
        """Whether things of this unit are open to the asker."""
        return self.units is None or unit in self.units


Handler = Callable[[Call[Any, Any]], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path. A handler that returns a Response of its own is passed through."""

    method: str
    path: str
    summary: str
    handler: Handler
    access: Access = Access.READ
    query: type[msgspec.Struct] = NoQuery
    body: Any = None
    """Type of the JSON body; `X | None` may be left out, None = takes no body."""
    response: Any = None
    """Type of the JSON answer; None = no body."""
    status: int = 200
    media: str = "application/json"
    also: Mapping[int, Any] = field(default_factory=dict)
    """Further statuses that carry a document of this type instead of a problem."""
    errors: tuple[int, ...] = ()
    """Statuses beyond those that follow from access, query and body."""
    endless: bool = False
    """A stream: no time limit."""
