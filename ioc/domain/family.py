"""A device family: the one declaration from which decoder, encoder, schema, labels, panels and rules derive."""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ioc.domain.deadband import Deadband
from ioc.domain.dialect import Dialect
from ioc.domain.duration import DurationMs

INT64_MAX = 2**63 - 1
MAX_STRING = 128
"""Longest string value of a metric, in characters."""

NUMBERS_ONLY = "`absolute` and `percent` belong to numbers; of other types only equal values are left out"

FamilyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
RESERVED_FAMILIES = frozenset({"collector", "event", "availability", "alarm", "unit_status", "ledger"})
RESERVED_METRICS = frozenset({"ts", "seq", "lag_ms", "time", "device"})


class Label(BaseModel):
    """One text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vi: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def text(self, language: str) -> str:
        """The text in `vi` or `en`."""
        return self.en if language == "en" else self.vi


class MetricType(StrEnum):
    """How a metric's value is typed on the wire and in the store (bool is stored as int 0/1)."""

    FLOAT = "float"
    INT = "int"
    BOOL = "bool"
    STRING = "string"
    ENUM = "enum"


class Signal(BaseModel):
    """How the simulator lets a metric behave while nothing is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    start: float = 0.0
    noise: float = 0.0
    per_hour: float = 0.0
    choices: tuple[str, ...] = ()


class Metric(BaseModel):
    """One metric of a family: name, type, unit, range, names in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: MetricName
    type: MetricType
    unit: str = ""
    min: float | None = None
    above: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    cumulative: bool = False
    labels: Label
    value_labels: dict[str, Label] = Field(default_factory=dict)
    headline: bool = False
    signal: Signal | None = None
    deadband: Deadband | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name in RESERVED_METRICS:
            msg = f"metric name {self.name!r} is reserved"
            raise ValueError(msg)
        if (self.type is MetricType.ENUM) != bool(self.values):
            msg = f"metric {self.name!r}: `values` belongs to type enum, and an enum needs it"
            raise ValueError(msg)
        unknown = set(self.value_labels) - set(self.values)
        if unknown:
            msg = f"metric {self.name!r}: value_labels names {sorted(unknown)}, which are not among its values"
            raise ValueError(msg)
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"metric {self.name!r}: min is above max"
            raise ValueError(msg)
        if self.deadband is not None and self.deadband.has_band and not self.is_number:
            msg = f"metric {self.name!r}: {NUMBERS_ONLY}"
            raise ValueError(msg)
        return self

    @property
    def is_number(self) -> bool:
        """Whether values compare with thresholds (float or int)."""
        return self.type in {MetricType.FLOAT, MetricType.INT}

    def in_range(self, value: float) -> bool:
        """Whether a number lies in the declared range (bounds included, `above` excluded)."""
        return (
            (self.min is None or value >= self.min)
            and (self.max is None or value <= self.max)
            and (self.above is None or value > self.above)
        )


class Family(BaseModel):
    """A declared device family; `metrics` gives the order of a Sample's values."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: FamilyName
    labels: Label
    cadence: DurationMs = Field(gt=0)
    missed: int = Field(default=3, ge=1)
    history: DurationMs = Field(default=30 * 86_400_000, gt=0)
    metrics: tuple[Metric, ...] = Field(min_length=1)
    dialects: tuple[Dialect, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, data: object) -> object:
        """Files write metrics and dialects as mappings name → declaration; inside they are lists that carry the name."""
        return _named(_named(data, "metrics", "name"), "dialects", "id")

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if self.family in RESERVED_FAMILIES:
            msg = f"family name {self.family!r} is reserved"
            raise ValueError(msg)
        return self

    @cached_property
    def index(self) -> dict[str, int]:
        """Metric name → position in a Sample's values."""
        return {metric.name: position for position, metric in enumerate(self.metrics)}

    @property
    def silence_ms(self) -> int:
        """Listening time without arrival after which a device counts as offline."""
        return self.missed * self.cadence

    @property
    def grace_ms(self) -> int:
        """Listening time after a spell in which we could not hear, before a device may count as offline: it spoke in between."""
        return min(self.silence_ms, self.cadence * 3 // 2)


class DialectFile(BaseModel):
    """Dialects of a family that is declared elsewhere: a site teaches a shipped family one more vendor."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dialects_of: FamilyName
    dialects: tuple[Dialect, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, data: object) -> object:
        return _named(data, "dialects", "id")


def _named(data: object, key: str, name: str) -> object:
    """A mapping under `key` as a list whose entries carry their key as `name`."""
    if not isinstance(data, dict) or not isinstance(data.get(key), dict):
        return data
    return {**data, key: [{**below, name: at} if isinstance(below, dict) else below for at, below in data[key].items()]}
