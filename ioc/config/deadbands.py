"""Deadbands of this installation: they replace those of the family files, metric by metric."""

from collections.abc import Mapping

from ioc.config.document import Document
from ioc.config.known_keys import suggestion
from ioc.config.problem import Problem
from ioc.config.validation import problem_at
from ioc.domain.deadband import Deadband
from ioc.domain.family import NUMBERS_ONLY, Family

Deadbands = Mapping[str, Mapping[str, Deadband]]
"""By family and metric."""


def with_deadbands(families: Mapping[str, Family], deadbands: Deadbands) -> dict[str, Family]:
    """The families with these deadbands; names that fit nothing change nothing."""
    return {name: _with(family, deadbands[name]) if name in deadbands else family for name, family in families.items()}


def deadband_problems(families: Mapping[str, Family], deadbands: Deadbands, document: Document) -> list[Problem]:
    """Families and metrics that don't exist, and bands that their type does not allow, at their lines."""
    problems: list[Problem] = []
    for name, bands in deadbands.items():
        family = families.get(name)
        if family is None:
            do = suggestion(name, families, noun="families")
            problems.append(problem_at(document, ("deadband", name), f"there is no family `{name}`", do))
            continue
        for metric, band in bands.items():
            at = ("deadband", name, metric)
            if metric not in family.index:
                do = suggestion(metric, family.index, noun="metrics")
                problems.append(problem_at(document, at, f"the family `{name}` has no metric `{metric}`", do))
            elif band.has_band and not family.metrics[family.index[metric]].is_number:
                problems.append(problem_at(document, at, NUMBERS_ONLY, "write only `heartbeat`"))
    return problems


def _with(family: Family, bands: Mapping[str, Deadband]) -> Family:
    metrics = tuple(metric.model_copy(update={"deadband": bands.get(metric.name, metric.deadband)}) for metric in family.metrics)
    return family.model_copy(update={"metrics": metrics})
