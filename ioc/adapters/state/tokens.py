"""Tokens and sessions, stored hashed."""

from collections.abc import Iterable

from ioc.adapters.state.token_rows import create_token, list_tokens, revoke_token, verify_token
from ioc.adapters.state.transaction import Transact
from ioc.domain.principal import Principal, Role
from ioc.domain.token import TokenInfo, TokenKind


class Tokens:
    """The tokens of state.db, as `StateDb.tokens`."""

    def __init__(self, write: Transact, read: Transact) -> None:
        self._write = write
        self._read = read

    async def create(
        self,
        role: Role,
        *,
        now: int,
        units: Iterable[str] = (),
        expires_at: int | None = None,
        name: str = "",
        kind: TokenKind = TokenKind.TOKEN,
    ) -> str:
        """A new token's plaintext, given this once and stored only as a hash; times Unix ms."""
        return await self._write(create_token, role=role, units=tuple(units), name=name, kind=kind, expires_at=expires_at, now=now)

    async def verify(self, token: str, now: int) -> Principal | None:
        """Whose token it is; None for an unknown, expired or revoked one."""
        return await self._read(verify_token, token, now)

    async def list(self, *, sessions: bool = False) -> list[TokenInfo]:
        """All tokens, oldest first, revoked and expired ones too; those of sessions only if asked for."""
        return await self._read(list_tokens, sessions=sessions)

    async def revoke(self, token: str, now: int) -> bool:
        """Ends the token with this public id; whether it was in force."""
        return await self._write(revoke_token, token, now)
