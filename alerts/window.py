"""Hours in the site's zone, as rules write them in `between`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Annotated

from pydantic import BeforeValidator, Field

from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.silence import DAY_MINUTES, Weekly
from ioc.domain.weekday import WEEKDAYS

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")


def parse_clock(text: object) -> int:
    """Minutes since midnight of a text like `05:00`, or as they are; ValueError says what was expected."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = _CLOCK.fullmatch(str(text).strip())
    if match is None:
        msg = f'{text!r} is not a time of day; write it as "22:00"'
        raise ValueError(msg)
    return DAY_MINUTES if match[1] is None else int(match[1]) * 60 + int(match[2])


def parse_weekday(text: object) -> int:
    """1 = Monday to 7 = Sunday, of a text like `mon`, or as it is; ValueError says what was expected."""
    if isinstance(text, int):
        return text
    if text not in WEEKDAYS:
        msg = f"`{text}` is no day of the week; write one of {', '.join(WEEKDAYS)}"
        raise ValueError(msg)
    return WEEKDAYS.index(str(text)) + 1


Clock = Annotated[int, BeforeValidator(parse_clock)]
"""A pydantic field: `22:00` in, minutes since midnight out."""
Weekday = Annotated[int, BeforeValidator(parse_weekday), Field(ge=1, le=7)]
"""A pydantic field: `mon` in, 1 out."""


@dataclass(frozen=True, slots=True)
class Window:
    """Weekly hours by a site's clock and calendar."""

    hours: Weekly
    zone: tzinfo
    calendar: Calendar = NO_DAYS

    def contains(self, at: int) -> bool:
        """Whether a moment (Unix ms) lies inside."""
        return self.hours.contains(at, self.zone, self.calendar)

    def ended(self, since: int, at: int) -> bool:
        """Whether the hours that held the moment `since` have ended by a later one; one day's may go over into the next one's."""
        local = datetime.fromtimestamp(since / 1000, self.zone)
        end = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=self.hours.end)
        while (moment := round(end.timestamp() * 1000)) <= at:
            if moment > since and not self.contains(moment):
                return True
            end += timedelta(days=1)
        return False
