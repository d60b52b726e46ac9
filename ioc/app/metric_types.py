"""A metric's type never changes: what the store holds is compared with what the families declare."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from ioc.domain.family import Family, MetricType
from ioc.domain.point import StoreDeniedError

_STORED_AS = {
    MetricType.FLOAT: "float",
    MetricType.INT: "integer",
    MetricType.BOOL: "integer",
    MetricType.STRING: "string",
    MetricType.ENUM: "string",
}


class StoredTypes(Protocol):
    """A store that is asked for its fields."""

    async def field_types(self, measurement: str) -> dict[str, str]:
        """Field → float, integer, string or boolean."""


class ChangedMetric(msgspec.Struct, frozen=True):
    """A metric that the store has with another type."""

    name: str
    """`family.metric`."""
    text: str
    """What is wrong, and what to do."""


class ChangedTypesError(StoreDeniedError):
    """The store has metrics with other types than the families declare: nothing may be written before a person has decided."""

    def __init__(self, changed: Iterable[ChangedMetric]) -> None:
        super().__init__("\n".join(f"metric {metric.name} {metric.text}" for metric in changed))


async def changed_metrics(store: StoredTypes, families: Iterable[Family]) -> list[ChangedMetric]:
    """Metrics whose type differs from the store's; StoreUnavailableError when it can't be asked."""
    found = []
    for family in families:
        stored = await store.field_types(family.family)
        for metric in family.metrics:
            wanted = _STORED_AS[metric.type]
            if stored.get(metric.name, wanted) != wanted:
                what = f"is declared {metric.type.value}, but the store has it as {stored[metric.name]}"
                text = f"{what}; a metric's type never changes: declare it as before, or give the new one another name"
                found.append(ChangedMetric(f"{family.family}.{metric.name}", text))
    return found
