"""The whole configuration: main file, environment, families, rules and notification, checked together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alerts.clock_rules import CLOCK_RULES, ClockRule
from alerts.notify_file import NotifyFile, NotifyPlan
from alerts.rule import Rule
from ioc.config.calendar import load_calendar
from ioc.config.deadbands import deadband_problems, with_deadbands
from ioc.config.dialects import listened, source_faults
from ioc.config.document import Document, Node, is_there, parse_document, read_document
from ioc.config.environment import overlay
from ioc.config.families import load_families
from ioc.config.known_keys import suggestion
from ioc.config.notify import load_notify
from ioc.config.problem import ConfigError, Problem
from ioc.config.references import resolve, secrets_of
from ioc.config.rules import load_rules
from ioc.config.settings import Broker, Settings
from ioc.config.validation import problem_at, validate
from ioc.domain.calendar import Calendar
from ioc.domain.dialect import Dialect
from ioc.domain.family import Family

_NOWHERE = parse_document("url: mqtt://localhost", "").root
"""Stands in for the broker while the rest of a faulty main file is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a person declared; paths absolute, secrets read."""

    settings: Settings
    families: dict[str, Family]
    rules: tuple[Rule, ...]
    notify: NotifyFile
    calendar: Calendar
    secrets: frozenset[str]
    """Texts that may stand in no log."""
    doubts: tuple[Problem, ...] = ()
    """What a person should look at, though it stops nothing."""

    def dialects(self, broker: Broker) -> dict[str, Dialect]:
        """The dialects that a source listens to, by id."""
        return listened(self.families.values(), broker.dialects)

    @property
    def plan(self) -> NotifyPlan:
        """All that deciding about messages needs."""
        return self.notify.plan.model_copy(update={"calendar": self.calendar})

    @property
    def clock_rules(self) -> tuple[ClockRule, ...]:
        """The rules about devices' clocks: they come with the shipped pack."""
        return CLOCK_RULES if self.settings.shipped_rules else ()


def load_config(path: Path | None, env: Mapping[str, str]) -> Config:
    """The configuration of a main file and the `IOC_…` variables; ConfigError holds the mistakes of all files."""
    if path is None:
        return assemble(Document(file="environment", root=Node(source="environment", line=None, entries={})), env)
    return assemble(read_document(path), env)


def assemble(document: Document, env: Mapping[str, str]) -> Config:
    """The configuration of a main document, wherever it comes from."""
    document = overlay(document, env, Settings)
    problems: list[Problem] = []
    settings, found = resolve(_settings(document, problems), document)
    problems += [*found, *_missing_paths(settings, document)]
    families = load_families(
        [path for path in settings.families if is_there(path)],
        cadence=settings.cadence,
        retention=settings.store.retention,
        problems=problems,
    )
    problems += [
        problem_at(document, ("cadence", name), f"there is no family `{name}`", suggestion(name, families, noun="families"))
        for name in settings.cadence
        if name not in families
    ]
    problems += _wrong_choices(settings, families, document)
    problems += deadband_problems(families, settings.deadband, document)
    families = with_deadbands(families, settings.deadband)
    doubts: list[Problem] = []
    there = [path for path in settings.rules if is_there(path)]
    calendar = load_calendar(settings.calendar, problems)
    rules = load_rules(there, shipped=settings.shipped_rules, families=families, problems=problems, doubts=doubts, days=calendar.calendar)
    notify = load_notify(settings.notify.file, problems, families=families, rules=[rule.id for rule in rules])
    if problems:
        raise ConfigError(_in_order(problems))
    secrets = frozenset((*secrets_of(settings), *secrets_of(notify)))
    return Config(
        settings=settings,
        families=families,
        rules=rules,
        notify=notify,
        calendar=calendar,
        secrets=secrets,
        doubts=tuple(_in_order(doubts)),
    )


def read_rules(config: Config) -> tuple[tuple[Rule, ...], list[Problem]]:
    """The rules as their files are now, and what is wrong with them."""
    settings = config.settings
    problems = [
        Problem(file=str(path), line=None, path="", what="does not exist", do="check the path, or create it")
        for path in settings.rules
        if not is_there(path)
    ]
    there = [path for path in settings.rules if is_there(path)]
    rules = load_rules(
        there, shipped=settings.shipped_rules, families=config.families, problems=problems, doubts=[], days=config.calendar.calendar
    )
    return rules, _in_order(problems)


def _wrong_choices(settings: Settings, families: Mapping[str, Family], document: Document) -> list[Problem]:
    """Sources that listen to dialects which don't exist, or whose topics are another's."""
    single = document.node(("broker",)).items is None
    return [
        problem_at(document, ("broker", *(() if single else (index,)), key), what, do)
        for index, broker in enumerate(settings.brokers)
        for key, what, do in source_faults(families.values(), broker.dialects, broker.topic_root)
    ]


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By line within each file, the files as they came."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda problem: (files.index(problem.file), problem.line or 0))


def _settings(document: Document, problems: list[Problem]) -> Settings:
    """The main file's settings; what is wrong is added to `problems`.

    A section with a mistake is left out, so that the files which the other sections name are checked as well.
    """
    try:
        return validate(Settings, document)
    except ConfigError as error:
        problems += error.problems
    entries = document.root.entries or {}
    wrong = {re.split(r"[.\[]", problem.path)[0] for problem in problems}
    sound = {key: node for key, node in entries.items() if key not in wrong and key in Settings.model_fields}
    sound["broker"] = _NOWHERE
    return validate(Settings, replace(document, root=replace(document.root, value=None, items=None, entries=sound)))


def _missing_paths(settings: Settings, document: Document) -> list[Problem]:
    """Files and folders that the main file names and that are not there, at the line that names them."""
    named: list[tuple[tuple[str | int, ...], Path | None]] = [
        *((("families", index), path) for index, path in enumerate(settings.families)),
        *((("rules", index), path) for index, path in enumerate(settings.rules)),
        (("registry", "units"), settings.registry.units),
        (("registry", "devices"), settings.registry.devices),
        (("notify", "file"), settings.notify.file),
        (("calendar",), settings.calendar),
    ]
    return [
        problem_at(document, at, f"{path} does not exist", "check the path, or create it")
        for at, path in named
        if path is not None and not is_there(path)
    ]
