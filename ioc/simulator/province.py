"""The demo province: which devices stand where. Deterministic: the same seed gives the same registry."""

import random
from collections.abc import Iterator, Sequence

from ioc.domain.registry import Device, Unit

_CARRIERS = ("Viettel", "VinaPhone", "MobiFone")
_SPEAKER_VENDORS = ("VietAudio", "SongHong", "TruyenThanhSo")
_LINE_VENDORS = ("NamTien", "CoKhiViet")
_SITE_VENDORS = ("Ericsson", "Nokia", "Huawei")
_LINES_A_FACTORY = 4
_SPREAD_DEG = 0.015
_REGISTERED_FROM = "2025-07-01"


def lay_out(units: Sequence[Unit], *, speakers: int = 600, lines: int = 20, sites: int = 60, seed: int = 1) -> list[Device]:
    """Registry rows of a simulated province: loudspeaker clusters over all communes, factories and network sites in some.

    `units` may hold the province too: devices stand in units that are nobody's parent and still valid.
    """
    communes = _communes(units)
    if not communes:
        return []
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    return [
        *_speakers(communes, speakers, chance),
        *_lines(chance.sample(communes, min(len(communes), max(1, -(-lines // _LINES_A_FACTORY)))), lines, chance),
        *_sites(chance.sample(communes, min(len(communes), max(1, sites))), sites, chance),
    ]


def spread(units: Sequence[Unit], family: str, count: int, *, label: str, seed: int = 1) -> list[Device]:
    """Registry rows of `count` devices of any family over all communes, named by the family's label."""
    communes = _communes(units)
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    return [
        _device(f"{family}-{n + 1:04d}", family, communes[n % len(communes)], name=f"{label} {n + 1}", labels={}, chance=chance)
        for n in range(count if communes else 0)
    ]


def _communes(units: Sequence[Unit]) -> list[Unit]:
    parents = {unit.parent for unit in units}
    return sorted((unit for unit in units if unit.unit not in parents and unit.valid_to is None), key=lambda unit: unit.code)


def _speakers(communes: Sequence[Unit], count: int, chance: random.Random) -> Iterator[Device]:
    for number in range(count):
        commune = communes[number % len(communes)]
        nth = number // len(communes) + 1
        labels = {"carrier": chance.choice(_CARRIERS), "vendor": chance.choice(_SPEAKER_VENDORS)}
        yield _device(f"spk-{number + 1:04d}", "speaker", commune, name=f"Cụm loa {nth}", labels=labels, chance=chance)


def _lines(communes: Sequence[Unit], count: int, chance: random.Random) -> Iterator[Device]:
    for number in range(count):
        factory = number // _LINES_A_FACTORY
        commune = communes[factory % len(communes)]
        labels = {"vendor": _LINE_VENDORS[factory % len(_LINE_VENDORS)], "factory": f"F{factory + 1:02d}"}
        name = f"Dây chuyền {number % _LINES_A_FACTORY + 1}, nhà máy {factory + 1}"
        yield _device(f"line-{number + 1:03d}", "factory_line", commune, name=name, labels=labels, chance=chance)


def _sites(communes: Sequence[Unit], count: int, chance: random.Random) -> Iterator[Device]:
    for number in range(count):
        commune = communes[number % len(communes)]
        labels = {"carrier": _CARRIERS[number % len(_CARRIERS)], "vendor": chance.choice(_SITE_VENDORS)}
        yield _device(f"bts-{number + 1:03d}", "network_site", commune, name=f"Trạm BTS {number + 1}", labels=labels, chance=chance)


def _device(device: str, family: str, unit: Unit, *, name: str, labels: dict[str, str], chance: random.Random) -> Device:
    return Device(
        device=device,
        family=family,
        unit=unit.unit,
        name=name,
        lat=_near(unit.lat, chance),
        lon=_near(unit.lon, chance),
        labels=labels,
        valid_from=_REGISTERED_FROM,
    )


def _near(degrees: float | None, chance: random.Random) -> float | None:
    return None if degrees is None else round(degrees + chance.uniform(-_SPREAD_DEG, _SPREAD_DEG), 4)
