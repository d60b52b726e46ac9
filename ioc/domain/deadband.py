"""Which of a metric's values need not be written: those that say nothing new."""

from pydantic import BaseModel, ConfigDict, Field

from ioc.domain.duration import DurationMs

HEARTBEAT_MS = 300_000
HEARTBEAT_MOST_MS = 86_400_000
"""Latest values are looked for a few days back; an unchanged one must be found there."""


class Deadband(BaseModel):
    """A value that differs from the last one written by no more than this is left out, until the heartbeat is due.

    With neither `absolute` nor `percent` only an equal value is left out, which fits every type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """In the metric's own unit."""
    percent: float = Field(default=0.0, ge=0, le=100)
    """Of the value written last; where both are given, the wider holds."""
    heartbeat: DurationMs = Field(default=HEARTBEAT_MS, gt=0, le=HEARTBEAT_MOST_MS)
    """A value is written again once the last one is so old."""

    @property
    def has_band(self) -> bool:
        """Whether values that differ may be left out, which only numbers allow."""
        return self.absolute > 0 or self.percent > 0
