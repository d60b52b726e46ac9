"""What each address answers."""

import json
from typing import Any

from aiohttp.test_utils import TestClient

from api.conftest import Connect
from api.fake_province import NOW, FakeProvince
from ioc.api.ports import Check
from ioc.domain.alarm import Severity
from ioc.domain.liveness_change import Liveness


async def _json(client: TestClient, path: str, status: int = 200, **query: str) -> Any:
    response = await client.get(path, params=query)
    assert response.status == status, await response.text()
    return await response.json(content_type=None)


async def test_lists_devices_page_by_page(connect: Connect) -> None:
    """Every device comes exactly once, by id; the last page has no cursor."""
    client = await connect("viewer-token")
    seen: list[str] = []
    query = {"limit": "250"}
    while True:
        page = await _json(client, "/api/v1/devices", **query)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == 681
    assert seen == sorted(set(seen))


async def test_describes_a_device_as_the_contract_says(connect: Connect) -> None:
    """Online is true, times are RFC 3339 UTC, the sample carries bools as bools."""
    device = await _json(await connect("viewer-token"), "/api/v1/devices/loa-0003")
    assert {"id", "family", "unit", "name", "online", "last_seen", "sample", "approved"} <= set(device)
    assert device["online"] is True
    assert device["sample"] == {"state": "idle", "audio_dbfs": -70.5, "door_open": False}
    assert device["last_seen"].endswith("Z")


async def test_filters_devices_by_family_unit_online_and_approved(connect: Connect, province: FakeProvince) -> None:
    """Each filter narrows; online is three-valued."""
    province.set_state("loa-0001", Liveness.UNKNOWN, working=None)
    province.set_state("loa-0002", Liveness.OFFLINE, working=False)
    client = await connect("viewer-token")
    assert len((await _json(client, "/api/v1/devices", family="factory_line"))["items"]) == 20
    unknown = (await _json(client, "/api/v1/devices", online="unknown"))["items"]
    assert [(item["id"], item["online"]) for item in unknown] == [("loa-0001", None)]
    assert [item["id"] for item in (await _json(client, "/api/v1/devices", online="false"))["items"]] == ["loa-0002"]
    assert [item["id"] for item in (await _json(client, "/api/v1/devices", approved="false"))["items"]] == ["held-1"]
    unit = province.views["loa-0000"].unit or ""
    assert {item["unit"] for item in (await _json(client, "/api/v1/devices", unit=unit))["items"]} == {unit}


async def test_lists_units_with_counts(connect: Connect) -> None:
    """149 units, each with the counts of its devices."""
    page = await _json(await connect("viewer-token"), "/api/v1/units", limit="1000")
    assert len(page["items"]) == 149
    commune = next(item for item in page["items"] if item["unit"] == "04792-2025")
    assert commune["families"]["speaker"]["devices"] == commune["families"]["speaker"]["working"] == 5
    assert commune["name"] == "Phường Tân Hòa"


async def test_lists_families_with_totals_and_labels(connect: Connect) -> None:
    """What the wall needs to name and sum any family, also one added later."""
    items = (await _json(await connect("viewer-token"), "/api/v1/families"))["items"]
    speaker = next(item for item in items if item["family"] == "speaker")
    assert speaker["labels"]["vi"] == "Cụm loa"
    assert speaker["counts"]["devices"] == 600
    assert speaker["silence_ms"] == 180_000


