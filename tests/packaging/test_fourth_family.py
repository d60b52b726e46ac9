"""A family that nobody shipped: the documentation's own example, dropped as a file beside an installed wheel."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Browser, expect

from e2e import points
from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.process import ServerProcess
from servers.waiting import PATIENCE_S, wait_until, wait_until_sync
from servers.wheel import ROOT, python

pytestmark = pytest.mark.real("mosquitto", "influxdb", "chromium")

FAMILY, DEVICE, UNIT = "water_pump", "PUMP-1", "PT-01"
UNITS = "unit,code,valid_from,valid_to,name,type,parent,lat,lon\nPT-01,05347,2025-07-01,,Xã Hạ Hòa,Xã,,21.56,105.00\n"
DRY = {"flow_m3h": 0.5, "running": True, "starts": 7, "mode": "auto", "operator": "Nguyễn Văn A"}


class Site(ServerUnderTest):
    """A site with one water pump, run by the installed wheel."""

    def __init__(self, folder: Path, installed: Mapping[str, str], **wishes: Any) -> None:
        family, rules = declared()
        (rule,) = yaml.safe_load(rules)["rules"]
        super().__init__(
            folder,
            rules=[{**rule, "for": "1s"}],
            shipped_rules=True,
            devices=[(DEVICE, FAMILY, UNIT, "Trạm bơm Cổng Sông")],
            families=["./families"],
            registry={"units": "./units.csv"},
            installed=installed,
            **wishes,
        )
        (folder / "families").mkdir()
        (folder / "families" / "water_pump.yaml").write_text(family)
        (folder / "units.csv").write_text(UNITS)
        self._installed = installed

    def command(self, *arguments: str) -> list[str]:
        """What runs a command of the installed wheel."""
        return python(self._installed, "-m", "ioc", *arguments, "--config", str(self.config_file))

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A finished command of the installed wheel."""
        return await asyncio.to_thread(
            subprocess.run, self.command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=self.folder
        )

    async def device(self, name: str) -> dict[str, Any]:
        """A device as the API shows it; empty while it knows none."""
        status, body = await self.request("GET", f"/api/v1/devices/{name}")
        return dict(body) if status == 200 else {}


def declared() -> tuple[str, str]:
    """The family and the rule file of docs/integrators.md, as they stand there."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "integrators.md").read_text(), re.DOTALL)
    (family,) = (block for block in blocks if block.startswith("family:"))
    (rules,) = (block for block in blocks if block.startswith("rules:\n"))
    return family, rules


async def test_family_added_to_an_installed_wheel_is_known_everywhere(
    mosquitto: Mosquitto, influxdb: InfluxDB, chromium: Browser, installed_wheel: dict[str, str], tmp_path: Path
) -> None:
    """One YAML file: rules may name it, the store, the JSON Schema, alarms, the wall, the board and the simulator have it."""
    bucket = influxdb.new_bucket()
    site = Site(tmp_path / "site", installed_wheel, broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket))
    await a_misspelt_metric_is_named(site)
    try:
        await site.begin()
        sent = int(time.time() * 1000)
        async with Publisher(mosquitto.port, client_id=DEVICE) as pump:
            await pump.send_all([telemetry(1, DEVICE, sent, family=FAMILY, **DRY)])
            await the_alarm_is_raised(site)
        await asyncio.to_thread(the_store_has_typed_fields, influxdb, bucket, sent)
        await the_schema_describes_it(site)
        await the_wall_shows_it(site, chromium)
        await the_board_has_its_panels(site)
        await the_simulator_plays_it(site, mosquitto)
    finally:
        await site.end()


async def a_misspelt_metric_is_named(site: Site) -> None:
    """`ioc rules test` knows the family's metrics, and `ioc check` takes all files."""
    wrong = site.folder / "wrong.yaml"
    wrong.write_text(declared()[1].replace("metric: flow_m3h", "metric: flow_m3"))
    said = await site.run("rules", "test", str(wrong))
    assert said.returncode == 1
    assert "`flow_m3h`" in said.stdout + said.stderr
    checked = await site.run("check", "--no-connect")
    assert checked.returncode == 0, checked.stdout + checked.stderr


async def the_alarm_is_raised(site: Site) -> None:
    """The rule's alarm, with the family's value in its text."""

    async def active() -> list[dict[str, Any]]:
        return await site.alarms(device=DEVICE, state="active")

    (alarm,) = await wait_until(active, what="the alarm")
    assert (alarm["rule"], alarm["family"], alarm["unit"], alarm["severity"]) == ("pump_dry", FAMILY, UNIT, "major")
    assert alarm["summary"] == "chạy nhưng không có nước (0,5 m³/h)"
    shown = await site.device(DEVICE)
    assert shown["sample"] == DRY


