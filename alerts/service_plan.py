"""The declared model of `out_of_service:` in `notify.yaml`: who is reminded of what nobody gives back, and how often."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ioc.domain.duration import DurationMs
from ioc.domain.texts import Texts

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class ServicePlan(BaseModel):
    """A reminder of each order without an end, as long as it stands. Times in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remind: DurationMs = Field(default=7 * _DAY_MS, ge=0, le=366 * _DAY_MS)
    """Once in so long; 0 = never."""
    channels: Texts = ()
    """Who is told; empty = the channels of whoever gave the order, else those of the routes that people read."""

    @field_validator("remind")
    @classmethod
    def _no_nagging(cls, remind: int) -> int:
        if 0 < remind < _HOUR_MS:
            msg = "write at least 1h, or 0 for never"
            raise ValueError(msg)
        return remind
