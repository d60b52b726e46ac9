"""Rule tests played, and what came of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from alerts.notify_file import NotifyPlan
from alerts.proving.scene import Scene
from ioc.config.document import Document
from ioc.config.rule_tests import LoadedTests, load_rule_tests


def play(document: Document, site_plan: NotifyPlan | None) -> list[dict[str, Any]]:
    """One entry a test: file, name, line, and each difference with line, time and words. ConfigError for mistakes in the files."""
    loaded = load_rule_tests(document, site_plan)
    return [_played(loaded, number) for number in range(len(loaded.file.tests))]


def _played(loaded: LoadedTests, number: int) -> dict[str, Any]:
    test = loaded.file.tests[number]
    scene = Scene(test, backdrop=loaded.backdrop, start=loaded.start(test), series=loaded.series[number])
    differences = [
        {"place": loaded.place(("tests", number, *one.path)), "at": _offset(_at(test, one.path)), "what": one.what}
        for one in asyncio.run(scene.play())
    ]
    place = loaded.place(("tests", number))
    return {"test": test.name, "place": place, "passed": not differences, "differences": differences}


def _at(test: Any, path: Sequence[str | int]) -> int:  # noqa: ANN401  a test's acts and expectations
    return int(getattr(test, str(path[0]))[path[1]].at)


def _offset(ms: int) -> str:
    """As people write it in the file: `3m30s`."""
    parts = ((ms // 3_600_000, "h"), (ms // 60_000 % 60, "m"), (ms // 1000 % 60, "s"), (ms % 1000, "ms"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def lines(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    """For people: a line a test, and below it what differs."""
    said = []
    for one in outcomes:
        said.append(f"{'ok  ' if one['passed'] else 'FAIL'} {one['place']}: {one['test']}")
        said += [f"     {that['place']}: at {that['at']}: {that['what']}" for that in one["differences"]]
    return said
