"""The wall in a real browser."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.async_api import expect

from api.fake_province import NOW
from ioc.api.ports import Check
from ioc.domain.alarm import Severity
from ioc.domain.liveness_change import Liveness
from ioc.domain.views import FamilyCounts
from wall.conftest import Screen
from wall.stage import DEAF, POOR, STORM, WATCHED, Stage

pytestmark = pytest.mark.real("chromium")

SMALL_TEXT = """() => [...document.querySelectorAll('body *')].filter((node) => node.offsetParent !== null
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
    && parseFloat(getComputedStyle(node).fontSize) < 24).map((node) => node.outerHTML)"""
OVERFLOW = """() => ({
    scrolls: document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth,
    outside: [...document.querySelectorAll('.panel, .tile, .alarm, .place, .total, .line, header *')].filter((node) => {
      const box = node.getBoundingClientRect();
      const frame = (node.closest('.panel') ?? document.body).getBoundingClientRect();
      return node.offsetParent !== null && box.width > 0 && (box.right > frame.right + 1 || box.bottom > frame.bottom + 1);
    }).map((node) => node.outerHTML),
    cut: [...document.querySelectorAll('.tile .name')].filter((node) =>
      node.getBoundingClientRect().right > node.parentElement.getBoundingClientRect().right).map((node) => node.textContent),
  })"""


async def test_shows_the_province_at_a_glance(stage: Stage, screen: Screen) -> None:
    """148 tiles with name, count and age; bands by share; UNKNOWN by itself; totals; the worst communes, worst first."""
    await screen.open(await stage.start())
    assert await screen.page.locator(".tile").count() == 148
    state, text = await screen.tile(STORM)
    assert (state, "Việt Trì" in text, "1/4" in text) == ("bad", True, True)
    assert (await screen.tile(POOR))[0] == "poor"
    assert (await screen.tile(WATCHED))[0] == "watch"
    state, text = await screen.tile(DEAF)
    assert (state, "không rõ" in text) == ("unknown", True)
    totals = await screen.page.locator(".total[data-family=speaker]").inner_text()
    assert "582/600" in totals
    assert "97,00\u00a0%" in totals
    assert await screen.page.locator("#worst .place .label").first.inner_text() == "Phường Việt Trì"
    assert await screen.page.locator(".total").count() == 3
    assert "1.212.800" in await screen.page.locator("#platform").inner_text()
    assert await screen.page.locator("#clock").inner_text() == "23/11/2025 08:06"


async def test_lists_open_technical_alarms_most_severe_first(stage: Stage, screen: Screen) -> None:
    """Severity as word and shape, device, unit, age, summary, acknowledgement; one storm is one row; the rest is counted."""
    await screen.open(await stage.start())
    first = await screen.page.locator(".alarm").first.inner_text()
    for words in ("■ NGHIÊM TRỌNG", "Phù Ninh", "2 phút", "Phát ngoài lịch lúc nửa đêm", "chưa xác nhận"):
        assert words in first
    storm = await screen.page.locator(".alarm.major").first.inner_text()
    assert "+2, Việt Trì" in storm
    assert "✓ đã xác nhận" in await screen.page.locator(".alarm.acknowledged").inner_text()
    assert "cảnh báo kỹ thuật khác" in await screen.page.locator("#alarms .more").inner_text()
    assert "cảnh báo kỹ thuật" in (await screen.page.locator("#alarms h2").inner_text()).lower()


async def test_counts_what_is_kept_from_people(stage: Stage, screen: Screen) -> None:
    """Shelved, suppressed by design, out of service: not in the list, but said; a unit out of service is neither good nor bad."""
    province = stage.province
    for place, change in enumerate(({"shelved_until": NOW + 3_600_000}, {"suppressed_by": "a1"}, {"out_of_service": "o1"})):
        alarm = stage.raise_alarm(f"loa-{place:04d}", "apart", Severity.CRITICAL, 1, "Không hiện", "Not shown")
        province.alarm_rows[alarm] = msgspec.structs.replace(province.alarm_rows[alarm], **change)
    latched = stage.raise_alarm("loa-0009", "door", Severity.CRITICAL, 1, "Cửa tủ đã mở", "Door was open")
    province.latch(latched)
    counts = FamilyCounts(out_of_service=4)
    province.rows = [msgspec.structs.replace(row, families={"speaker": counts}) if row.unit == WATCHED else row for row in province.rows]
    await screen.open(await stage.start())
    assert "3 tạm ẩn" in await screen.page.locator("#alarms .more").inner_text()
    assert "Không hiện" not in await screen.page.locator("#alarms .rows").inner_text()
    assert "chờ đặt lại" in await screen.page.locator(f"[data-alarm='{latched}']").inner_text()
    state, text = await screen.tile(WATCHED)
    assert (state, "ngừng" in text) == ("none", True)


async def test_can_be_read_without_scrolling(stage: Stage, screen: Screen) -> None:
    """At 1080p no text below 24 px, at most seven panels, nothing outside its panel, no commune's name cut."""
    await screen.open(await stage.start())
    assert await screen.page.evaluate(SMALL_TEXT) == []
    assert await screen.page.locator(".panel").count() <= 7
    layout = await screen.page.evaluate(OVERFLOW)
    assert layout == {"scrolls": False, "outside": [], "cut": []}


