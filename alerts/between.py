"""The hours in which a rule holds, as its file writes them: `[from, to]`, or those of a silence's `weekly`."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from alerts.window import Clock, Weekday
from ioc.domain.calendar import DayName
from ioc.domain.silence import DAY_MINUTES, Weekly, clock_text
from ioc.domain.texts import as_list
from ioc.domain.weekday import WEEKDAYS

_EVERY_DAY = tuple(range(1, 8))
_Names = Annotated[tuple[DayName, ...], BeforeValidator(as_list)]


class Between(BaseModel):
    """Hours of each day, of some days of the week, or of days of the site's calendar; in the site's zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[tuple[Weekday, ...], BeforeValidator(as_list)] = Field(default=_EVERY_DAY, min_length=1)
    """On which they begin; 1 = Monday."""
    from_: Clock = Field(alias="from")
    to: Clock
    """Not after `from` = on the next day."""
    only_on: _Names = ()
    """Names of the calendar: they begin on these days only; empty = on any."""
    except_on: _Names = ()
    """Names of the calendar: they don't begin on these days."""

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Self:
        if self._is_daily and self.from_ % DAY_MINUTES == self.to % DAY_MINUTES:
            msg = "`between` begins and ends at the same time; leave it out if the rule holds all day"
            raise ValueError(msg)
        return self

    @property
    def names(self) -> tuple[tuple[str, int, str], ...]:
        """The days of the calendar that it names: key, place in it, name."""
        named = {"only_on": self.only_on, "except_on": self.except_on}
        return tuple((key, place, name) for key, names in named.items() for place, name in enumerate(names))

    @property
    def weekly(self) -> Weekly:
        """Them as weekly hours."""
        return Weekly(days=self.days, start=self.from_, end=self.to, only_on=self.only_on, except_on=self.except_on)

    @property
    def _is_daily(self) -> bool:
        return set(self.days) == set(_EVERY_DAY) and not self.only_on and not self.except_on

    def written(self) -> list[str] | dict[str, Any]:
        """As files write it, in the shortest way."""
        hours = [clock_text(self.from_), clock_text(self.to)]
        if self._is_daily:
            return hours
        names = {key: list(some) for key, some in (("only_on", self.only_on), ("except_on", self.except_on)) if some}
        return {"days": [WEEKDAYS[day - 1] for day in self.days], "from": hours[0], "to": hours[1], **names}


def _pair(value: object) -> object:
    """`[from, to]` for hours of each day."""
    return {"from": value[0], "to": value[1]} if isinstance(value, list | tuple) and len(value) == 2 else value  # noqa: PLR2004  a pair


Hours = Annotated[Between, BeforeValidator(_pair), PlainSerializer(Between.written)]
"""A pydantic field."""
