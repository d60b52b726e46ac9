"""A site with the shipped families."""

from collections.abc import Sequence
from pathlib import Path

from dashboards.site import Site
from ioc.config.document import read_document
from ioc.domain.family import Family
from ioc.domain.registry import Unit

_SHIPPED = Path(__file__).parents[2] / "collectors" / "families"
FAMILIES = tuple(Family.model_validate(read_document(path).plain) for path in sorted(_SHIPPED.glob("*.yaml")))
UNITS = (
    Unit(unit="u1", code="07900", valid_from="2025-07-01", name="Phường Việt Trì"),
    Unit(unit="u2", code="07909", valid_from="2025-07-01", name="Xã A, B : C"),
)


def site(*, language: str = "vi", families: Sequence[Family] = FAMILIES, units: Sequence[Unit] = (), uid: str = "ioc-phu-tho") -> Site:
    """The province of Phú Thọ."""
    return Site(
        id="phu-tho",
        name="Phú Thọ",
        language=language,
        timezone="Asia/Ho_Chi_Minh",
        datasource_uid=uid,
        families=families,
        units=units,
    )
