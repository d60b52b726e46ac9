"""What the command line can do to silences."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from ioc.api.control import ControlError, Handler
from ioc.api.ports import Silences
from ioc.api.problem import ProblemError
from ioc.api.silence_document import digest_document, silence_document
from ioc.api.silence_order import SilenceBody, silence_id, silence_of
from ioc.domain.silence import Silence, ended

_PAGE = 1_000


class Add(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of the API, and who asks."""

    silence: SilenceBody
    by: str


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those that have not ended, or all."""

    all: bool = False


class One(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One silence."""

    id: str


def silence_commands(silences: Silences, *, calendar: Collection[str], clock: Callable[[], int]) -> dict[str, Handler]:
    """`silence.add|list|end|digest`: the documents of the API. `calendar`: names of days that the site knows."""

    async def add(args: Mapping[str, Any]) -> object:
        wanted, now = msgspec.convert(args, Add), clock()
        identity = silence_id(wanted.silence, by=wanted.by, now=now)
        try:
            silence = silence_of(wanted.silence, identity=identity, by=wanted.by, now=now, created_at=now, calendar=calendar)
        except ProblemError as error:
            raise ControlError(error.detail) from None
        await silences.put(silence)
        return silence_document(silence)

    async def listing(args: Mapping[str, Any]) -> object:
        wanted, now = msgspec.convert(args, Listing), clock()
        found: list[Silence] = []
        while page := await silences.list(after=found[-1].id if found else None, limit=_PAGE):
            found += page
        return {"items": [silence_document(one) for one in found if wanted.all or now < one.until], "now": now}

    async def end(args: Mapping[str, Any]) -> object:
        silence = ended(await _one(silences, args), clock())
        await silences.put(silence)
        return silence_document(silence)

    async def digest(args: Mapping[str, Any]) -> object:
        silence = await _one(silences, args)
        return digest_document(silence.id, await silences.hidden(silence.id))

    return {"silence.add": add, "silence.list": listing, "silence.end": end, "silence.digest": digest}


async def _one(silences: Silences, args: Mapping[str, Any]) -> Silence:
    wanted = msgspec.convert(args, One)
    found = await silences.get(wanted.id)
    if found is None:
        msg = f"there is no silence {wanted.id!r}; see `ioc silence list --all`"
        raise ControlError(msg)
    return found
