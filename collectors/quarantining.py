"""What goes to quarantine: whole messages, copies of partial ones, and points that the store refused late."""

from collections.abc import Iterable

import msgspec

from collectors.ingest import Taken
from ioc.domain.point import Point, PointRefusal
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.sample import Reason, Refusal


def entries_of(taken: Taken) -> Iterable[QuarantineEntry]:
    """One entry a reason: of the whole message, or a copy where the rest of it was stored."""
    delivery = taken.delivery
    if taken.outcome not in {"stored", "quarantined"}:
        return
    partial = taken.outcome == "stored"
    for refusal, fields in _by_reason(taken.refusals):
        yield QuarantineEntry(
            topic=delivery.topic,
            payload=delivery.payload,
            family=taken.family,
            device=taken.device,
            at=delivery.arrival,
            refusal=refusal,
            partial=partial,
            fields=fields if partial else (),
            stored_at=taken.point.ts if partial and taken.point is not None else None,
            redelivered=delivery.dup,
            fingerprint=taken.mark,
        )


def _by_reason(refusals: Iterable[Refusal]) -> Iterable[tuple[Refusal, tuple[str, ...]]]:
    """One refusal a reason, and its fields: several fields of one message that fail alike are one entry."""
    details: dict[Reason, list[Refusal]] = {}
    for refusal in refusals:
        details.setdefault(refusal.reason, []).append(refusal)
    for reason, same in details.items():
        said = "; ".join(one.detail if one.field is None else f"{one.field}: {one.detail}" for one in same[:8])
        yield Refusal(reason, said, same[0].field), tuple(one.field for one in same if one.field is not None)


def copy_of_spooled(topic: bytes, family: str, device: str, point: Point, refusal: PointRefusal) -> QuarantineEntry:
    """A point that was spooled and then refused; its payload is made anew from what would have been stored."""
    body = point.fields.get("body") if point.measurement == "event" else None
    return QuarantineEntry(
        topic=topic,
        payload=body.encode() if isinstance(body, str) else msgspec.json.encode({"ts": point.ts, **point.fields}),
        family=family,
        device=device or None,
        at=point.ts,
        refusal=Refusal(Reason.STORE_REFUSED, refusal.detail, refusal.field),
        partial=refusal.field is not None,
        fields=() if refusal.field is None else (refusal.field,),
        stored_at=None if refusal.field is None else point.ts,
    )


def copy_of_lost(topic: bytes, family: str, device: str, at: int, detail: str) -> QuarantineEntry:
    """A message of which only this is known: its payload can't be read any more."""
    return QuarantineEntry(
        topic=topic, payload=b"", family=family, device=device or None, at=at, refusal=Refusal(Reason.FAULT, detail), partial=False
    )
