"""Rule files: the shipped pack and the site's own."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from alerts.clock_rules import CLOCK_RULES
from alerts.own import OWN_RULES
from alerts.rule import Rule, RuleFile
from alerts.rule_check import rule_faults, shadow_faults, suppression_faults
from ioc.config.document import Document
from ioc.config.families import own_documents, shipped_documents
from ioc.config.problem import ConfigError, Problem
from ioc.config.validation import problem_at, validate
from ioc.domain.family import Family


def load_rules(
    paths: Iterable[Path],
    *,
    shipped: bool,
    families: Mapping[str, Family],
    problems: list[Problem],
    doubts: list[Problem] | None = None,
    days: Collection[str] = (),
) -> tuple[Rule, ...]:
    """Rules in the order of files, the shipped pack first; each is checked against its family, and what is wrong added to `problems`.

    A rule that another one makes superfluous does no harm: it is added to `doubts`, if there are any, so that it stops nobody.
    `days`: names of the site's calendar.
    """
    declared: list[tuple[Rule, Document, int]] = []
    pack = shipped_documents("alerts", "pack") if shipped else []
    documents = [*pack, *own_documents(paths, problems)]
    places = dict.fromkeys([*OWN_RULES, *(rule.id for rule in CLOCK_RULES)], "the program itself")
    for document in documents:
        try:
            file = validate(RuleFile, document)
        except ConfigError as error:
            problems += error.problems
            continue
        for index, rule in enumerate(file.rules):
            at = ("rules", index)
            problems += [problem_at(document, (*at, *fault.path), fault.what, fault.do) for fault in rule_faults(rule, families, days)]
            if rule.id in places:
                what = f"the rule `{rule.id}` is already declared in {places[rule.id]}"
                problems.append(problem_at(document, (*at, "id"), what, "rename it, or remove one of them"))
            places.setdefault(rule.id, f"{document.file}:{document.node((*at, 'id')).line}")
            declared.append((rule, document, index))
    rules = [rule for rule, _, _ in declared]
    for place, faults in suppression_faults(rules).items():
        _, document, index = declared[place]
        problems += [problem_at(document, ("rules", index, *fault.path), fault.what, fault.do) for fault in faults]
    # A pack that grows with an upgrade must not make a site's rule a mistake: only the site's own rules are set beside each other.
    own = [one for one in declared if one[1] not in pack]
    for place, faults in shadow_faults([rule for rule, _, _ in own]).items():
        _, document, index = own[place]
        doubtful = problems if doubts is None else doubts
        doubtful += [problem_at(document, ("rules", index, *fault.path), fault.what, fault.do) for fault in faults]
    return tuple(rules)
