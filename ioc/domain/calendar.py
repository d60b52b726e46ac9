"""A site's calendar: days with a name, such as Tết, that weekly hours can be bound to."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ioc.domain.family import Label

DayName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


def parse_day(text: object) -> object:
    """The date of a text like `2026-02-17`; ValueError says what was expected."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(str(text).strip())
    except ValueError:
        msg = f"{text!r} is not a date; write it as 2026-02-17"
        raise ValueError(msg) from None


Day = Annotated[date, BeforeValidator(parse_day)]


class Span(BaseModel):
    """Some days in a row, both named ones included."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            msg = "`to` lies before `from`; exchange them"
            raise ValueError(msg)
        return self


def _as_span(value: object) -> object:
    """A single date for a span of one day."""
    return {"from": value, "to": value} if isinstance(value, str) else value


class NamedDays(BaseModel):
    """Days of one name, in whatever years are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label
    days: tuple[Annotated[Span, BeforeValidator(_as_span)], ...] = Field(min_length=1)


class Calendar(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar: dict[DayName, NamedDays] = Field(default_factory=dict)

    def has(self, day: date, names: Iterable[str]) -> bool:
        """Whether the day is one of those named so; a name that is not there has no days."""
        known = (self.calendar[name] for name in names if name in self.calendar)
        return any(span.first <= day <= span.last for named in known for span in named.days)


NO_DAYS = Calendar()
