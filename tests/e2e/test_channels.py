"""A running server whose first channel refuses: the second one brings the message, its link acknowledges, and the journal knows who."""

import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from alerts.sms import parts
from e2e.server import ServerUnderTest
from notifying.gateway import Gateway

WITHIN_S = 40
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
    await wait_until(lambda: len(sms.requests) == 1, WITHIN_S)
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
    messages = {one["channel"]: one for one in await server.everything("/api/v1/messages")}
    assert (messages["zalo"]["key"], messages["zalo"]["delivered"]) == (messages["sms"]["key"], False)
    assert messages["zalo"]["attempts"][-1]["detail"].startswith("handed to sms: 127.0.0.1 answered 200, error = -118")
    assert (messages["sms"]["delivered"], messages["sms"]["attempts"][-1]["detail"]) == (True, "127.0.0.1 answered 200, 77")
