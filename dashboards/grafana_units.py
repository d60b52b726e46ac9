"""Grafana's unit for a metric's unit."""

from grafana_foundation_sdk.models import units

_KNOWN = {
    "%": units.Percent,
    "°C": units.Celsius,
    "dB": units.Decibel,
    "dBm": units.DecibelMilliWatt,
    "V": units.Volt,
    "Ω": units.Ohm,
    "kW": units.KiloWatt,
    "kWh": units.KiloWattHour,
    "MB": units.Megabytes,
    "s": units.Seconds,
    "ms": units.Milliseconds,
}


def grafana_unit(unit: str) -> str:
    """Grafana's own unit where it has one, else the unit's text behind the number; "short" for none."""
    if not unit:
        return units.Short
    return _KNOWN.get(unit, f"suffix: {unit}")
