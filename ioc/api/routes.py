"""The one table of the API's routes: requests are validated by it, and /openapi.json is emitted from it."""

from typing import Any

from ioc.api.documents import (
    DeviceDocument,
    DriftDocument,
    FamilyDocument,
    LedgerDocument,
    Page,
    PlatformDocument,
    QuarantineDocument,
    UnitDocument,
)
from ioc.api.duty_document import DutyDocument
from ioc.api.handlers import about, alarms, drift, duty, events, fleet, incidents, load, records, service, silences, why
from ioc.api.handlers.common import Paged
from ioc.api.load_document import LoadDocument
from ioc.api.ports import Replay
from ioc.api.route import Access, Route
from ioc.api.service_document import ServiceOrderDocument
from ioc.api.silence_document import DigestDocument, SilenceDocument
from ioc.api.silence_order import SilenceRequest
from ioc.api.why_document import WhyDocument
from ioc.domain.alarm_document import AlarmDocument, JournalDocument
from ioc.domain.held_document import HeldDocument
from ioc.domain.incident_document import IncidentDocument, IncidentMemberDocument
from ioc.domain.quarantined import QuarantineGroup

_API = "/api/v1"
_DEVICE = f"{_API}/devices/{{id}}"
_ALARM = f"{_API}/alarms/{{id}}"
_INCIDENT = f"{_API}/incidents/{{id}}"
_ORDER = f"{_API}/out-of-service/{{id}}"
_SILENCE = f"{_API}/silences/{{id}}"
_QUARANTINED = f"{_API}/quarantine/{{id}}"


def _get(path: str, summary: str, handler: Any, response: Any, **more: Any) -> Route:  # noqa: ANN401  a Route's own fields
    return Route(method="GET", path=path, summary=summary, handler=handler, response=response, **more)


def _act(path: str, summary: str, handler: Any, response: Any, **more: Any) -> Route:  # noqa: ANN401  a Route's own fields
    return Route(method="POST", path=path, summary=summary, handler=handler, response=response, **{"access": Access.ACT, **more})


