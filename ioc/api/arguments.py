"""Arguments of commands, read into what they must be."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

A = TypeVar("A", bound=msgspec.Struct)


class ById(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing by its id."""

    id: str


def read(args: Mapping[str, Any], model: type[A]) -> A:
    """The request's args as declared; msgspec.ValidationError names the one that doesn't fit."""
    return msgspec.convert(args, model)
