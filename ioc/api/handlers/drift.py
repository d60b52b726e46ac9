"""Schema drift."""

import msgspec

from ioc.api.documents import DriftDocument, Page, drift_document
from ioc.api.handlers.common import Paged, YesNo, given, yes
from ioc.api.problem import existing
from ioc.api.route import Call, NoQuery


class DriftQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which drifts."""

    acknowledged: YesNo | msgspec.UnsetType = msgspec.UNSET


async def list_drift(call: Call[DriftQuery, None]) -> Page[DriftDocument]:
    """What groups of devices tell otherwise than before, newest first; payloads are not shown to who sees some units only."""
    query = call.query
    found, following = await call.backend.drift.drifts(acknowledged=yes(query.acknowledged), limit=query.limit, cursor=given(query.cursor))
    items = [drift_document(drift) for drift in found]
    if call.units is not None:
        items = [msgspec.structs.replace(item, samples=[]) for item in items]
    return Page(items=items, next=following)


async def acknowledge_drift(call: Call[NoQuery, None]) -> DriftDocument:
    """A person knows of it."""
    drift = call.path["id"]
    return drift_document(existing(await call.backend.drift.acknowledge_drift(drift, by=call.principal.name), "drift", drift))
