"""Whatever people write, the outcome is a configuration or problems with a file: never another exception."""

import contextlib
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notify_file import NotifyFile
from alerts.rule import RuleFile
from ioc.config.document import parse_document
from ioc.config.load import assemble
from ioc.config.problem import ConfigError, Problem
from ioc.config.validation import validate
from ioc.domain.family import Family

SECTIONS = [
    "site",
    "data_dir",
    "broker",
    "store",
    "families",
    "cadence",
    "rules",
    "shipped_rules",
    "registry",
    "notify",
    "api",
    "grafana",
    "watchdog",
    "limits",
    "brokr",
]
KEYS = [
    "id",
    "timezone",
    "url",
    "client_id",
    "password_file",
    "password",
    "username",
    "topic_root",
    "kind",
    "token",
    "retention",
    "speaker",
    "units",
    "file",
    "port",
    "every",
    "spool",
    "family",
    "labels",
    "vi",
    "en",
    "metrics",
    "state",
    "type",
    "min",
    "max",
    "values",
    "value_labels",
    "when",
    "all",
    "any",
    "not",
    "metric",
    "is",
    "in",
    "above",
    "between",
    "for",
    "severity",
    "summary",
    "action",
    "channels",
    "routes",
    "match",
    "group_by",
    "0",
]
TEXTS = [
    "x",
    "mqtt://localhost",
    "mqtts://[::1",
    "http://h:99999999",
    "http://[",
    "influxdb",
    "embedded",
    "60s",
    "-1",
    "1e999",
    "nan",
    "true",
    "state",
    "threshold",
    "webhook",
    "float",
    "enum",
    "major",
    "22:00",
    "Asia/Ho_Chi_Minh",
    "😀",
    "~",
    "/",
    "..",
    "\x7f",
    "",
    "a" * 300,
]
trees = st.recursive(
    st.none() | st.sampled_from(TEXTS),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS), below, max_size=5),
    max_leaves=12,
)


def document(tree: Any) -> Any:
    """The tree as a file."""
    return parse_document(yaml.safe_dump(tree, allow_unicode=False), "f.yaml")


def mistakes(tree: Any, env: dict[str, str]) -> tuple[Problem, ...]:
    """What is wrong with a main file."""
    try:
        assemble(document(tree), env)
    except ConfigError as error:
        assert error.problems  # noqa: PT017  else it would pass as fine
        return error.problems
    return ()


@settings(max_examples=100)
@given(
    tree=st.dictionaries(st.sampled_from(SECTIONS), trees, max_size=4),
    env=st.dictionaries(st.sampled_from(SECTIONS).map(lambda key: f"IOC_{key.upper()}__0"), st.sampled_from(TEXTS), max_size=2),
)
def test_main_file_ends_in_settings_or_problems(tree: Any, env: dict[str, str]) -> None:
    """Each problem names the file or the variable, and says something."""
    for problem in mistakes(tree, env):
        assert problem.what
        assert problem.file == "f.yaml" or problem.file in env


@settings(max_examples=200)
@given(tree=trees, model=st.sampled_from([Family, RuleFile, NotifyFile]))
def test_other_files_end_in_a_model_or_problems(tree: Any, model: Any) -> None:
    """Families, rules and notification likewise."""
    with contextlib.suppress(ConfigError):
        assert isinstance(validate(model, document(tree)), model)