async def test_asks_nobody_but_its_own_server(stage: Stage, screen: Screen) -> None:
    """No outside address, no complaint in the console."""
    url = await stage.start()
    await screen.open(url)
    assert {urlsplit(asked).netloc for asked in screen.asked} == {urlsplit(url).netloc}
    assert screen.complaints == []


async def test_speaks_english_when_asked(stage: Stage, screen: Screen) -> None:
    """Every text comes from the catalogue, numbers follow the language."""
    await screen.open(await stage.start() + "/wall/?lang=en")
    text = await screen.page.locator("body").inner_text()
    for words in ("Technical alerts", "CRITICAL", "Sound without a source", "1,212,800", "97.00\u00a0%", "Loudspeaker cluster"):
        assert words in text
    assert "cảnh báo" not in text.lower()
    assert "không rõ" not in text


async def test_follows_what_happens(stage: Stage, screen: Screen) -> None:
    """Units, alarms and our own state change on the screen as they are published."""
    await screen.open(await stage.start())
    unit = STORM
    for device in stage.devices(unit):
        stage.province.set_state(device, Liveness.ONLINE, working=True, last_seen=stage.clock())
    stage.province.recount(unit)
    stage.publish_units(unit)
    await screen.page.wait_for_selector(f".tile.good[data-unit='{unit}']")
    alarm = stage.raise_alarm("loa-0100", "tamper", Severity.CRITICAL, 0, "Mở tủ trái phép", "Tamper")
    stage.publish_alarm(alarm)
    await screen.page.wait_for_selector(f".alarm.critical[data-alarm='{alarm}']")
    stage.province.alarm_rows[alarm] = msgspec.structs.replace(stage.province.alarm_rows[alarm], cleared_at=NOW)
    stage.publish_alarm(alarm)
    await screen.page.wait_for_selector(f".alarm.critical[data-alarm='{alarm}']", state="detached")
    assert screen.complaints == []


async def test_turns_unknown_when_we_are_blind(stage: Stage, screen: Screen) -> None:
    """While nothing is heard no tile and no total claims to know."""
    await screen.open(await stage.start())
    stage.province.platform_now = msgspec.structs.replace(stage.province.platform_now, hearing=False, blind_since=NOW - 60_000)
    stage.province.checks_now = msgspec.structs.replace(stage.province.checks_now, store=Check(ok=False, detail="InfluxDB 401"))
    stage.publish_own()
    await expect(screen.page.locator(".tile.unknown")).to_have_count(148)
    platform = await screen.page.locator("#platform").inner_text()
    assert "KHÔNG NGHE ĐƯỢC từ 08:05" in platform
    assert "InfluxDB 401" in platform
    assert "không rõ" in await screen.page.locator(".total").first.inner_text()


async def test_turns_unknown_by_its_own_clock_when_the_server_is_cut(stage: Stage, screen: Screen, free_port: int) -> None:
    """No tile stays green past its limit; the header says since when; alarms stay, marked as old; the server's return mends it."""
    await screen.page.clock.install()
    await screen.open(await stage.start(port=free_port))
    await stage.stop()
    await screen.page.wait_for_selector("#link.cut")
    assert "MẤT KẾT NỐI MÁY CHỦ từ 08:06" in await screen.page.locator("#link").inner_text()
    assert await screen.page.locator(".tile.good").count() > 100
    await screen.page.clock.fast_forward(181_000)
    await expect(screen.page.locator(".tile.unknown")).to_have_count(148)
    assert await screen.page.locator("#alarms.stale").count() == 1
    assert await screen.page.locator(".alarm.critical").count() == 1
    again = Stage(boot="b2")
    try:
        await again.start(port=free_port)
        for _ in range(3):
            await screen.page.clock.fast_forward(31_000)
        await screen.page.wait_for_selector("#link.up")
        await expect(screen.page.locator(".tile.good")).to_have_count(148)
    finally:
        await again.stop()


