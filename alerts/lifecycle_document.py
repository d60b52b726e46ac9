"""The lifecycle's tables as the documentation shows them: Mermaid diagrams and a table of Markdown. Pure."""

from collections.abc import Iterator

from alerts.lifecycle import DONE_ALREADY, REMARKS, SUPPRESSIONS, TABLE, State
from ioc.domain.alarm import Step

_ASIDE = {step for steps in SUPPRESSIONS.values() for step in steps}


def diagram() -> Iterator[str]:
    """Where an alarm stands as lines of a Mermaid state diagram; steps that leave it there are left out."""
    yield "stateDiagram-v2"
    for (state, step), target in TABLE.items():
        if step not in _ASIDE and step not in REMARKS:
            yield f"    {state.value if state else '[*]'} --> {target.value}: {step.value}"
    yield f"    {State.CLOSED.value} --> [*]"


def suppression_diagram() -> Iterator[str]:
    """What may keep a standing alarm from people: regions that are independent of each other."""
    yield "stateDiagram-v2"
    yield "    state standing {"
    for number, (suppression, (begins, ends)) in enumerate(SUPPRESSIONS.items()):
        if number:
            yield "        --"
        yield f"        [*] --> not_{suppression.value}"
        yield f"        not_{suppression.value} --> {suppression.value}: {begins.value}"
        yield f"        {suppression.value} --> not_{suppression.value}: {ends.value}"
    yield "    }"


def table() -> Iterator[str]:
    """What each step makes of each state; `=` nothing, because it is so already; empty: it can't be."""
    yield f"| step | {' | '.join(state.value for state in State)} |"
    yield f"| --- |{' --- |' * len(State)}"
    for step in Step:
        if any((state, step) in TABLE for state in State):
            yield f"| {step.value} | {' | '.join(_cell(state, step) for state in State)} |"


def _cell(state: State, step: Step) -> str:
    target = TABLE.get((state, step))
    if target is None:
        return "=" if (state, step) in DONE_ALREADY else ""
    return "stays" if target is state else target.value


def document() -> str:
    """All of it as Markdown."""
    drawings = ("\n".join(("```mermaid", *lines, "```")) for lines in (diagram(), suppression_diagram()))
    return "\n\n".join((*drawings, "\n".join(table()))) + "\n"
