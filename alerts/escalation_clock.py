"""How long an alarm has waited for somebody to acknowledge it, and how far it has been escalated. Pure; times are Unix ms."""

from collections.abc import Sequence

import msgspec

from alerts.duty_plan import EscalationStep


class Clock(msgspec.Struct, array_like=True):
    """One alarm's; it stands still while something holds the alarm's messages back, and for ever once somebody has acknowledged."""

    called_at: int | None = None
    """When somebody was called last, later by as long as it stood still since; None = nobody has been called yet."""
    held_at: int | None = None
    """Since when it stands still; None = it runs."""
    steps: int = 0
    """Steps that have been taken."""

    def call(self, at: int) -> None:
        """Somebody is called; the first call since the last step counts."""
        if self.called_at is None:
            self.called_at = at

    def run(self, at: int, *, runs: bool) -> None:
        """Whether it runs from now on."""
        if not runs:
            self.held_at = at if self.held_at is None else self.held_at
        elif self.held_at is not None:
            if self.called_at is not None:
                self.called_at += max(0, at - max(self.held_at, self.called_at))
            self.held_at = None

    def due_at(self, steps: Sequence[EscalationStep]) -> int | None:
        """When the next step is due; None = there is none, or the clock stands still."""
        if self.called_at is None or self.held_at is not None or not self.left(steps):
            return None
        return self.called_at + step_of(steps, self.steps).after

    def left(self, steps: Sequence[EscalationStep]) -> bool:
        """Whether a step is still to be taken."""
        return bool(steps) and self.steps < len(steps) + steps[-1].repeat

    def step(self, at: int | None) -> None:
        """A step is taken; `at` None = its message waits, so that nobody has been called by it yet."""
        self.steps += 1
        self.called_at = at


def step_of(steps: Sequence[EscalationStep], taken: int) -> EscalationStep:
    """The step that comes after so many; the last one is repeated."""
    return steps[min(taken, len(steps) - 1)]
