"""The declared model of `flapping:` in `notify.yaml`: from when on an alarm that comes and goes is summed up."""

from pydantic import BaseModel, ConfigDict, Field

from ioc.domain.duration import DurationMs

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


class FlappingPlan(BaseModel):
    """Of one device and rule at most two messages and one summary are sent within `within`. Times in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    raises: int = Field(default=3, ge=2)
    """The one within the time from which on the alarm flaps; the one after an alarm that was told to be over flaps too."""
    within: DurationMs = Field(default=_HOUR_MS, ge=_MINUTE_MS, le=24 * _HOUR_MS)
    stable: DurationMs = Field(default=10 * _MINUTE_MS, ge=_MINUTE_MS, le=24 * _HOUR_MS)
    """How long it must have come or gone no more before the summary says how it stands; at the latest when the time is over."""
