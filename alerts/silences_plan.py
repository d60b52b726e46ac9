"""The declared model of `silences:` in `notify.yaml`: who hears of a silence's end, and when."""

from pydantic import BaseModel, ConfigDict, Field

from ioc.domain.duration import DurationMs
from ioc.domain.texts import Texts

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000


class SilencesPlan(BaseModel):
    """A reminder before a silence or maintenance ends, and a digest of what it hid when it has. Times in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remind: DurationMs = Field(default=15 * _MINUTE_MS, ge=0, le=7 * _DAY_MS)
    """So long before the end; 0 = never."""
    longer_than: DurationMs = Field(default=60 * _MINUTE_MS, ge=0, le=366 * _DAY_MS)
    """Silences that last no longer end without a reminder."""
    digest: bool = True
    channels: Texts = ()
    """Who is told; empty = the channels of whoever put the silence, else those of the routes that people read."""
