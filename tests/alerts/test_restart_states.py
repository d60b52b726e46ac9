"""A restart through the real state.db, in every state that an alarm can be in: the same state, no message more, none less."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts.engine import Engine, Outcome
from alerts.lifecycle import Act, State, state_of
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.notify_file import Route
from alerts.rule import Rule
from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Alarm, Decisions, Step, Suppression
from ioc.domain.registry import Device
from ioc.domain.service import ServiceOrder
from ruling.stage import FAMILIES, HOT, MINUTE, NOON, rule, sample, tick

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DOOR = rule({"kind": "state", "metric": "door_open", "is": "true"}, id="door", severity="minor")
ROUTE = Route.model_validate(
    {
        "group_by": "device",
        "group_wait": "0s",
        "group_interval": "0s",
        "repeat_interval": "0s",
        "match": {"rule": "rule"},
        "channels": "out",
    }
)


class Site:
    """Engine and notifier over a state.db; `restart` makes both anew from it."""

    def __init__(self, state: StateDb, declared: Rule) -> None:
        self._state = state
        self._rules = [declared, DOOR]
        self._devices = {"d1": Device(device="d1", family="speaker", unit="u1")}
        self.now = NOON
        self.sent: list[str] = []
        self.unsent: list[str] = []

    async def restart(self) -> list[str]:
        """What it adds to the journal."""
        restored = await self._state.load()
        self.engine = Engine(
            self._rules, site="s", families=FAMILIES.values(), device_of=self._devices.get, zone=ZONE, devices=self._devices.values
        )
        wording = Wording(language="vi", zone=ZONE, device=self._devices.get, unit=lambda _: None, families={})
        self.notifier = Notifier([ROUTE], wording=wording)
        latest = {"d1": {"amp_temp_c": (NOON, 90.0)}}
        self.engine.restore(
            alarms=restored.alarms,
            rule_states=restored.rule_states,
            latest=latest,
            seq=restored.seq,
            heard_until=restored.heard_until or self.now,
            orders=restored.orders,
        )
        self.notifier.restore(restored.groups, restored.alarms, restored.position)
        return await self.commit(self.engine.reconcile(self.now))

    async def commit(self, outcome: Outcome) -> list[str]:
        """As the desk does; the journal's new steps."""
        notice = self.notifier.step(outcome.transitions, {one.id: one for one in outcome.alarms}, self.now)
        self.sent += [message.event for message in notice.outbox]
        self.unsent += [one.reason.name for one in notice.untold]
        await self._state.commit(
            Decisions(
                transitions=outcome.transitions,
                alarms=outcome.alarms,
                rule_states=outcome.rule_states,
                groups=notice.groups,
                outbox=notice.outbox,
                position=notice.position,
            )
        )
        return [f"{entry.step.value} {entry.rule}" for entry in outcome.transitions]

    async def says(self, **values: float) -> list[str]:
        """The device's next sample, a minute later."""
        self.now += MINUTE
        return await self.commit(self.engine.step([sample(self.now, **values), tick(self.now)], self.now))

    async def act(self, step: Step, until: int | None = None) -> list[str]:
        """A person's act."""
        return await self.commit(self.engine.act(self.alarm(), Act(step=step, by="Lan", until=until), self.now))

    async def out(self) -> list[str]:
        """The device is taken out of service."""
        order = ServiceOrder(id="o1", device="d1", since=self.now, reason="thay loa", by="Lan")
        await self._state.service.put(order)
        return await self.commit(self.engine.take_out(order, self.now))

    def alarm(self) -> Alarm:
        """The one about the temperature."""
        return next(one for one in self.engine.active() if one.rule == "rule")

    async def seen(self) -> object:
        """All that stands: alarms and rows as committed, what is held, what was sent.

        What is pending rests since a restart until its device is heard (`frozen_at`): that alone may be new.
        """
        restored = await self._state.load()
        rows = msgspec.to_builtins(sorted(restored.rule_states, key=lambda row: (row.rule, row.device)))
        for row in rows:
            row["memory"].pop("frozen_at", None)
        held = [(one.alarm.id, one.hold, one.by) for one in self.notifier.held()]
        return msgspec.to_builtins((restored.alarms, rows, restored.groups, restored.seq, held, self.sent))


Enter = Callable[[Site], Awaitable[object]]


async def _hot(site: Site) -> None:
    await site.says(amp_temp_c=90.0)


async def _acknowledged(site: Site) -> None:
    await _hot(site)
    await site.act(Step.ACKNOWLEDGED)


async def _shelved(site: Site) -> None:
    await _hot(site)
    await site.act(Step.SHELVED, until=NOON + 600 * MINUTE)


async def _cool(site: Site) -> None:
    await _hot(site)
    await site.says(amp_temp_c=20.0)


async def _latched_acknowledged(site: Site) -> None:
    await _acknowledged(site)
    await site.says(amp_temp_c=20.0)


async def _out(site: Site) -> None:
    await site.out()
    await _hot(site)


async def _told_then_out(site: Site) -> None:
    await _hot(site)
    await site.out()


async def _suppressed(site: Site) -> None:
    await site.says(door_open=1)
    await _hot(site)


PLAIN, LATCHING = rule(HOT), rule(HOT, latched="true")
CASES: dict[str, tuple[Rule, Enter, State | None, Suppression | None, list[str], list[str]]] = {
    # rule, how it gets there, where it stands, what keeps it from people, messages so far, those once it is cool again
    "pending": (rule(HOT, **{"for": "10m"}), _hot, None, None, [], []),
    "active": (PLAIN, _hot, State.ACTIVE, None, ["raised"], ["cleared"]),
    "keep firing": (rule(HOT, keep_firing_for="30s"), _cool, State.ACTIVE, None, ["raised"], ["cleared"]),
    "acknowledged": (PLAIN, _acknowledged, State.ACKNOWLEDGED, None, ["raised"], ["cleared"]),
    "shelved": (PLAIN, _shelved, State.ACTIVE, Suppression.SHELVED, ["raised"], ["cleared"]),
    "latched": (LATCHING, _cool, State.LATCHED, None, ["raised"], []),
    "latched and acknowledged": (LATCHING, _latched_acknowledged, State.LATCHED_ACKNOWLEDGED, None, ["raised"], []),
    "out of service": (PLAIN, _out, State.ACTIVE, Suppression.OUT_OF_SERVICE, [], []),
    "told, then out of service": (PLAIN, _told_then_out, State.ACTIVE, Suppression.OUT_OF_SERVICE, ["raised"], ["cleared"]),
    "suppressed by design": (rule(HOT, suppressed_while={"rule": "door"}), _suppressed, State.ACTIVE, Suppression.SUPPRESSED, [], []),
}


@pytest.mark.parametrize("case", CASES)
async def test_restart_changes_nothing(case: str, tmp_path: Path) -> None:
    """Twice in a row; and then it goes on as if there had been none."""
    declared, enter, stands, suppression, sent, later = CASES[case]
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        site = Site(state, declared)
        await site.restart()
        await enter(site)
        if stands is not None:
            assert (state_of(site.alarm()), site.alarm().suppression) == (stands, suppression)
        assert site.sent == sent
        before, known = await site.seen(), len(site.unsent)
        for _ in range(2):
            assert await site.restart() == []
            assert await site.seen() == before
        assert len(site.unsent) == known
        await site.says(amp_temp_c=20.0)
        await site.says(amp_temp_c=20.0)
        assert site.sent == sent + later
