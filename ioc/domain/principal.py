"""Who asks: the roles of tokens and the person or program behind one."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a token may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ADMIN = "admin"


class TokenKind(StrEnum):
    """A token handed to somebody, or the session cookie that stands for one."""

    TOKEN = "token"  # noqa: S105  a kind, not a secret
    SESSION = "session"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who a valid token belongs to; `units` narrows a technician to these units, empty = all."""

    id: str
    """The token's public id; nothing can be derived from it."""
    name: str
    role: Role
    units: tuple[str, ...] = ()
    expires_at: int | None = None
    kind: TokenKind = TokenKind.TOKEN


class TokenInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A token as lists show it, without its secret."""

    principal: Principal
    created_at: int
    revoked_at: int | None
