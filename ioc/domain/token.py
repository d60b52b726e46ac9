"""Tokens as lists show them: without the secret, which nobody keeps."""

from enum import StrEnum

import msgspec

from ioc.domain.principal import Principal


class TokenKind(StrEnum):
    """A token handed to somebody, or a login's session that stands for one."""

    TOKEN = "token"  # noqa: S105  a kind, not a secret
    SESSION = "session"


class TokenInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A token; times Unix ms."""

    id: str
    """Public: names the token in lists and when it is revoked."""
    kind: TokenKind
    principal: Principal
    created_at: int
    expires_at: int | None
    revoked_at: int | None
