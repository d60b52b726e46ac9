"""Which measurements, tags and fields a query may name: the families' and our own. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ioc.domain.family import Family
from ioc.domain.ledger import TERMS
from ioc.domain.views import FamilyCounts


@dataclass(frozen=True, slots=True)
class Measurement:
    """Names of one measurement's tags and fields."""

    tags: frozenset[str]
    fields: frozenset[str]


def catalogue(families: Iterable[Family]) -> Mapping[str, Measurement]:
    """Measurement → its tags and fields, as the contract declares them."""
    declared = {
        family.family: Measurement(frozenset({"device"}), frozenset({metric.name for metric in family.metrics} | {"lag_ms"}))
        for family in families
    }
    return {**declared, **_OWN}


_OWN = {
    "event": Measurement(frozenset({"device", "event"}), frozenset({"body"})),
    "availability": Measurement(frozenset({"device", "unit"}), frozenset({"online", "state", "cause"})),
    "alarm": Measurement(frozenset({"device", "unit", "rule", "severity"}), frozenset({"id", "transition", "acked", "by"})),
    "unit_status": Measurement(frozenset({"unit", "family"}), frozenset(FamilyCounts.__struct_fields__)),
    "ledger": Measurement(frozenset({"family", "collector"}), frozenset(TERMS)),
}
