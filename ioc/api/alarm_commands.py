"""What the command line can do to alarms: list and show them, and what people do to them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from ioc.api.arguments import ById, read
from ioc.api.control import ControlError, Handler
from ioc.api.handlers.alarms import MAX_SHELVE_MS
from ioc.api.ports import AlarmDesk, Alarms, Incidents
from ioc.domain.alarm import Alarm
from ioc.domain.alarm_document import AlarmDocument, alarm_document, journal_document
from ioc.domain.state import AlarmFilter


class ListAlarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the alarms that fit."""

    filter: AlarmFilter
    limit: int = 100
    cursor: str | None = None


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One alarm, who acts, and what they say to it."""

    id: str
    by: str
    comment: str = ""


class AckAlarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some alarms, acknowledged with one remark."""

    ids: tuple[str, ...]
    by: str
    comment: str = ""


class Assign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes care of an alarm."""

    id: str
    by: str
    to: str


class Shelve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Off the list until a time (Unix ms)."""

    id: str
    by: str
    until: int
    reason: str


class _Shown:
    """Alarms found and told as documents."""

    def __init__(self, alarms: Alarms, incidents: Incidents, language: str) -> None:
        self.alarms = alarms
        self._incidents = incidents
        self._language = language

    async def find(self, alarm: str) -> Alarm:
        """The alarm; ControlError where there is none."""
        found = await self.alarms.alarm(alarm)
        if found is None:
            msg = f"there is no alarm {alarm!r}; see `ioc alarms list --all`"
            raise ControlError(msg)
        return found

    async def tell(self, *alarms: Alarm) -> list[AlarmDocument]:
        """The documents of the API."""
        incidents = await self._incidents.incidents_of([alarm.id for alarm in alarms])
        return [alarm_document(alarm, self._language, incident=incidents.get(alarm.id)) for alarm in alarms]


def alarm_commands(alarms: Alarms, incidents: Incidents, *, language: str) -> dict[str, Handler]:
    """`alarms.list|show`: the documents of the API."""
    shown = _Shown(alarms, incidents, language)

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, ListAlarms)
        found, following = await alarms.alarms(wanted.filter, limit=wanted.limit, cursor=wanted.cursor)
        return {"items": await shown.tell(*found), "next": following}

    async def show(args: Mapping[str, Any]) -> dict[str, Any]:
        alarm = await shown.find(read(args, ById).id)
        [document] = await shown.tell(alarm)
        return {"alarm": document, "journal": [journal_document(entry) for entry in await alarms.journal(alarm.id)]}

    return {"alarms.list": listing, "alarms.show": show}


def alarm_act_commands(
    alarms: Alarms, incidents: Incidents, desk: AlarmDesk, *, language: str, clock: Callable[[], int]
) -> dict[str, Handler]:
    """`alarms.ack|assign|comment|shelve|unshelve|reset`: what people do; each answers with the alarm."""
    shown = _Shown(alarms, incidents, language)

    async def acknowledge(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = read(args, AckAlarms)
        meant = [await shown.find(alarm) for alarm in dict.fromkeys(wanted.ids)]
        changed = [await desk.acknowledge(alarm.id, by=wanted.by, comment=wanted.comment) for alarm in meant]
        return {"items": await shown.tell(*changed)}

    async def assign(args: Mapping[str, Any]) -> AlarmDocument:
        wanted = read(args, Assign)
        return await done(await desk.assign((await shown.find(wanted.id)).id, by=wanted.by, to=wanted.to))

    async def shelve(args: Mapping[str, Any]) -> AlarmDocument:
        wanted, now = read(args, Shelve), clock()
        if not now < wanted.until <= now + MAX_SHELVE_MS:
            msg = "an alarm can be shelved until a time within the next 7 days"
            raise ControlError(msg)
        return await done(await desk.shelve((await shown.find(wanted.id)).id, by=wanted.by, until=wanted.until, reason=wanted.reason))

    def remarked(act: Callable[..., Awaitable[Alarm]]) -> Handler:
        async def handler(args: Mapping[str, Any]) -> AlarmDocument:
            wanted = read(args, Remark)
            return await done(await act((await shown.find(wanted.id)).id, by=wanted.by, comment=wanted.comment))

        return handler

    async def done(alarm: Alarm) -> AlarmDocument:
        [document] = await shown.tell(alarm)
        return document

    return {
        "alarms.ack": acknowledge,
        "alarms.assign": assign,
        "alarms.comment": remarked(desk.comment),
        "alarms.shelve": shelve,
        "alarms.unshelve": remarked(desk.unshelve),
        "alarms.reset": remarked(desk.reset),
    }