async def test_lists_alarms_newest_first_and_filters_them(connect: Connect, province: FakeProvince) -> None:
    """Active and cleared come together; each field narrows; a cursor goes on."""
    for number in range(5):
        province.raise_alarm(f"loa-000{number}", "speaker_offline", Severity.MINOR, since=NOW - number * 1000)
    loud = province.raise_alarm(
        "loa-0009", "rogue_sound", Severity.CRITICAL, since=NOW - 100_000, summary={"vi": "phát ngoài lịch", "en": "rogue sound"}
    )
    client = await connect("viewer-token")
    first = await _json(client, "/api/v1/alarms", limit="4")
    assert [item["since"] for item in first["items"]] == sorted((item["since"] for item in first["items"]), reverse=True)
    rest = await _json(client, "/api/v1/alarms", limit="4", cursor=first["next"])
    assert rest["items"][-1]["id"] == loud.id
    assert rest["next"] is None
    one = (await _json(client, "/api/v1/alarms", severity="critical", state="active", acknowledged="false"))["items"]
    assert [(item["id"], item["summary"], item["texts"]["en"]["summary"]) for item in one] == [(loud.id, "phát ngoài lịch", "rogue sound")]
    assert (await _json(client, "/api/v1/alarms", device="loa-0000", rule="rogue_sound"))["items"] == []


async def test_acknowledges_once_however_often_it_is_asked(connect: Connect, province: FakeProvince) -> None:
    """POST ack answers 200 with the alarm, with or without a comment, the second time too; the journal has one entry."""
    alarm = province.raise_alarm("loa-0001", "speaker_offline", Severity.MINOR, since=NOW)
    client = await connect("operator-token")
    for body in ({"json": {"comment": "đã gọi cán bộ xã"}}, {}):
        response = await client.post(f"/api/v1/alarms/{alarm.id}/ack", **body)
        assert response.status == 200
        document = await response.json()
        assert (document["acknowledged"], document["acknowledged_by"]) == (True, "truc-ca")
    journal = (await _json(client, f"/api/v1/alarms/{alarm.id}/journal"))["items"]
    assert [(entry["step"], entry["by"], entry["detail"]) for entry in journal] == [
        ("raised", "sample", "audio_dbfs -70.1 below -50"),
        ("acknowledged", "person:truc-ca", "đã gọi cán bộ xã"),
    ]


async def test_shelves_for_a_while_or_until_a_time(connect: Connect, province: FakeProvince) -> None:
    """`for` and `until` both work, neither and both do not, nor more than 7 days; a cleared alarm is a conflict."""
    alarm = province.raise_alarm("loa-0001", "speaker_offline", Severity.MINOR, since=NOW)
    client = await connect("operator-token")
    path = f"/api/v1/alarms/{alarm.id}/shelve"
    for body, status in [
        ({"reason": "mất điện", "for": "30m"}, 200),
        ({"reason": "mất điện", "until": "2025-11-23T08:30:00+07:00"}, 200),
        ({"reason": "mất điện"}, 400),
        ({"reason": "mất điện", "for": "30m", "until": "2025-11-23T08:30:00+07:00"}, 400),
        ({"reason": "mất điện", "for": "8d"}, 409),
        ({"for": "30m"}, 400),
    ]:
        response = await client.post(path, json=body)
        assert response.status == status, (body, await response.text())
    assert province.alarm_rows[alarm.id].shelved_until == 1_763_861_400_000
    province.alarm_rows[alarm.id] = type(alarm)(**{name: getattr(alarm, name) for name in alarm.__struct_fields__} | {"cleared_at": NOW})
    assert (await client.post(path, json={"reason": "x", "for": "1h"})).status == 409


