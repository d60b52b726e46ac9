"""Family files: the shipped ones and the site's own."""

from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ioc.config.dialects import DialectShelf, is_dialect_file
from ioc.config.document import Document, is_there, parse_document, read_document
from ioc.config.problem import ConfigError, Problem
from ioc.config.validation import problem_at, validate
from ioc.domain.family import Family

SUFFIXES = (".yaml", ".yml")


def yaml_files(path: Path) -> list[Path]:
    """The file itself, or the YAML files of a folder by name; ConfigError where there is none."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not is_there(path):
        raise ConfigError([Problem(file=str(path), what="does not exist", do="check the path, or create it")])
    return [path]


def shipped_documents(package: str, folder: str) -> list[Document]:
    """The YAML files of a folder inside an installed package, by name."""
    root: Traversable = resources.files(package) / folder
    if not root.is_dir():
        return []
    files = sorted((file for file in root.iterdir() if file.name.endswith(SUFFIXES)), key=lambda file: file.name)
    return [parse_document(file.read_bytes(), str(file)) for file in files]


def own_documents(paths: Iterable[Path], problems: list[Problem]) -> list[Document]:
    """The documents of files and folders; what can't be read is added to `problems`."""
    documents: list[Document] = []
    for path in paths:
        try:
            for file in yaml_files(path):
                documents.append(read_document(file))  # noqa: PERF401  each file may fail by itself
        except ConfigError as error:
            problems += error.problems
    return documents


def load_families(paths: Iterable[Path], *, cadence: Mapping[str, int], retention: int, problems: list[Problem]) -> dict[str, Family]:
    """Families by name with their dialects, the shipped ones first; `cadence` (ms) overrides by family.

    Their history limit is at most the store's `retention` (ms).
    What is wrong is added to `problems`; the families that are fine come back all the same, so that rules can be checked too.
    """
    families: dict[str, Family] = {}
    documents: dict[str, Document] = {}
    dialects = DialectShelf(problems)
    for document in (*shipped_documents("collectors", "families"), *own_documents(paths, problems)):
        if is_dialect_file(document):
            dialects.add_file(document)
            continue
        try:
            family = validate(Family, document)
        except ConfigError as error:
            problems += error.problems
            continue
        if family.family in documents:
            what = f"the family `{family.family}` is already declared in {documents[family.family].file}"
            problems.append(problem_at(document, ("family",), what, "rename it, or remove one of them"))
            continue
        documents[family.family] = document
        families[family.family] = family
        dialects.add_family(document, family)
    families = dialects.taught(families)
    return {name: _adapted(family, cadence.get(name, family.cadence), retention) for name, family in families.items()}


def _adapted(family: Family, cadence: int, retention: int) -> Family:
    return family.model_copy(update={"cadence": cadence, "history": min(family.history, retention)})
