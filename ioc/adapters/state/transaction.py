"""How a part of the state database runs its transactions."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Transact(Protocol):
    """Runs `work(connection, …)` as one transaction, as a whole in another thread: committed when it returns, undone where it raises."""

    def __call__(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """What `work` returns; its arguments are values that nobody changes meanwhile."""
        ...
