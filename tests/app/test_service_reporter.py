"""Reminders of what is out of service, with a real state database and a clock of our own."""

from pathlib import Path

from alerts.message_fields import read_document
from alerts.readers import Readers
from alerts.service_notes import ServiceNotes
from alerts.service_plan import ServicePlan
from ioc.adapters.state.store import StateDb
from ioc.app.service_reporter import ServiceReporter
from ioc.domain.alarm import Alarm, Severity
from ioc.domain.service import ServiceOrder
from notifying.stage import wording
from ruling.stage import NOON

DAY = 86_400_000
ALARM = Alarm(id="a1", rule="r", severity=Severity.MAJOR, device="d1", since=NOON, out_of_service="o1")
ORDER = ServiceOrder(id="o1", device="d1", since=NOON, reason="thay loa", by="an")


class Site:
    """A state database, and whoever reads it; `now` is the clock."""

    def __init__(self, state: StateDb) -> None:
        self.state = state
        self.now = NOON
        self.woken: list[int] = []

    async def looks(self, *days: int, restarts: bool) -> None:
        """Looks twice on each day after the order."""
        reporter = self._reporter()
        for self.now in [NOON + day * DAY for day in days for _ in range(2)]:
            reporter = self._reporter() if restarts else reporter
            await reporter.turn()

    def _reporter(self) -> ServiceReporter:
        notes = ServiceNotes(plan=ServicePlan(), readers=Readers(people={"sms": "an"}, routed=()), wording=wording())
        return ServiceReporter(
            notes, self.state.service, active=lambda: [ALARM], clock=lambda: self.now, queued=lambda: self.woken.append(self.now)
        )


async def test_each_reminder_is_queued_once_until_it_is_given_back(tmp_path: Path) -> None:
    """Whatever restarts come between; what fell due while nobody looked is one."""
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        await state.service.put(ORDER)
        site = Site(state)
        await site.looks(1, 7, 8, restarts=False)
        assert site.woken == [NOON + 7 * DAY]
        await site.looks(9, 30, restarts=True)
        await state.service.end("o1", at=NOON + 31 * DAY, by="an")
        await site.looks(60, restarts=True)
        told = [entry.message for entry in (await state.outbox(100))[0]]
    assert sorted(message.at for message in told) == [NOON + 7 * DAY, NOON + 30 * DAY]
    assert all("1 cảnh báo kỹ thuật" in read_document(message.body).text for message in told)