async def test_creates_changes_and_ends_a_silence(connect: Connect) -> None:
    """A silence lives through POST, GET, PUT and DELETE; one that matches everything is refused."""
    client = await connect("operator-token")
    body = {"unit": "04792-2025", "until": "2025-12-01T00:00:00Z", "reason": "bảo trì"}
    created = await client.post("/api/v1/silences", json=body)
    assert created.status == 201
    silence = await created.json()
    path = f"/api/v1/silences/{silence['id']}"
    changed = await client.put(path, json=body | {"until": "2025-12-02T00:00:00Z"})
    assert (await changed.json())["until"] == "2025-12-02T00:00:00.000Z"
    assert [item["id"] for item in (await _json(client, "/api/v1/silences"))["items"]] == [silence["id"]]
    weekly = {"days": ["sun", "sat"], "from": "22:00", "to": "05:00"}
    assert (await changed.json())["weekly"] is None
    nightly = await client.put(path, json=body | {"weekly": weekly})
    assert (await nightly.json())["weekly"] == weekly | {"days": ["sat", "sun"]}
    assert (await client.put(path, json=body | {"weekly": weekly | {"from": "24:00"}})).status == 400
    bound = {**weekly, "days": ["sat", "sun"], "only_on": ["tet"], "except_on": ["quoc_khanh"]}
    assert (await (await client.put(path, json=body | {"weekly": bound})).json())["weekly"] == bound
    misspelt = await client.put(path, json=body | {"weekly": weekly | {"except_on": ["tets"]}})
    assert (misspelt.status, "did you mean 'tet'?" in (await misspelt.json())["detail"]) == (400, True)
    assert (await client.delete(path)).status == 204
    assert (await client.get(path)).status == 404
    everything = await client.post("/api/v1/silences", json={"until": "2025-12-01T00:00:00Z", "reason": "x"})
    assert everything.status == 400


async def test_maintenance_is_ended_and_its_digest_stays_readable(connect: Connect, province: FakeProvince) -> None:
    """What it hid, before its end and after; a second end changes nothing, and what does not exist has neither."""
    client = await connect("operator-token")
    province.raise_alarm("loa-0000", "speaker_offline", Severity.MAJOR, since=province.now)
    body = {"rule": "speaker_offline", "until": "2025-12-01T00:00:00Z", "reason": "thay ắc quy", "kind": "maintenance"}
    silence = await (await client.post("/api/v1/silences", json=body)).json()
    path = f"/api/v1/silences/{silence['id']}"
    assert silence["kind"] == "maintenance"
    hid = await _json(client, f"{path}/digest")
    assert (hid["silence"], hid["hidden"], hid["active"], hid["by_severity"]["major"]) == (silence["id"], 1, 1, 1)
    assert hid["alarms"][0]["device"] == "loa-0000"
    ends = [(await (await client.post(f"{path}/end")).json())["until"] for province.now in (province.now + 60_000, province.now + 120_000)]
    assert ends[0] == ends[1] < body["until"]
    assert await _json(client, f"{path}/digest") == hid
    assert [(await client.post("/api/v1/silences/none/end")).status, (await client.get("/api/v1/silences/none/digest")).status] == [
        404,
        404,
    ]
    assert (await client.post("/api/v1/silences", json=body | {"kind": "holiday"})).status == 400


async def test_shows_and_replays_quarantine(connect: Connect) -> None:
    """An item carries topic, reason and payload; a replay says how it ended."""
    client = await connect("operator-token")
    item = (await _json(client, "/api/v1/quarantine", reason="not_json"))["items"][0]
    assert {key: item[key] for key in ("topic", "device", "reason", "count", "payload", "payload_encoding")} == {
        "topic": "ioc/v1/speaker/loa-0000/telemetry",
        "device": "loa-0000",
        "reason": "not_json",
        "count": 3,
        "payload": '{"state": "pl',
        "payload_encoding": "utf-8",
    }
    replay = await client.post(f"/api/v1/quarantine/{item['id']}/replay")
    assert (await replay.json())["recovered"] is False


async def test_sums_the_quarantine(connect: Connect) -> None:
    """By device, by reason, by both; a technician's own units only; filters that make no sense are refused."""
    client = await connect("operator-token")
    both = (await _json(client, "/api/v1/quarantine/summary"))["items"]
    assert [(group["device"], group["reason"], group["messages"]) for group in both] == [("loa-0000", "not_json", 3)]
    assert (await _json(client, "/api/v1/quarantine/summary", by="reason"))["items"][0]["device"] is None
    assert (await _json(client, "/api/v1/quarantine", partial="true"))["items"] == []
    assert (await client.get("/api/v1/quarantine", params={"replayed": "perhaps"})).status == 400
    for instant in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2400-12-31T23:59:59.999Z"):
        assert (await client.get("/api/v1/ledger", params={"from": instant})).status == 400
        assert (await client.get("/api/v1/quarantine", params={"to": instant})).status == 400