async def test_turns_a_tile_unknown_when_its_data_ends(stage: Stage, screen: Screen) -> None:
    """The server goes on, but a unit's newest data passes its limit: the tile does not stay green."""
    await screen.open(await stage.start())
    assert (await screen.tile("04792-2025"))[0] == "good"
    stage.ahead = 181_000
    stage.publish_units()
    stage.publish_own()
    await screen.page.wait_for_selector(".tile.unknown[data-unit='04792-2025']")
    assert await screen.page.locator("#map.stale").count() == 0


async def test_asks_for_a_token_and_then_shows(stage: Stage, screen: Screen) -> None:
    """Where login is needed a form comes; a wrong token is told; a right one opens the wall for good."""
    url = await stage.start(open_access=False)
    await screen.page.goto(url)
    form = screen.page.locator("#login")
    await form.wait_for(state="visible")
    await form.locator("input").fill("wrong")
    await form.locator("button").click()
    await expect(form.get_by_role("alert")).to_contain_text("Mã truy cập không đúng")
    await form.locator("input").fill("viewer-token")
    await form.locator("button").click()
    await screen.page.wait_for_selector("body[data-ready]")
    assert await form.is_hidden()
    await screen.open(url)
    assert await form.is_hidden()


JUDGE: list[tuple[dict[str, Any], str]] = [
    ({}, "good"),
    ({"counts": None}, "none"),
    ({"counts": {"devices": 0, "online": 0, "working": 0, "unknown": 0}}, "none"),
    ({"counts": {"devices": 20, "online": 19, "working": 19, "unknown": 0}}, "good"),
    ({"counts": {"devices": 20, "online": 18, "working": 18, "unknown": 0}}, "watch"),
    ({"counts": {"devices": 20, "online": 16, "working": 16, "unknown": 0}}, "watch"),
    ({"counts": {"devices": 20, "online": 20, "working": 10, "unknown": 0}}, "poor"),
    ({"counts": {"devices": 20, "online": 9, "working": 9, "unknown": 0}}, "bad"),
    ({"counts": {"devices": 4, "online": 0, "working": 0, "unknown": 0}, "dataAt": 0}, "bad"),
    ({"counts": {"devices": 4, "online": 0, "working": 0, "unknown": 0}, "dataAt": None}, "bad"),
    ({"counts": {"devices": 4, "online": 1, "working": 1, "unknown": 3}}, "unknown"),
    ({"counts": {"devices": 4, "online": 2, "working": 2, "unknown": 2}}, "unknown"),
    ({"counts": {"devices": 4, "online": 3, "working": 3, "unknown": 1}}, "poor"),
    ({"dataAt": 1_000_000 - 180_000}, "good"),
    ({"dataAt": 1_000_000 - 180_001}, "unknown"),
    ({"dataAt": None}, "unknown"),
    ({"judgedAt": 1_000_000 - 60_001}, "unknown"),
    ({"judgedAt": None}, "unknown"),
    ({"hearing": False}, "unknown"),
    ({"counts": {"devices": 4, "online": 0, "working": 0, "unknown": 0}, "hearing": False}, "unknown"),
]


async def test_judges_a_tile_by_data_and_clock(stage: Stage, screen: Screen) -> None:
    """Shares fall into bands; old data, an old assessment, blindness or too many unknown devices are UNKNOWN, never good."""
    await screen.open(await stage.start())
    base = {
        "counts": {"devices": 4, "online": 4, "working": 4, "unknown": 0},
        "dataAt": 999_000,
        "judgedAt": 999_000,
        "now": 1_000_000,
        "limit": 180_000,
        "hearing": True,
    }
    judged = await screen.page.evaluate(
        "async (cases) => { const { judge } = await import('/wall/js/judge.js'); return cases.map((one) => judge(one).state); }",
        [base | change for change, _ in JUDGE],
    )
    assert judged == [state for _, state in JUDGE]
