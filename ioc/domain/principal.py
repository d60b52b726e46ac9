"""Who asks: the bearer of a token."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a token's bearer may do."""

    VIEWER = "viewer"
    """Reads everything."""
    OPERATOR = "operator"
    """Reads everything and acts on it."""
    TECHNICIAN = "technician"
    """Reads and acts on the devices of its units."""
    ADMIN = "admin"
    """May do everything."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A verified bearer; `units` limits a technician (units below them in the tree included)."""

    name: str
    role: Role
    units: frozenset[str] = frozenset()
