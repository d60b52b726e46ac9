"""The declared model of `incidents:` in `notify.yaml`: when devices that fall together are one incident, and when that speaks."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ioc.domain.duration import DurationMs
from ioc.domain.texts import as_list

Attribute = Literal["unit", "feeder", "uplink", "cell", "carrier", "vendor", "family"]
ATTRIBUTES: tuple[Attribute, ...] = ("unit", "feeder", "uplink", "cell", "carrier", "vendor", "family")
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


def _percent(value: object) -> object:
    """`30%` as 0.3; whatever else stays as it is."""
    text = str(value).strip()
    if text.endswith("%"):
        try:
            return float(text[:-1]) / 100
        except ValueError:
            return value
    return value


Share = Annotated[float, BeforeValidator(_percent), Field(gt=0, le=1)]


class IncidentPlan(BaseModel):
    """Thresholds and times (ms) of mass outages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    by: Annotated[tuple[Attribute, ...], BeforeValidator(as_list)] = Field(default=ATTRIBUTES, min_length=1)
    """What may explain it; of two that explain as much the first holds."""
    members: int = Field(default=5, ge=2)
    """Devices that must have fallen."""
    share: Share = 0.3
    """The part that they must be of all devices with the same value."""
    hold: DurationMs = Field(default=30_000, ge=1_000, le=5 * _MINUTE_MS)
    """How long a device's alarm waits for others before it is told alone."""
    window: DurationMs = Field(default=60_000, ge=1_000, le=_HOUR_MS)
    """What falls within this time can be one incident."""
    wait: DurationMs = Field(default=30_000, ge=0, le=_HOUR_MS)
    """How long nothing must have changed before the incident speaks."""
    interval: DurationMs = Field(default=5 * _MINUTE_MS, ge=0, le=24 * _HOUR_MS)
    """At least so long between two messages of one incident, but for its end."""
    step: Share = 0.25
    """The part of its members that must have come or gone to be told before its end."""
    over: Share = 0.9
    """The part of its members whose return ends it, when nothing has changed for an `interval`; the others are told as usual then."""
    repeat_interval: DurationMs = Field(default=4 * _HOUR_MS, ge=0)
    """Reminder while a member is active and not acknowledged; 0 = say it once."""
