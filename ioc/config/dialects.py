"""Dialects as the files declare them: those of a family's own file, and those that a site adds to a family declared elsewhere."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from ioc.config.document import Document, Step
from ioc.config.known_keys import suggestion
from ioc.config.problem import ConfigError, Problem
from ioc.config.validation import problem_at, validate
from ioc.domain.dialect import Dialect
from ioc.domain.dialect_check import dialect_faults
from ioc.domain.family import DialectFile, Family


class _Declared(NamedTuple):
    document: Document
    family: str
    dialect: Dialect

    def at(self, *path: Step) -> tuple[Step, ...]:
        return ("dialects", self.dialect.id, *path)

    @property
    def place(self) -> str:
        return f"{self.document.file}:{self.document.node(self.at('topic')).line}"


class DialectShelf:
    """Collects dialects with the places that declare them; what is wrong is added to `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._declared: list[_Declared] = []
        self._files: list[tuple[Document, DialectFile]] = []

    def add_family(self, document: Document, family: Family) -> None:
        """The dialects of a family's own file."""
        self._declared += [_Declared(document, family.family, dialect) for dialect in family.dialects]

    def add_file(self, document: Document) -> None:
        """A file of dialects."""
        try:
            self._files.append((document, validate(DialectFile, document)))
        except ConfigError as error:
            self._problems += error.problems

    def taught(self, families: Mapping[str, Family]) -> dict[str, Family]:
        """The families with all their dialects, each checked against its family and against the others."""
        for document, file in self._files:
            if file.dialects_of in families:
                self._declared += [_Declared(document, file.dialects_of, dialect) for dialect in file.dialects]
            else:
                what = f"there is no family `{file.dialects_of}`"
                self._problems.append(problem_at(document, ("dialects_of",), what, suggestion(file.dialects_of, families, noun="families")))
        sound = [one for one in self._declared if self._fits(families[one.family], one) and self._is_new(one)]
        self._refuse_overlaps([one for one in sound if one.dialect.enabled])
        return {
            name: family.model_copy(update={"dialects": tuple(one.dialect for one in sound if one.family == name)})
            for name, family in families.items()
        }

    def _fits(self, family: Family, declared: _Declared) -> bool:
        faults = list(dialect_faults(family, declared.dialect))
        self._problems += [problem_at(declared.document, declared.at(*fault.path), fault.what, fault.do) for fault in faults]
        return not faults

    def _is_new(self, declared: _Declared) -> bool:
        first = next(one for one in self._declared if one.dialect.id == declared.dialect.id)
        if first is declared:
            return True
        what = f"the dialect `{declared.dialect.id}` is already declared in {first.place}"
        self._problems.append(problem_at(declared.document, declared.at(), what, "rename it, or remove one of them"))
        return False

    def _refuse_overlaps(self, listening: list[_Declared]) -> None:
        for index, one in enumerate(listening):
            for earlier in listening[:index]:
                topic = one.dialect.template.common_topic(earlier.dialect.template)
                if topic is not None:
                    what = f"the topic {topic} would belong to this dialect and to `{earlier.dialect.id}` in {earlier.place}"
                    do = "narrow one of them by `levels`, or switch one off by `enabled: false`"
                    self._problems.append(problem_at(one.document, one.at("topic"), what, do))


def is_dialect_file(document: Document) -> bool:
    """Whether a file adds dialects to a family that another file declares."""
    return "dialects_of" in (document.root.entries or {})


def listened(families: Iterable[Family], named: Collection[str] | None) -> dict[str, Dialect]:
    """The dialects that a source listens to, by id: those that it names, else all that are enabled."""
    known = {dialect.id: dialect for family in families for dialect in family.dialects}
    return {name: dialect for name, dialect in known.items() if (dialect.enabled if named is None else name in named)}


def source_faults(families: Iterable[Family], named: Collection[str] | None, root: str) -> list[tuple[str, str, str]]:
    """What is wrong with a source's choice of dialects: the key at fault, what, and what to do."""
    known = {dialect.id: dialect for family in families for dialect in family.dialects}
    faults = [
        ("dialects", f"there is no dialect `{name}`", suggestion(name, known, noun="dialects")) for name in named or () if name not in known
    ]
    chosen = [dialect for name, dialect in known.items() if (dialect.enabled if named is None else name in named)]
    for index, dialect in enumerate(chosen):
        if dialect.template.reaches_below(root):
            faults.append(("topic_root", f"`{dialect.topic}` of the dialect `{dialect.id}` reaches below {root}", "narrow it by `levels`"))
        for earlier in chosen[:index]:
            topic = dialect.template.common_topic(earlier.template)
            if named is not None and topic is not None:
                what = f"the topic {topic} would belong to `{earlier.id}` and to `{dialect.id}`"
                faults.append(("dialects", what, "name one of them only, or narrow one by `levels`"))
    return faults
