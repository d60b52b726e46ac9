"""What the command line asks about why somebody was told."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ioc.api.control import ControlError, Handler
from ioc.api.ports import Why
from ioc.api.why_document import why_document


class WhyAlarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One alarm."""

    id: str


class WhyPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, or a channel, around a moment (Unix ms)."""

    person: str
    at: int
    around: int


def why_commands(why: Why) -> dict[str, Handler]:
    """`why.alarm` and `why.person`."""

    async def of_alarm(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(args, WhyAlarm)
        lines = await why.alarm(wanted.id)
        if lines is None:
            msg = f"there is no alarm {wanted.id!r}; its id stands in lists, in messages and in the journal"
            raise ControlError(msg)
        return {"items": [why_document(line) for line in lines]}

    async def of_person(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(args, WhyPerson)
        return {"items": [why_document(line) for line in await why.person(wanted.person, wanted.at, wanted.around)]}

    return {"why.alarm": of_alarm, "why.person": of_person}