async def test_lists_and_acknowledges_drift(connect: Connect) -> None:
    """Group, field, types and counts; once acknowledged it is known."""
    client = await connect("operator-token")
    (drift,) = (await _json(client, "/api/v1/drift", acknowledged="false"))["items"]
    assert {key: drift[key] for key in ("firmware", "before", "field", "kind", "old_type", "new_type", "devices", "acknowledged")} == {
        "firmware": "1.1", "before": "1.0", "field": "volume", "kind": "retyped", "old_type": "number", "new_type": "string", "devices": 5,
        "acknowledged": False,
    }  # fmt: skip
    assert (await (await client.post("/api/v1/drift/d1/ack")).json())["acknowledged"] is True
    assert (await client.post("/api/v1/drift/nothing/ack")).status == 404


async def test_technician_sees_no_payloads_in_drift_and_acknowledges_none(connect: Connect) -> None:
    """They may be other units' devices'."""
    client = await connect("technician-token")
    (drift,) = (await _json(client, "/api/v1/drift"))["items"]
    assert (drift["field"], drift["samples"]) == ("volume", [])
    assert (await client.post("/api/v1/drift/d1/ack")).status == 403


async def test_sums_the_ledger(connect: Connect) -> None:
    """The contract's shape: totals, families, and null bounds without a range."""
    client = await connect("viewer-token")
    ledger = await _json(client, "/api/v1/ledger")
    assert ledger["received"] == 1_212_800
    assert ledger["families"]["speaker"]["partial"] == 41
    assert (ledger["from"], ledger["to"]) == (None, None)
    ranged = await _json(client, "/api/v1/ledger", **{"from": "2025-11-23T00:00:00+07:00", "to": "2025-11-23T01:00:00+07:00"})
    assert ranged["from"] == "2025-11-22T17:00:00.000Z"


async def test_reads_an_offset_whose_plus_was_not_encoded(connect: Connect) -> None:
    """`+07:00` typed into an address arrives as a blank and still means +07:00."""
    client = await connect("viewer-token")
    response = await client.get("/api/v1/ledger?from=2025-11-23T00:00:00+07:00")
    assert (await response.json())["from"] == "2025-11-22T17:00:00.000Z"


async def test_serves_a_series_in_buckets(connect: Connect, province: FakeProvince) -> None:
    """Buckets of `every`, never more than 10,000; a misspelt metric gets the nearest name; a store that is away gives 503."""
    client = await connect("viewer-token")
    path = "/api/v1/devices/loa-0001/series"
    series = await _json(client, path, metric="audio_dbfs", **{"from": "2025-11-23T00:00:00Z", "to": "2025-11-23T01:00:00Z"}, every="5m")
    assert (series["every_ms"], len(series["items"]), series["unit"]) == (300_000, 12, "dBFS")
    wrong = await _json(client, path, 404, metric="audio_dbf")
    assert "did you mean 'audio_dbfs'" in wrong["detail"]
    fine = await _json(client, path, metric="audio_dbfs", every="1ms", **{"from": "2025-11-23T00:00:00Z", "to": "2025-11-23T01:00:00Z"})
    assert (fine["every_ms"], len(fine["items"])) == (360, 10_000)
    province.store_down = True
    assert (await _json(client, path, 503, metric="audio_dbfs"))["detail"] == "InfluxDB does not answer"


