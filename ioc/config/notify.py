"""The file of channels and routes."""

from collections.abc import Collection, Iterator
from pathlib import Path

from alerts.notify_file import FileChannel, NotifyFile
from ioc.config.document import Document, is_there, read_document
from ioc.config.known_keys import suggestion
from ioc.config.problem import ConfigError, Problem
from ioc.config.references import resolve
from ioc.config.validation import problem_at, validate

_PATH_KEYS = frozenset({"path"})


def load_notify(path: Path | None, problems: list[Problem], *, families: Collection[str], rules: Collection[str]) -> NotifyFile:
    """Channels and routes with their secrets read; without a file nobody is told. What is wrong is added to `problems`.

    `families` and `rules`: those that there are.
    """
    if path is None or not is_there(path):
        return NotifyFile()
    try:
        document = read_document(path)
        notify, found = resolve(validate(NotifyFile, document), document, path_keys=_PATH_KEYS)
    except ConfigError as error:
        problems += error.problems
        return NotifyFile()
    problems += found or [*_unusable(notify, document), *_unknown(notify, document, families, rules)]
    return notify


def _unknown(notify: NotifyFile, document: Document, families: Collection[str], rules: Collection[str]) -> Iterator[Problem]:
    """Families and rules that dependencies name and that don't exist."""
    for number, one in enumerate(notify.depends_on):
        for key in ("family", "parent"):
            if (name := getattr(one, key)) not in families:
                do = suggestion(name, families, noun="families")
                yield problem_at(document, ("depends_on", number, key), f"there is no family `{name}`", do)
        for place, name in enumerate(one.rules):
            if name not in rules:
                do = suggestion(name, rules, noun="rules")
                yield problem_at(document, ("depends_on", number, "rules", place), f"there is no rule `{name}`", do)


def _unusable(notify: NotifyFile, document: Document) -> list[Problem]:
    """Channels that can't be set up. Looking loads what they send with, so only where there is more than files."""
    if all(isinstance(channel, FileChannel) for channel in notify.channels.values()):
        return []
    from alerts.channel_set import check_channels  # noqa: PLC0415  see above

    folder = Path(document.file).absolute().parent
    return [problem_at(document, fault.path, fault.what, fault.do) for fault in check_channels(notify, folder)]