def the_store_has_typed_fields(influxdb: InfluxDB, bucket: str, sent: int) -> None:
    """Declared types, bool as 0/1, the lag, one tag."""

    def known() -> dict[str, str]:
        return {row["fieldKey"]: row["fieldType"] for row in influxdb.influxql(bucket, f'SHOW FIELD KEYS FROM "{FAMILY}"')}

    fields = wait_until_sync(known, what="the point, which alarms don't wait for")
    assert fields == {
        "flow_m3h": "float", "running": "integer", "starts": "integer", "mode": "string", "operator": "string", "lag_ms": "integer",
    }  # fmt: skip
    (row,) = points.rows(influxdb, bucket, FAMILY, *fields)
    lag = row.pop("lag_ms")
    assert row == {**DRY, "running": 1, "device": DEVICE, "time": sent}
    assert 0 <= lag < 60_000


async def the_schema_describes_it(site: Site) -> None:
    """`/api/v1/families` gives labels, headline and JSON Schema."""
    listed = {family["family"]: family for family in (await site.get("/api/v1/families"))["items"]}
    assert set(listed) == {"speaker", "factory_line", "network_site", FAMILY}
    family = listed[FAMILY]
    assert (family["labels"]["vi"], family["cadence_ms"], family["counts"]["devices"]) == ("Trạm bơm", 30_000, 1)
    assert [metric["name"] for metric in family["metrics"] if metric["headline"]] == ["flow_m3h"]
    properties = family["schema"]["properties"]
    assert properties["flow_m3h"]["type"] == ["number", "null"]
    assert (properties["flow_m3h"]["minimum"], properties["flow_m3h"]["x-unit"]) == (0, "m³/h")
    assert properties["running"]["enum"] == [True, False, 0, 1, None]
    assert properties["mode"]["enum"] == ["off", "hand", "auto", None]


async def the_wall_shows_it(site: Site, chromium: Browser) -> None:
    """After the login: tiles coloured by it, its total, its alarm with the device's name."""
    page = await chromium.new_page(viewport={"width": 1920, "height": 1080})
    page.set_default_timeout(PATIENCE_S * 1000)
    await page.goto(f"{site.url}/wall/?family={FAMILY}")
    await page.locator("#token").fill(site.token)
    await page.locator("#login button").click()
    await expect(page.locator("#map .name").first).to_have_text("Trạm bơm theo xã, phường")
    await expect(page.locator(f".total[data-family={FAMILY}]")).to_contain_text("Trạm bơm")
    tile = page.locator(f".tile[data-unit='{UNIT}']")
    await expect(tile).to_contain_text("Hạ Hòa")
    await expect(tile).to_contain_text("0/1")
    alarm = page.locator(".alarm.major")
    await expect(alarm).to_contain_text("Trạm bơm Cổng Sông")
    await expect(alarm).to_contain_text("Chạy nhưng không có nước (0,5 m³/h)")
    await page.close()


async def the_board_has_its_panels(site: Site) -> None:
    """The rendered board: a heading, the headline metric open, the others folded, values by name."""
    rendered = await site.run("dashboards", "render")
    assert rendered.returncode == 0, rendered.stderr
    (board,) = json.loads(rendered.stdout).values()
    assert f"{FAMILY}_device" in {variable["name"] for variable in board["templating"]["list"]}
    titles = [panel.get("title") for panel in board["panels"]]
    assert {"Trạm bơm", "Trạm bơm: chi tiết", "Lưu lượng"} <= set(titles)
    (details,) = (panel for panel in board["panels"] if panel.get("title") == "Trạm bơm: chi tiết")
    folded = {panel["title"]: panel for panel in details["panels"]}
    assert {"Đang chạy", "Số lần khởi động (tăng thêm)", "Chế độ"} <= set(folded)
    assert "Tự động" in json.dumps(folded["Chế độ"], ensure_ascii=False)
    assert f'\\"{FAMILY}\\"' in rendered.stdout


async def the_simulator_plays_it(site: Site, mosquitto: Mosquitto) -> None:
    """Simulated pumps, unknown so far, come in whole."""
    simulator = ServerProcess(
        name="ioc simulate",
        command=site.command(
            "simulate", "--broker", mosquitto.url, "--family", FAMILY, "--devices", "2", "--interval", "0.2", "--scenario", "plain"
        ),
        log=site.folder / "simulate.log",
        ready=lambda: True,
    )
    await asyncio.to_thread(simulator.start)
    try:

        async def heard() -> dict[str, Any]:
            found = await site.device(f"{FAMILY}-0002")
            return found if found.get("sample") else {}

        shown = await wait_until(heard, what="a simulated pump")
    finally:
        await asyncio.to_thread(simulator.stop)
    assert (shown["family"], shown["approved"]) == (FAMILY, False)
    assert shown["sample"] == {"flow_m3h": 0.0, "running": False, "starts": 0, "mode": "off"}
    assert (await site.ledger())["quarantined"] == 0
