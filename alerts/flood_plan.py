"""The declared model of `flood:` in `notify.yaml`: how many messages a channel gets before they are summed up."""

from pydantic import BaseModel, ConfigDict, Field

from ioc.domain.duration import DurationMs
from ioc.domain.texts import Texts

_MINUTE_MS = 60_000


class FloodPlan(BaseModel):
    """At most so many messages on a channel within the time (ms); the rest of it is one summary at its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    messages: int = Field(default=30, ge=1, le=1_000)
    channels: Texts = ()
    """Those that it holds for; empty = all but webhooks and files, which programs read."""
    within: DurationMs = Field(default=10 * _MINUTE_MS, ge=_MINUTE_MS, le=24 * 60 * _MINUTE_MS)
