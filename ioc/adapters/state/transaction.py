"""How a part of the state database gets at a transaction."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncConnection

OpenTransaction = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Begins; commits at the end of the block, rolls back where the block raises."""
