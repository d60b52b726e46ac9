"""Tokens: shown once, stored as a hash."""

from pathlib import Path

import pytest

from ioc.adapters.state import StateDb
from ioc.domain.principal import Principal, Role
from ioc.domain.token import TokenKind


async def test_token_names_its_bearer_until_it_expires(state: StateDb) -> None:
    """The expiry itself is already too late."""
    token = await state.tokens.create(Role.TECHNICIAN, units=["u2", "u1"], name="An", expires_at=100, now=1)
    assert await state.tokens.verify(token, 99) == Principal(name="An", role=Role.TECHNICIAN, units=frozenset({"u1", "u2"}))
    assert await state.tokens.verify(token, 100) is None


async def test_token_without_a_name_is_called_by_role_and_id(state: StateDb) -> None:
    """So that the journal can say who it was."""
    token = await state.tokens.create(Role.OPERATOR, now=1)
    (info,) = await state.tokens.list()
    assert info.principal.name == f"operator-{info.id}"
    assert await state.tokens.verify(token, 2**60) == info.principal


async def test_revoked_token_is_refused_and_stays_on_the_list(state: StateDb) -> None:
    """Revoking twice says that there was nothing left to revoke."""
    token = await state.tokens.create(Role.ADMIN, now=1)
    (info,) = await state.tokens.list()
    assert await state.tokens.revoke(info.id, 5)
    assert not await state.tokens.revoke(info.id, 6)
    assert await state.tokens.verify(token, 7) is None
    assert (await state.tokens.list())[0].revoked_at == 5


@pytest.mark.parametrize("text", ["", "x", "ioc_a_b", "ioc__", "ioc_" + "a" * 10_000 + "_b", "ioc_\ud800_x", "ioc_\0_x"])
async def test_foreign_text_is_no_token(state: StateDb, text: str) -> None:
    """Whatever stands in the header, the answer is no."""
    assert await state.tokens.verify(text, 1) is None


async def test_guessing_needs_the_secret_part(state: StateDb) -> None:
    """The public id alone opens nothing."""
    token = await state.tokens.create(Role.ADMIN, now=1)
    (info,) = await state.tokens.list()
    assert await state.tokens.verify(f"ioc_{info.id}_{'0' * 64}", 1) is None
    assert await state.tokens.verify(token + "0", 1) is None
    assert await state.tokens.verify(token.upper(), 1) is None


async def test_secret_is_not_in_the_file(state: StateDb, path: Path) -> None:
    """Neither in the database nor in its write-ahead log."""
    token = await state.tokens.create(Role.ADMIN, now=1)
    secret = token.rsplit("_", 1)[1].encode()
    assert len(secret) == 64
    assert all(secret not in file.read_bytes() for file in path.parent.iterdir())


async def test_sessions_are_kept_apart_and_removed_once_they_have_ended(state: StateDb) -> None:
    """Logins don't pile up, and the list of tokens isn't filled by them."""
    old = await state.tokens.create(Role.VIEWER, kind=TokenKind.SESSION, expires_at=10, now=1)
    token = await state.tokens.create(Role.VIEWER, expires_at=10, now=1)
    new = await state.tokens.create(Role.VIEWER, kind=TokenKind.SESSION, expires_at=99, now=20)
    assert [info.kind for info in await state.tokens.list()] == [TokenKind.TOKEN]
    assert len(await state.tokens.list(sessions=True)) == 2
    assert await state.tokens.verify(new, 21) is not None
    assert [await state.tokens.verify(one, 9) is None for one in (old, token)] == [True, False]
