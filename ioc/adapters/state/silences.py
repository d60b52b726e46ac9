"""Silences."""

from collections.abc import Sequence

from ioc.adapters.state.digest_rows import hidden_by, put_digest, untold_silences
from ioc.adapters.state.outbox_rows import add_messages
from ioc.adapters.state.silence_rows import list_silences, one_silence, put_silence, remove_silence
from ioc.adapters.state.transaction import Transact
from ioc.domain.alarm import OutboxMessage
from ioc.domain.silence import Hidden, Silence


class Silences:
    """The silences of state.db, as `StateDb.silences`."""

    def __init__(self, write: Transact, read: Transact) -> None:
        self._write = write
        self._read = read

    async def put(self, silence: Silence) -> None:
        """Adds the silence, or replaces the one with its id."""
        await self._write(put_silence, silence)

    async def get(self, silence: str) -> Silence | None:
        """The silence with this id, or None."""
        return await self._read(one_silence, silence)

    async def list(self, *, until_after: int | None = None, after: str | None = None, limit: int | None = None) -> list[Silence]:
        """Silences by id; `until_after` (Unix ms) leaves out those that ended by then, `after` those up to that id."""
        return await self._read(list_silences, until_after, after, limit)

    async def remove(self, silence: str) -> bool:
        """Whether there was one to remove."""
        return await self._write(remove_silence, silence)

    async def untold(self, now: int) -> Sequence[tuple[Silence, int]]:
        """Silences that have begun and of whose end it has not been told, with the moment until which it has been told what they hid."""
        return await self._read(untold_silences, now)

    async def hidden(self, silence: str, *, after: int = -1) -> Sequence[Hidden]:
        """Alarms whose first message it held back later than `after` (Unix ms), the first held back first."""
        return await self._read(hidden_by, silence, after)

    async def remind(self, messages: Sequence[OutboxMessage]) -> None:
        """Queues the messages; those known already stay as they are."""
        await self._write(add_messages, messages)

    async def tell_hidden(self, silence: str, until: int, messages: Sequence[OutboxMessage]) -> None:
        """Queues the messages that tell what it hid by then (Unix ms), and remembers that they do."""
        await self._write(put_digest, silence, until, messages)
