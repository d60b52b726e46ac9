"""The file of channels and routes."""

from pathlib import Path

from alerts.notify_file import NotifyFile
from ioc.config.document import read_document
from ioc.config.problem import ConfigError, Problem
from ioc.config.references import resolve
from ioc.config.validation import validate

_PATH_KEYS = frozenset({"path"})


def load_notify(path: Path | None, problems: list[Problem]) -> NotifyFile:
    """Channels and routes with their secrets read; without a file nobody is told. What is wrong is added to `problems`."""
    if path is None or not path.exists():
        return NotifyFile()
    try:
        document = read_document(path)
        notify, found = resolve(validate(NotifyFile, document), document, path_keys=_PATH_KEYS)
    except ConfigError as error:
        problems += error.problems
        return NotifyFile()
    problems += found
    return notify
