"""`ioc why …`: why somebody was, or was not, told."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Annotated

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, printable
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, instant, place

MINUTE_MS = 60_000
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


def why(
    alarm: Annotated[str | None, typer.Argument(metavar="ALARM", help="The id of an alarm.")] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="P", help="A person of the notify file, or a channel.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Around when: 02:13, or RFC 3339, or the site's time.")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=1440, help="So long before that, and as long after it.")] = 15,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Tell in sentences why an alarm was told to whom, or why a person was, or was not, called at a time."""
    from ioc.cli.action import act

    where = place(config, data_dir)
    if (alarm is None) == (person is None) or (person is None) != (at is None):
        msg = "name an alarm, or a person with a time: `ioc why ALARM`, `ioc why --person P --at TIME`"
        raise Failure(msg, Exit.USAGE)
    if alarm is not None:
        found = act(where, "why.alarm", id=alarm)
    else:
        found = act(where, "why.person", person=person, at=_moment(at or "", where), around=minutes * MINUTE_MS)
    if json:
        print_json(found)
        return
    zone = _zone(where)
    for line in found["items"]:
        print(f"{datetime.fromisoformat(line['at']).astimezone(zone):%Y-%m-%d %H:%M:%S}  {printable(line['text'])}")


def _moment(text: str, where: Place) -> int:
    """Unix ms; a time of day alone is the last one of its kind."""
    from ioc.app.clock import now_ms

    if _CLOCK.fullmatch(text):
        now = datetime.fromtimestamp(now_ms() / 1000, _zone(where))
        hour, minute = map(int, text.split(":"))
        moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        text = (moment if moment <= now else moment - timedelta(days=1)).isoformat()
    return instant(text, where) or 0


def _zone(where: Place) -> tzinfo:
    from ioc.config.settings import Site

    return (where.config.settings.site if where.config else Site()).zone