ROUTES: tuple[Route, ...] = (
    _get("/healthz", "The process lives", about.healthz, about.Alive, access=Access.PUBLIC),
    _get("/readyz", "Every part works", about.readyz, about.Readiness, access=Access.PUBLIC, also={503: about.Readiness}),
    _get("/metrics", "Own metrics for Prometheus", about.metrics, str, access=Access.PUBLIC, media="text/plain"),
    _get("/openapi.json", "This description", about.openapi, dict[str, Any], access=Access.PUBLIC),
    _get(f"{_API}/session", "Who asks", about.who, about.SessionDocument),
    _act(
        f"{_API}/session", "Log in: token into cookie", about.login, about.SessionDocument,
        access=Access.PUBLIC, body=about.LoginBody, errors=(401, 403),
    ),
    Route(method="DELETE", path=f"{_API}/session", summary="Log out", handler=about.logout, status=204),
    _get(f"{_API}/platform", "How well we hear and store", about.get_platform, PlatformDocument),
    _get(f"{_API}/families", "Declared families, with counts", fleet.list_families, Page[FamilyDocument]),
    _get(f"{_API}/units", "Units with counts", fleet.list_units, Page[UnitDocument], query=Paged),
    _get(f"{_API}/devices", "Devices", fleet.list_devices, Page[DeviceDocument], query=fleet.DeviceQuery),
    _get(_DEVICE, "One device", fleet.get_device, DeviceDocument),
    _get(f"{_DEVICE}/series", "A metric over time", fleet.get_series, fleet.SeriesDocument, query=fleet.SeriesQuery),
    _act(
        f"{_DEVICE}/approve", "Let a held device take part", fleet.approve_device, DeviceDocument,
        access=Access.OPERATE, body=fleet.ApproveBody | None,
    ),
    _get(f"{_API}/alarms", "Alarms, newest first", alarms.list_alarms, Page[AlarmDocument], query=alarms.AlarmQuery),
    _get(_ALARM, "One alarm", alarms.get_alarm, AlarmDocument),
    _get(f"{_ALARM}/journal", "What happened to it", alarms.get_journal, Page[JournalDocument], query=alarms.JournalQuery),
    _get(f"{_ALARM}/why", "Why who was told of it, in sentences", why.why_alarm, Page[WhyDocument]),
    _get(f"{_API}/why", "Why a person was, or was not, called around a time", why.why_person, Page[WhyDocument], query=why.PersonQuery),
    _get(
        f"{_API}/load", "How much the alarms ask of the operators", load.get_load, LoadDocument,
        query=load.LoadQuery, errors=(409,),
    ),
    _get(
        f"{_API}/duty", "Who is on duty, and what nobody answers for", duty.get_duty, DutyDocument,
        query=duty.DutyQuery, errors=(404,),
    ),
    _act(f"{_ALARM}/ack", "Acknowledge", alarms.acknowledge, AlarmDocument, body=alarms.AckBody | None),
    _act(f"{_ALARM}/reset", "Reset what is latched", alarms.reset, AlarmDocument, body=alarms.AckBody | None),
    _act(f"{_ALARM}/assign", "Assign", alarms.assign, AlarmDocument, body=alarms.AssignBody),
    _act(f"{_ALARM}/comment", "Comment", alarms.comment, AlarmDocument, body=alarms.CommentBody),
    _act(f"{_ALARM}/shelve", "Shelve", alarms.shelve, AlarmDocument, body=alarms.ShelveRequest),
    _act(f"{_ALARM}/unshelve", "Put back on the list", alarms.unshelve, AlarmDocument, body=alarms.AckBody | None),
    _get(
        f"{_API}/incidents", "Mass outages, newest first", incidents.list_incidents, Page[IncidentDocument],
        query=incidents.IncidentQuery,
    ),
    _get(_INCIDENT, "One mass outage", incidents.get_incident, IncidentDocument),
    _get(f"{_INCIDENT}/members", "Its members", incidents.list_members, Page[IncidentMemberDocument], query=Paged),
    _get(f"{_API}/held", "Alarms that cause no message of their own now, and why", incidents.list_held, Page[HeldDocument], query=Paged),
    _get(f"{_API}/silences", "Silences", silences.list_silences, Page[SilenceDocument], query=Paged),
    _act(f"{_API}/silences", "Begin a silence", silences.create_silence, SilenceDocument, body=SilenceRequest, status=201),
    _get(_SILENCE, "One silence", silences.get_silence, SilenceDocument),
    Route(
        method="PUT", path=_SILENCE, summary="Change a silence", handler=silences.replace_silence,
        access=Access.ACT, body=SilenceRequest, response=SilenceDocument,
    ),
    _act(f"{_SILENCE}/end", "End a silence", silences.end_silence, SilenceDocument),
    _get(f"{_SILENCE}/digest", "What a silence has hidden", silences.get_digest, DigestDocument),
    Route(
        method="DELETE", path=_SILENCE, summary="End a silence and forget it", handler=silences.delete_silence,
        access=Access.ACT, status=204,
    ),
    _get(f"{_API}/out-of-service", "What is out of service", service.list_orders, Page[ServiceOrderDocument], query=service.ServiceQuery),
    _act(
        f"{_API}/out-of-service", "Take out of service", service.take_out, ServiceOrderDocument,
        body=service.OutRequest, status=201, errors=(404,),
    ),
    _get(_ORDER, "One order", service.get_order, ServiceOrderDocument),
    _act(f"{_ORDER}/return", "Give back to service", service.give_back, ServiceOrderDocument, body=service.BackBody | None),
    _get(f"{_API}/rules", "Rules in force", records.list_rules, Page[records.RuleDocument]),
    _get(
        f"{_API}/quarantine", "What could not be stored", records.list_quarantine, Page[QuarantineDocument],
        query=records.QuarantineQuery,
    ),
    _get(
        f"{_API}/quarantine/summary", "Who fills the quarantine, and why", records.sum_quarantine, Page[QuarantineGroup],
        query=records.SummaryQuery,
    ),
    _get(_QUARANTINED, "One quarantined message", records.get_quarantined, QuarantineDocument),
    _act(f"{_QUARANTINED}/replay", "Try again to store it", records.replay, Replay, access=Access.OPERATE),
    _get(f"{_API}/drift", "Fields that devices tell otherwise than before", drift.list_drift, Page[DriftDocument], query=drift.DriftQuery),
    _act(
        f"{_API}/drift/{{id}}/ack", "Acknowledge a drift", drift.acknowledge_drift, DriftDocument, access=Access.OPERATE,
    ),
    _get(f"{_API}/ledger", "What became of every delivery", records.get_ledger, LedgerDocument, query=records.LedgerQuery),
    _get(
        f"{_API}/messages", "Messages to people", records.list_messages, Page[records.MessageDocument],
        query=Paged, access=Access.OPERATE,
    ),
    _get(
        f"{_API}/events", "Server-Sent Events", events.events, str,
        query=events.EventsQuery, media="text/event-stream", endless=True,
    ),
)  # fmt: skip
