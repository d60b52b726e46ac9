"""Silences."""

from ioc.adapters.state.silence_rows import list_silences, one_silence, put_silence, remove_silence
from ioc.adapters.state.transaction import OpenTransaction
from ioc.domain.silence import Silence


class Silences:
    """The silences of state.db, as `StateDb.silences`."""

    def __init__(self, write: OpenTransaction, read: OpenTransaction) -> None:
        self._write = write
        self._read = read

    async def put(self, silence: Silence) -> None:
        """Adds the silence, or replaces the one with its id."""
        async with self._write() as conn:
            await put_silence(conn, silence)

    async def get(self, silence: str) -> Silence | None:
        """The silence with this id, or None."""
        async with self._read() as conn:
            return await one_silence(conn, silence)

    async def list(self, *, until_after: int | None = None, after: str | None = None, limit: int | None = None) -> list[Silence]:
        """Silences by id; `until_after` (Unix ms) leaves out those that ended by then, `after` those up to that id."""
        async with self._read() as conn:
            return await list_silences(conn, until_after, after, limit)

    async def remove(self, silence: str) -> bool:
        """Whether there was one to remove."""
        async with self._write() as conn:
            return await remove_silence(conn, silence)
