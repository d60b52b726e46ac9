"""A vendor's dialect: on which topics a family's devices publish in another shape, and how that shape becomes the family's metrics."""

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, field_validator, model_validator

from ioc.domain.payload_path import parse_path
from ioc.domain.topic_template import DEVICE_LEVEL, TopicTemplate, parse_template

DialectId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _is_path(text: str) -> str:
    parse_path(text)
    return text


PathText = Annotated[str, AfterValidator(_is_path)]
"""As `payload_path.parse_path` reads it."""
LevelText = Annotated[str, StringConstraints(pattern=r"^[^/+#\x00-\x1f\x7f]{1,64}$")]


class PayloadFormat(StrEnum):
    """How a payload is written."""

    JSON = "json"
    INFLUX_LINE = "influx_line"


class TimeUnit(StrEnum):
    """How a device tells the time."""

    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"
    RFC3339 = "rfc3339"

    @property
    def per_second(self) -> int:
        """Units in a second; 0 for text."""
        return {TimeUnit.S: 1, TimeUnit.MS: 10**3, TimeUnit.US: 10**6, TimeUnit.NS: 10**9, TimeUnit.RFC3339: 0}[self]


class TimeSource(BaseModel):
    """Where the device's time stands; line protocol carries it itself, so that `path` is for JSON only."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: PathText | None = None
    unit: TimeUnit


class FieldSource(BaseModel):
    """Where a metric's value stands, and how the vendor's number or code becomes ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: PathText
    scale: FiniteFloat | None = None
    offset: FiniteFloat | None = None
    from_: tuple[FiniteFloat, FiniteFloat] | None = Field(default=None, alias="from")
    to: tuple[FiniteFloat, FiniteFloat] | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, data: object) -> object:
        """A field that only has another name is written as its path."""
        return {"path": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        linear = self.scale is not None or self.offset is not None
        if (self.from_ is None) != (self.to is None):
            msg = "`from` and `to` belong together; write both ends of both scales: from: [1, 15], to: [0, 100]"
            raise ValueError(msg)
        if self.from_ is not None and self.from_[0] == self.from_[1]:
            msg = "`from` has the same number twice; write both ends of the vendor's scale"
            raise ValueError(msg)
        if linear + (self.from_ is not None) + bool(self.values) > 1:
            msg = "more than one of scale/offset, from/to and values; keep one"
            raise ValueError(msg)
        if self.scale == 0:
            msg = "`scale` 0 makes every value the same; write another, or a constant"
            raise ValueError(msg)
        return self

    @property
    def linear(self) -> Callable[[float], float] | None:
        """The vendor's number as ours; None where it is taken as it stands."""
        if self.from_ is not None and self.to is not None:
            (low, high), (first, last) = self.from_, self.to
            return lambda number: first + (number - low) * (last - first) / (high - low)
        if self.scale is None and self.offset is None:
            return None
        scale, offset = 1.0 if self.scale is None else self.scale, self.offset or 0.0
        return lambda number: number * scale + offset


class Dialect(BaseModel):
    """One vendor's topics and payloads; `fields` says for each metric where its value stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: DialectId
    about: str = ""
    enabled: bool = True
    """Whether every source listens to it; a source's `dialects` may say otherwise."""
    topic: str
    levels: dict[str, Annotated[tuple[LevelText, ...], Field(min_length=1)]] = Field(default_factory=dict)
    format: PayloadFormat = PayloadFormat.JSON
    device: PathText | None = None
    time: TimeSource | None = None
    duplicate: tuple[PathText, ...] = ()
    fields: dict[str, FieldSource] = Field(min_length=1)
    constants: dict[str, str] = Field(default_factory=dict)
    ignore: tuple[PathText, ...] = ()

    @field_validator("topic")
    @classmethod
    def _template(cls, topic: str) -> str:
        parse_template(topic, {})
        return topic

    @model_validator(mode="after")
    def _readable(self) -> Self:
        names = self.template.names
        stray = [name for name in self.levels if name not in names]
        if stray:
            msg = f"`levels` names {stray[0]!r}, which is no level of `{self.topic}`; its named levels: {', '.join(names) or 'none'}"
            raise ValueError(msg)
        if (DEVICE_LEVEL in names) == (self.device is not None):
            msg = "a device's name comes from one place; write {device} into `topic`, or, only where no topic tells it, `device: path`"
            raise ValueError(msg)
        return self

    @cached_property
    def template(self) -> TopicTemplate:
        """Its topics."""
        return parse_template(self.topic, self.levels)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every place of the payload that it knows."""
        alone = [path for path in (self.device, self.time and self.time.path) if path]
        return (*(source.path for source in self.fields.values()), *alone, *self.duplicate, *self.ignore)
