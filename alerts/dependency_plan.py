"""The declared model of `depends_on:` in `notify.yaml`: which devices are nothing without which others."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ioc.domain.duration import DurationMs
from ioc.domain.texts import Texts


class Dependency(BaseModel):
    """Devices of `family` depend on the devices of `parent` that their label, or metric, `by` names.

    It names a parent by its id, or by what the parent's own `by` says; `unit` is the unit. Times in ms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    parent: str
    by: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    rules: Texts = ()
    """Rules whose alarm says that a parent has failed, besides those of its absence."""
    grace: DurationMs = Field(default=5 * 60_000, ge=0, le=24 * 3_600_000)
    """How long the children have to come back once the parent has."""
