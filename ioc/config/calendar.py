"""The file of the site's calendar."""

from pathlib import Path

from ioc.config.document import is_there, read_document
from ioc.config.problem import ConfigError, Problem
from ioc.config.validation import validate
from ioc.domain.calendar import NO_DAYS, Calendar


def load_calendar(path: Path | None, problems: list[Problem]) -> Calendar:
    """Days with a name; without a file there are none. What is wrong is added to `problems`."""
    if path is None or not is_there(path):
        return NO_DAYS
    try:
        return validate(Calendar, read_document(path))
    except ConfigError as error:
        problems += error.problems
        return NO_DAYS