async def test_approves_a_held_device(connect: Connect) -> None:
    """An operator approves and places it; an unknown unit is a conflict."""
    client = await connect("operator-token")
    assert (await client.post("/api/v1/devices/held-1/approve", json={"unit": "nowhere"})).status == 409
    response = await client.post("/api/v1/devices/held-1/approve", json={"unit": "04792-2025", "name": "Cụm loa Xóm Tháp"})
    document = await response.json()
    assert (document["approved"], document["unit"], document["name"]) == (True, "04792-2025", "Cụm loa Xóm Tháp")
    assert (await client.post("/api/v1/devices/nobody/approve")).status == 404


async def test_lists_rules_and_messages(connect: Connect) -> None:
    """Rules come as declared; messages with their attempts."""
    client = await connect("operator-token")
    assert (await _json(client, "/api/v1/rules"))["items"][0]["for"] == "60s"
    message = (await _json(client, "/api/v1/messages"))["items"][0]
    assert (message["channel"], message["delivered"], message["attempts"][0]["detail"]) == ("ops", False, "connection refused")


async def test_tells_readiness_truthfully(connect: Connect, province: FakeProvince) -> None:
    """200 while all parts work, 503 with the same document when one does not; both without a token."""
    client = await connect()
    assert (await _json(client, "/readyz"))["ready"] is True
    broker = Check(ok=False, detail="chưa nối được broker")
    province.checks_now = type(province.checks_now)(broker, province.checks_now.store, province.checks_now.state)
    document = await _json(client, "/readyz", 503)
    assert document == {
        "ready": False,
        "checks": {
            "broker": {"ok": False, "detail": "chưa nối được broker"},
            "store": {"ok": True, "detail": "InfluxDB"},
            "state": {"ok": True, "detail": "state.db"},
        },
    }
    assert (await _json(client, "/healthz")) == {"ok": True}
    assert (await client.head("/healthz")).status == 200


async def test_exposes_metrics_of_its_own(connect: Connect) -> None:
    """Requests are counted by route, never by what somebody typed."""
    client = await connect()
    await client.get("/api/v1/alarms/whatever")
    await client.get("/no/such/thing")
    text = await (await client.get("/metrics")).text()
    assert 'ioc_api_requests_total{method="GET",route="/api/v1/alarms/{id}",status="401"} 1.0' in text
    assert "whatever" not in text
    assert "no/such" not in text


async def test_describes_itself_in_openapi(connect: Connect) -> None:
    """OpenAPI 3.1 whose references all lead somewhere."""
    text = await (await (await connect()).get("/openapi.json")).text()
    document = json.loads(text)
    assert document["openapi"] == "3.1.0"
    names = {reference.split('"')[0] for reference in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


async def test_alarm_load_wants_a_span_that_ends_after_it_begins(connect: Connect) -> None:
    """Of at most 32 days; an empty one says so."""
    client = await connect("operator-token")
    span = {"from": "2025-11-01T00:00:00Z", "to": "2025-11-02T00:00:00Z"}
    assert (await _json(client, "/api/v1/load", **span))["raised"] == 0
    for end in (span["from"], "2025-12-04T00:00:00Z"):
        refused = await client.get("/api/v1/load", params=span | {"to": end})
        assert refused.status == 409


async def test_duty_shows_who_is_by_name_and_what_nobody_answers_for(connect: Connect) -> None:
    """An unknown team is named."""
    client = await connect("viewer-token")
    found = await _json(client, "/api/v1/duty")
    assert (found["complete"], found["teams"][0]["people"]) == (False, [{"person": "an", "name": "Nguyễn Văn An"}])
    assert [one["unit"] for one in found["uncovered"]] == ["04792-2025", "u9"]
    assert (await client.get("/api/v1/duty", params={"team": "b"})).status == 404


async def test_technician_sees_the_risk_of_its_own_units(connect: Connect) -> None:
    """Who is on duty is open to all."""
    found = await _json(await connect("technician-token"), "/api/v1/duty")
    assert [one["unit"] for one in found["uncovered"]] == found["gaps"][0]["units"] == ["04792-2025"]
    assert found["teams"][0]["people"]
