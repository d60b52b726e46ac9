"""Which alarms of a group are escalated next, and to which step: each by its own clock, those of an incident together. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from alerts.duty_plan import EscalationStep
from alerts.grouping import Group, Member, Telling

Steps = Sequence[EscalationStep]


def due_at(group: Group, steps: Steps, *, together: bool = False) -> int | None:
    """When the group's next step is due (Unix ms), or None."""
    if not steps:
        return None
    dues = (member.clock.due_at(steps) for _, member in _waiting(group, together=together))
    return min((due for due in dues if due is not None), default=None)


def take_steps(group: Group, steps: Steps, now: int) -> list[Telling]:
    """What the messages of the steps that are due have to say, one for each step."""
    by_step: dict[int, list[str]] = {}
    for alarm, member in _waiting(group, together=False):
        if _is_due(member, steps, now):
            by_step.setdefault(member.clock.steps, []).append(alarm)
    return [_telling(group, taken, by_step[taken]) for taken in sorted(by_step)]


def take_step_together(group: Group, steps: Steps, now: int) -> Telling | None:
    """What the message of the step that is due has to say of all alarms, also of those not told yet; None = none is due."""
    leading = next(iter(_waiting(group, together=True)), None)
    if leading is None or not _is_due(leading[1], steps, now):
        return None
    return _telling(group, leading[1].clock.steps, [alarm for alarm, member in group.members.items() if member.nags])


def stepped(group: Group, telling: Telling, withheld: Iterable[str], now: int) -> None:
    """The step's message is written; to nobody yet about the alarms that are `withheld`."""
    waits = frozenset(withheld)
    for alarm in telling.standing:
        clock = group.members[alarm].clock
        clock.steps = telling.escalation - 1
        clock.step(None if alarm in waits else now)


def join_leader(group: Group, alarms: Iterable[str]) -> None:
    """Alarms that have just been told go on from where the others of the incident are, so that they are escalated as one."""
    told = frozenset(alarms)
    others = [(alarm, member) for alarm, member in _waiting(group, together=True) if alarm not in told]
    for alarm in told if others else ():
        if alarm in group.members:
            group.members[alarm].clock = msgspec.structs.replace(others[0][1].clock)


def _waiting(group: Group, *, together: bool) -> list[tuple[str, Member]]:
    """Members about whom somebody was called and nobody has acknowledged; `together`: only the one that is furthest."""
    waiting = [(alarm, member) for alarm, member in group.members.items() if member.told and member.nags]
    if not together or not waiting:
        return waiting
    return [max(waiting, key=lambda one: (one[1].clock.steps, one[1].clock.called_at or 0))]


def _is_due(member: Member, steps: Steps, now: int) -> bool:
    due = member.clock.due_at(steps)
    return due is not None and due <= now


def _telling(group: Group, taken: int, alarms: Sequence[str]) -> Telling:
    group.step += 1
    nothing: frozenset[str] = frozenset()
    return Telling(
        event="updated", step=group.step, added=(), standing=tuple(alarms), ended=(), over=nothing, withdrawn=nothing, escalation=taken + 1
    )
