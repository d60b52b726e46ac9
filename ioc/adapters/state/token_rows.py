"""Tokens: shown once, stored as a hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from ioc.adapters.state.codec import to_json
from ioc.adapters.state.schema import tokens as table
from ioc.domain.principal import Principal, Role
from ioc.domain.token import TokenInfo, TokenKind

_TOKEN = re.compile(r"ioc_([0-9a-f]{12})_[0-9a-f]{64}")


def create_token(
    conn: Connection,
    *,
    role: Role,
    units: Iterable[str],
    name: str,
    kind: TokenKind,
    expires_at: int | None,
    now: int,
) -> str:
    """A new token's plaintext: `ioc_<public id>_<32 random bytes>`; only the hash of it is stored. A session ends the ended ones."""
    if kind is TokenKind.SESSION:
        _remove_ended_sessions(conn, now)
    public = secrets.token_hex(6)
    token = f"ioc_{public}_{secrets.token_hex(32)}"
    row = {
        "id": public,
        "hash": _hash(token),
        "kind": kind.value,
        "name": name or f"{role.value}-{public}",
        "role": role.value,
        "units": to_json(sorted(units)),
        "created_at": now,
        "expires_at": expires_at,
        "revoked_at": None,
    }
    conn.execute(insert(table), [row])
    return token


def verify_token(conn: Connection, token: str, now: int) -> Principal | None:
    """Whose token it is; None for an unknown, expired or revoked one."""
    shape = _TOKEN.fullmatch(token)
    if shape is None:
        return None
    row = conn.execute(select(table).where(table.c.id == shape[1])).mappings().one_or_none()
    # A hash of 256 random bits needs no salt and no slow function: there is nothing to guess.
    if row is None or not hmac.compare_digest(row["hash"], _hash(token)):
        return None
    expired = row["expires_at"] is not None and row["expires_at"] <= now
    return None if expired or row["revoked_at"] is not None else _principal(row)


def _remove_ended_sessions(conn: Connection, now: int) -> None:
    """Deletes expired and revoked sessions, so that logins don't pile up."""
    ended = or_(table.c.expires_at <= now, table.c.revoked_at.is_not(None))
    conn.execute(delete(table).where(table.c.kind == TokenKind.SESSION.value, ended))


def revoke_token(conn: Connection, token: str, now: int) -> bool:
    """Ends the token with this public id; whether it was in force."""
    mine = (table.c.id == token, table.c.revoked_at.is_(None))
    return conn.execute(update(table).where(*mine).values(revoked_at=now)).rowcount == 1


def list_tokens(conn: Connection, *, sessions: bool) -> list[TokenInfo]:
    """All tokens, oldest first, revoked and expired ones too; those of sessions only if asked for."""
    query = select(table).order_by(table.c.created_at, table.c.id)
    if not sessions:
        query = query.where(table.c.kind == TokenKind.TOKEN.value)
    rows = conn.execute(query).mappings()
    return [
        TokenInfo(
            id=row["id"],
            kind=TokenKind(row["kind"]),
            principal=_principal(row),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


def _principal(row: RowMapping) -> Principal:
    return Principal(
        name=row["name"],
        role=Role(row["role"]),
        units=msgspec.json.decode(row["units"], type=frozenset[str]),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
