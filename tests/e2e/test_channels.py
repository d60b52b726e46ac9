"""A running server whose first channel refuses: the second one brings the message, its link acknowledges, and the journal knows who."""

import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from alerts.sms import parts
from e2e.server import ServerUnderTest
from notifying.gateway import Gateway

Launch = Callable[..., ServerUnderTest]


@pytest.fixture
async def gateways() -> Any:
    """Zalo's and the SMS gateway's stand-ins: the first knows nobody at this number."""
    zalo, sms = Gateway(), Gateway()
    zalo.says((200, {"error": -118, "message": "Zalo account not existed"}))
    sms.says((200, {"CodeResult": "100", "SMSID": "77"}))
    async with zalo.server() as first, sms.server() as second:
        yield zalo, sms, str(first.make_url("/zns")), str(second.make_url("/send"))


def configure(server: ServerUnderTest, zalo: str, sms: str) -> None:
    """Links lead to the server itself; every alarm goes to Zalo at once, and to SMS where Zalo refuses."""
    (server.folder / "notify.yaml").write_text(f"""
acknowledge: {{url: "{server.url}"}}
channels:
  zalo:
    kind: http
    url: "{zalo}"
    json: {{phone: "84912345678", template_data: {{su_co: "{{headline:100}}"}}, tracking_id: "{{key}}"}}
    success: {{field: error, reason: message}}
    errors: {{message: ["-118"]}}
    fallback: sms
  sms:
    kind: http
    url: "{sms}"
    person: Nguyễn Văn An
    text: {{unaccented: true, parts: 2}}
    json: {{Content: "{{text}}", RequestId: "{{key}}"}}
    success: {{field: CodeResult, is: "100", receipt: SMSID}}
routes:
  - {{group_wait: 0s, channels: [zalo]}}
""")


async def test_refused_message_goes_by_sms_and_its_link_acknowledges(
    launch: Launch, gateways: Any, free_port: int, wait_until: Callable[..., Any]
) -> None:
    """Nobody hears the broker: the alarm about ourselves reaches a person, who presses the button."""
    zalo, sms, zalo_url, sms_url = gateways
    server = launch(broker={"url": f"mqtt://127.0.0.1:{free_port}"}, notify={"file": "./notify.yaml"})
    configure(server, zalo_url, sms_url)
    await server.begin(until="/healthz")
    await wait_until(lambda: len(sms.requests) == 1)
    sent = sms.requests[0]["json"]
    assert sent["RequestId"] == zalo.requests[0]["json"]["tracking_id"]
    assert (sent["Content"].isascii(), parts(sent["Content"]) <= 2) == (True, True)
    link = re.search(rf"{server.url}/a/sms\.\S+$", sent["Content"])
    assert link is not None
    async with aiohttp.ClientSession() as reader:
        async with reader.get(link[0]) as page:
            assert (page.status, "chưa được xác nhận" in await page.text()) == (200, True)
        [alarm] = await server.alarms(rule="ioc_blind")
        assert alarm["acknowledged"] is False
        async with reader.post(link[0], data={"comment": "đang kiểm tra máy chủ MQTT"}) as page:
            assert "Nguyễn Văn An xác nhận 1 cảnh báo kỹ thuật" in await page.text()
    [alarm] = await server.alarms(rule="ioc_blind")
    assert (alarm["acknowledged"], alarm["acknowledged_by"]) == (True, "Nguyễn Văn An")
    journal = await server.everything(f"/api/v1/alarms/{alarm['id']}/journal")
    said = [entry["detail"] for entry in journal if entry["step"] == "acknowledged"]
    assert said == ["xác nhận qua liên kết gửi tới kênh sms: đang kiểm tra máy chủ MQTT"]

    async def delivered() -> dict[str, Any]:
        messages = {one["channel"]: one for one in await server.everything("/api/v1/messages")}
        return messages if messages["sms"]["delivered"] else {}

    messages = await wait_until(delivered, what="noted as delivered, which is after the gateway has it")
    assert (messages["zalo"]["key"], messages["zalo"]["delivered"]) == (messages["sms"]["key"], False)
    assert messages["zalo"]["attempts"][-1]["detail"].startswith("handed to sms: 127.0.0.1 answered 200, error = -118")
    assert (messages["sms"]["delivered"], messages["sms"]["attempts"][-1]["detail"]) == (True, "127.0.0.1 answered 200, 77")


async def test_person_whose_first_channel_refuses_is_reached_on_the_next_one_and_then_the_lead_is_called(
    launch: Launch, gateways: Any, free_port: int, wait_until: Callable[..., Any]
) -> None:
    """An is on duty: Zalo knows nobody at his number, SMS reaches him; he does not acknowledge, so his lead is called and told so."""
    zalo, sms, zalo_url, sms_url = gateways
    server = launch(broker={"url": f"mqtt://127.0.0.1:{free_port}"}, notify={"file": "./notify.yaml"})
    (server.folder / "notify.yaml").write_text(f"""
acknowledge: {{url: "{server.url}"}}
channels:
  zalo:
    kind: http
    url: "{zalo_url}"
    json: {{phone: "{{to}}", tracking_id: "{{key}}"}}
    success: {{field: error, reason: message}}
    errors: {{message: ["-118"]}}
  sms: {{kind: http, url: "{sms_url}", json: {{To: "{{to}}", Content: "{{text}}"}}}}
people:
  an: {{name: Nguyễn Văn An, channels: [{{channel: zalo, to: "84912345678"}}, {{channel: sms, to: "84912345679"}}]}}
  lead: {{name: Trần Bình, language: en, channels: {{channel: sms, to: "84900000001"}}}}
teams:
  truc-ca: {{members: [an], rotation: {{start: "2026-01-05", hand_over: "07:30"}}}}
routes:
  - {{group_wait: 0s, teams: [truc-ca], escalation: [{{after: 1s, people: [lead]}}]}}
""")
    await server.begin(until="/healthz")
    await wait_until(lambda: len(sms.requests) == 2)
    first, second = sorted((request["json"] for request in sms.requests), key=lambda sent: sent["To"], reverse=True)
    assert zalo.requests[0]["json"]["phone"] == "84912345678"
    assert (first["To"], first["Content"].startswith("[NGHIÊM TRỌNG]")) == ("84912345679", True)
    assert second["To"] == "84900000001"
    assert second["Content"].startswith("[ESCALATED: CRITICAL] Overdue: nobody acknowledged within 1 min (called: Nguyễn Văn An).")
    link = re.search(rf"{server.url}/a/lead\.sms\.\S+$", second["Content"])
    assert link is not None
    async with aiohttp.ClientSession() as reader, reader.post(link[0], data={"comment": ""}) as page:
        assert page.status == 200
    [alarm] = await server.alarms(rule="ioc_blind")
    assert alarm["acknowledged_by"] == "Trần Bình"

    async def told_why() -> list[str]:
        sentences = [line["text"] for line in (await server.get(f"/api/v1/alarms/{alarm['id']}/why"))["items"]]
        return sentences if any("(updated, chuyển cấp trên bước 1) cho Trần Bình (lead.sms)" in text for text in sentences) else []

    sentences = await wait_until(told_why, what="the escalation is told")
    assert not any("8491234567" in text for text in sentences)
