"""The rules in force, and how others are put to work while the server runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from alerts.desk import Desk
from alerts.engine import Engine, Outcome
from alerts.inputs import OwnCondition
from alerts.rule import Rule, decide_alike
from ioc.app.supervision import forever
from ioc.config.problem import Problem
from ioc.domain.own_points import alarm_points
from ioc.domain.point import Point

log = structlog.get_logger("ioc.rules")

SHOWN = 3
"""Mistakes that an alarm names."""


class Reload(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it, by rules' ids."""

    rules: int
    """In force from now on."""
    changed: list[str] = []
    """New, or decide otherwise."""
    removed: list[str] = []
    held: dict[str, int] = {}
    """Held back, with the alarms that each would raise."""
    problems: list[str] = []
    """Mistakes of the files; with any the old rules stay."""


class RuleDesk:
    """`read` gives the rules of the files as they are now, with their mistakes."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        read: Callable[[], tuple[Sequence[Rule], Sequence[Problem]]],
        most: int,
        desk: Desk,
        engine: Callable[[], Engine],
        replacing: Callable[[], Awaitable[None]],
        write: Callable[[Sequence[Point]], None],
        clock: Callable[[], int],
    ) -> None:
        """`most`: alarms that a rule may raise at once. `replacing` is done before other rules are put to work."""
        self.rules = tuple(rules)
        self.loads = self.failures = 0
        """Reloads since the start, and those of files with mistakes."""
        self.held: Mapping[str, int] = {}
        """Rules held back by the last reload, with the alarms that each would raise."""
        self._read = read
        self._most = most
        self._desk = desk
        self._engine = engine
        self._replacing = replacing
        self._write = write
        self._clock = clock
        self._wanted = asyncio.Event()
        self._one_by_one = asyncio.Lock()
        self._since: int | None = None
        self._fault = ""

    def want(self) -> None:
        """The files are to be read anew soon (SIGHUP)."""
        self._wanted.set()

    async def watch(self) -> None:
        """Reads them whenever that is wanted; runs until cancelled."""

        async def turn() -> None:
            await self._wanted.wait()
            self._wanted.clear()
            await self.reload(forced=False)

        await forever("rules", turn, lambda: 0.0)

    async def reload(self, *, forced: bool) -> Reload:
        """Puts the files' rules to work; `forced`: also those that raise many alarms at once."""
        async with self._one_by_one:
            found, problems = await asyncio.to_thread(self._read)
            self.loads += 1
            if problems:
                return self._refused([str(problem) for problem in problems])
            return await self._adopt(tuple(found), forced=forced)

    def condition(self, now: int) -> OwnCondition:
        """Our own condition `ioc_rules_not_loaded`: since the last reload the files say something else than what is in force."""
        return OwnCondition("ioc_rules_not_loaded", now, self._since, self._fault)

    def _refused(self, problems: list[str]) -> Reload:
        self.failures += 1
        more = f"; {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        self._since, self._fault = self._since or self._clock(), "; ".join(problems[:SHOWN]) + more
        log.error("rules_not_loaded", problems=problems[:SHOWN], count=len(problems))
        return Reload(rules=len(self.rules), problems=problems)

    async def _adopt(self, found: tuple[Rule, ...], *, forced: bool) -> Reload:
        known = {rule.id: rule for rule in self.rules}
        new = [rule for rule in found if rule.id not in known or not decide_alike(rule, known[rule.id])]
        would = {} if forced else self._engine().would_raise(new)
        self.held = {rule: count for rule, count in would.items() if count > self._most}
        # A rule held back leaves its former self at work.
        rules = tuple(known.get(rule.id) if rule.id in self.held else rule for rule in found)
        self.rules = tuple(rule for rule in rules if rule is not None)
        await self._replacing()
        outcome = await self._desk.change(self._replace)
        self._write(alarm_points(outcome.transitions, {alarm.id: alarm for alarm in outcome.alarms}))
        ids = {rule.id for rule in found}
        done = Reload(
            rules=len(self.rules),
            changed=[rule.id for rule in new if rule.id not in self.held],
            removed=[rule for rule in known if rule not in ids],
            held=dict(self.held),
        )
        self._say(done)
        return done

    def _replace(self, engine: Engine, now: int) -> Outcome:
        return engine.replace_rules(self.rules, now)

    def _say(self, done: Reload) -> None:
        log.info("rules_loaded", rules=done.rules, changed=done.changed, removed=done.removed)
        if not done.held:
            self._since = None
            return
        counts = ", ".join(f"{rule}: {count}" for rule, count in done.held.items())
        self._since, self._fault = self._since or self._clock(), f"held back, more than {self._most} alarms at once: {counts}"
        log.warning("rules_held_back", would_raise=done.held, most=self._most)
