"""What the command line asks about the alarm load."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ioc.api.control import Handler
from ioc.api.load_document import load_document
from ioc.api.ports import Load


class LoadOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A span (Unix ms), and how many operators share it."""

    start: int
    end: int
    operators: int = 1


def load_commands(load: Load) -> dict[str, Handler]:
    """`load`: the report's document."""

    async def report(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(args, LoadOf)
        document: dict[str, Any] = msgspec.to_builtins(load_document(await load.load(wanted.start, wanted.end, wanted.operators)))
        return document

    return {"load": report}
