"""Silences: notifications held back for a stated time and reason. The alarms themselves stay visible."""

import msgspec


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Holds back the notifications of alarms that match every given field; times Unix ms, `until` exclusive."""

    id: str
    rule: str | None = None
    severity: str | None = None
    family: str | None = None
    device: str | None = None
    unit: str | None = None
    since: int
    until: int
    reason: str
    by: str
    created_at: int
