"""A province on a bad evening, behind a running server, for the wall to show."""

import time

import msgspec
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from api.fake_province import NOW, FakeProvince
from ioc.api.app import build_app
from ioc.api.documents import platform_document, units_event
from ioc.api.stream import Hub
from ioc.domain.alarm import Severity
from ioc.domain.alarm_document import alarm_document
from ioc.domain.liveness_change import Liveness

STORM, POOR, WATCHED, DEAF = "07900-2025", "08230-2025", "04795-2025", "04828-2025"


class Stage:
    """The province with its hub and server; its clock stands at NOW until it starts, and goes on from there."""

    def __init__(self, boot: str = "b1") -> None:
        self.province = FakeProvince()
        self.ahead = 0
        """Tests let time leap by it."""
        self._began: float | None = None
        self.hub = Hub(clock=self.clock, boot=boot)
        self.server: TestServer | None = None

    def clock(self) -> int:
        """Unix ms. A browser that takes long to come up takes nothing of the minute that tests read on its screen."""
        passed = 0.0 if self._began is None else time.monotonic() - self._began
        return NOW + self.ahead + round(passed * 1000)

    async def start(self, *, open_access: bool = True, port: int | None = None) -> str:
        """The server's address."""
        app = build_app(self.province.backend(), self.hub, registry=CollectorRegistry(), clock=self.clock, open_access=open_access)
        self.server = TestServer(app, port=port)
        await self.server.start_server()
        self._began = time.monotonic()
        return f"http://127.0.0.1:{self.server.port}"

    async def stop(self) -> None:
        """Cuts every connection."""
        if self.server is not None:
            self.hub.close()
            await self.server.close()

    def devices(self, unit: str, family: str = "speaker") -> list[str]:
        """A unit's devices."""
        return [view.id for view in self.province.views.values() if view.unit == unit and view.family == family and view.approved]

    def trouble(self) -> None:
        """A storm in one commune, faults in others, a silent one, and the alarms that follow."""
        self._fail(STORM, count=3)
        self._fail(POOR, count=2)
        self._fail(WATCHED, count=1)
        for device in self.devices(DEAF):
            self.province.set_state(device, Liveness.UNKNOWN, working=None)
        for number, row in enumerate(list(self.province.rows)):
            if row.parent and number % 23 == 5:
                self._fail(row.unit, count=1)
        for row in list(self.province.rows):
            self.province.recount(row.unit)
        self._alarms()

    def publish_units(self, *units: str) -> None:
        """Tells the wall of some units, or of all."""
        rows = [row for row in self.province.rows if not units or row.unit in units]
        self.hub.publish("units", units_event(rows, {}, at=self.clock()))

    def publish_own(self) -> None:
        """Tells the wall how we are."""
        store = self.province.checks_now.store
        document = platform_document(
            self.province.platform_now, self.province.site, store_ok=store.ok, store_detail=store.detail, at=self.clock()
        )
        self.hub.publish("own", document)

    def publish_alarm(self, alarm_id: str) -> None:
        """Tells the wall of an alarm."""
        alarm = self.province.alarm_rows[alarm_id]
        self.hub.publish("alarm", alarm_document(alarm, "vi"), unit=alarm.unit)

    def raise_alarm(self, device: str, rule: str, severity: Severity, minutes: int, *summary: str) -> str:
        """An alarm's id; `summary` in Vietnamese, then in English."""
        since = NOW - minutes * 60_000
        return self.province.raise_alarm(device, rule, severity, since=since, summary=dict(zip(("vi", "en"), summary, strict=True))).id

    def _fail(self, unit: str, *, count: int) -> None:
        for device in self.devices(unit)[:count]:
            self.province.set_state(device, Liveness.OFFLINE, working=False)

    def _alarms(self) -> None:
        storm, poor = self.devices(STORM), self.devices(POOR)
        self.raise_alarm(poor[0], "rogue_sound", Severity.CRITICAL, 2, "Phát ngoài lịch lúc nửa đêm", "Sound without a source")
        for device in storm[:3]:
            self.raise_alarm(device, "speaker_offline", Severity.MAJOR, 7, "Mất kết nối, không còn bản tin nào", "Offline")
        silent = self.raise_alarm(
            self.devices(WATCHED)[0],
            "speaker_silent_while_playing",
            Severity.MAJOR,
            34,
            "Đang phát nhưng không có tiếng",
            "Silent while playing",
        )
        self.province.alarm_rows[silent] = msgspec.structs.replace(
            self.province.alarm_rows[silent], acknowledged=True, acknowledged_by="truc-ca"
        )
        self.raise_alarm("line-03", "line_stopped", Severity.MAJOR, 95, "Dây chuyền dừng ngoài kế hoạch", "Line stopped")
        for number, device in enumerate(list(self.province.views)[40:47]):
            self.raise_alarm(device, "sim_quota", Severity.MINOR, 300 + number, "SIM đã dùng trên 90 % dung lượng", "SIM above 90 %")
