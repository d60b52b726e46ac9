"""What the command line asks about who is on duty."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ioc.api.arguments import read
from ioc.api.control import Handler
from ioc.api.duty_document import duty_document
from ioc.api.ports import DutyRoster


class DutyAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When (Unix ms; None = now), and of which team."""

    at: int | None = None
    team: str | None = None


def duty_commands(duty: DutyRoster, *, clock: Callable[[], int]) -> dict[str, Handler]:
    """`duty`: the document of who is on duty."""

    async def report(args: Mapping[str, Any]) -> msgspec.Struct:
        wanted = read(args, DutyAt)
        return duty_document(duty.report(clock() if wanted.at is None else wanted.at, wanted.team))

    return {"duty": report}
