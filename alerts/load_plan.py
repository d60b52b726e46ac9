"""The declared model of `load_report:` in `notify.yaml`: the alarm load of a day, told once a day."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from alerts.window import parse_clock
from ioc.domain.texts import Texts

_LAST_MINUTE = 24 * 60 - 1


class LoadReportPlan(BaseModel):
    """The report of the 24 hours before `at` (minutes since midnight, in the site's zone) goes to the channels then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Annotated[int, BeforeValidator(parse_clock), Field(ge=0, le=_LAST_MINUTE)]
    channels: Texts = Field(min_length=1)
    operators: int = Field(default=1, ge=1, le=100)
    """So many share the alarms."""
