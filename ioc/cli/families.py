"""`ioc families …`: what is declared, what a declaration makes of captured messages, and a first declaration from messages alone."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table, printable, say
from ioc.cli.place import DEFAULT_CONFIG, ConfigOption, JsonOption

if TYPE_CHECKING:
    from ioc.cli.captured import Captured
    from ioc.cli.reading import Reading
    from ioc.domain.family import Family

families = typer.Typer(help="Device families and vendors' dialects.", no_args_is_help=True)
SamplesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="SAMPLES…", help="Captured messages: mosquitto_sub -v or -F '%j', JSON lines, or a folder with topic and payload."
    ),
]


@families.command("list")
def listing(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List families with their dialects: those of the configuration where there is one, else the shipped ones."""
    rows = [_row(family) for family in _known((), config).values()]
    if json:
        print_json({"items": rows, "next": None})
        return
    shown = [{**row, "dialects": [f"{one['id']} ({one['topic']})" for one in row["dialects"]]} for row in rows]
    print_table(shown, ("family", "name", "cadence_s", "metrics", "dialects"), empty="no families")


@families.command("check")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A family or dialect file, or the name of a declared family or dialect.")],
    samples: SamplesArgument,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a family or dialect makes of captured messages: 1 = something does not fit."""
    from ioc.cli.captured import read_captured
    from ioc.cli.reading import read_samples

    known = _known([Path(file)] if Path(file).exists() else [], config)
    chosen = _chosen(file, known)
    readings = read_samples(read_captured(samples), known, chosen, topic_root=_topic_root(config))
    if json:
        print_json(_report(readings))
    else:
        for reading in readings:
            print("\n".join(reading.lines()))
        print(_sum(readings))
    raise typer.Exit(Exit.FINE if all(reading.fits for reading in readings) else Exit.WRONG)


@families.command("learn")
def learn(
    samples: SamplesArgument,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the family, or the dialect.")] = "learnt",
    family: Annotated[str | None, typer.Option("--family", metavar="FAMILY", help="Propose a dialect of this declared family.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Propose a family with its dialect from captured messages, or only a dialect, as YAML on standard output; all of it is a guess."""
    from ioc.cli.captured import read_captured
    from ioc.cli.learning import Learner
    from ioc.cli.proposal import proposal_text

    known = None if family is None else _one_of(_known((), config), family)
    messages = read_captured(samples)
    learner = Learner(_family_name(name), known)
    for message in messages:
        learner.take(message)
    proposal = learner.proposal()
    text = proposal_text(proposal)
    if json:
        print_json(proposal.document)
    else:
        print(text, end="")
    for remark in proposal.remarks:
        say(remark)
    say(_trial(text, messages, known, _topic_root(config)))


def _one_of(families: "Mapping[str, Family]", name: str) -> "Family":
    from ioc.domain.nearest import Nearest

    if name not in families:
        msg = f"there is no family {name!r}; {Nearest(families).advice(name)}"
        raise Failure(msg)
    return families[name]


def _family_name(name: str) -> str:
    import re

    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
        msg = f"--name {name!r} is no family name; write lower-case letters, digits and _, at most 32"
        raise Failure(msg, Exit.USAGE)
    return name


def _trial(text: str, messages: "list[Captured]", known: "Family | None", root: str) -> str:
    """How many of the messages the proposal itself reads."""
    from ioc.cli.reading import read_samples
    from ioc.config.document import parse_document
    from ioc.config.validation import validate
    from ioc.domain.family import DialectFile, Family

    document = parse_document(text, "the proposal")
    if known is None:
        family = validate(Family, document)
    else:
        family = known.model_copy(update={"dialects": validate(DialectFile, document).dialects})
    return _sum(read_samples(messages, {family.family: family}, {dialect.id for dialect in family.dialects}, topic_root=root))


def _known(paths: Iterable[Path], config: Path | None) -> "dict[str, Family]":
    """The configuration's families, or the shipped ones, and those of further files; a mistake in any ends the command."""
    from ioc.config.families import load_families
    from ioc.config.load import load_config
    from ioc.config.problem import ConfigError, Problem

    main = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    problems: list[Problem] = []
    extra = list(paths)
    if main is None:
        found = load_families(extra, cadence={}, retention=2**62, problems=problems)
    else:
        settings = load_config(main, os.environ).settings
        there = {path.resolve() for path in settings.families}
        wanted = [path for path in extra if path.resolve() not in there and path.resolve().parent not in there]
        found = load_families([*settings.families, *wanted], cadence=settings.cadence, retention=2**62, problems=problems)
    if problems:
        raise ConfigError(problems)
    return found


def _topic_root(config: Path | None) -> str:
    """The first source's, where there is a configuration."""
    from ioc.config.load import load_config
    from ioc.config.settings import Broker

    main = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    return str(Broker.model_fields["topic_root"].default) if main is None else load_config(main, os.environ).settings.brokers[0].topic_root


def _chosen(file: str, known: "Mapping[str, Family]") -> frozenset[str]:
    """The dialects that are tried: those that the file declares, those of the family so called, or the one so called."""
    from ioc.config.dialects import is_dialect_file
    from ioc.config.document import read_document
    from ioc.domain.nearest import Nearest

    ids = {dialect.id: name for name, family in known.items() for dialect in family.dialects}
    if Path(file).is_file():
        document = read_document(Path(file))
        declared = document.root.entries or {}
        if is_dialect_file(document) or "dialects" in declared:
            return frozenset(declared["dialects"].entries or {})
        return frozenset()
    if file in known:
        return frozenset(dialect.id for dialect in known[file].dialects)
    if file in ids:
        return frozenset({file})
    msg = f"there is no file, family or dialect {file!r}; {Nearest([*known, *ids]).advice(file) or 'see `ioc families list`'}"
    raise Failure(msg)


def _row(family: "Family") -> dict[str, Any]:
    dialects = [
        {"id": dialect.id, "topic": dialect.topic, "format": dialect.format.value, "enabled": dialect.enabled, "about": dialect.about}
        for dialect in family.dialects
    ]
    return {
        "family": family.family,
        "name": family.labels.vi,
        "cadence_s": family.cadence / 1000,
        "metrics": len(family.metrics),
        "dialects": dialects,
    }


def _report(readings: "list[Reading]") -> dict[str, Any]:
    return {
        "ok": all(reading.fits for reading in readings),
        "messages": len(readings),
        "fit": sum(reading.fits for reading in readings),
        "items": [reading.document() for reading in readings],
    }


def _sum(readings: "list[Reading]") -> str:
    fit = sum(reading.fits for reading in readings)
    unmapped = sorted({key for reading in readings for key in reading.unmapped})
    left = f" Unmapped: {', '.join(unmapped[:20])}{' …' if len(unmapped) > 20 else ''}." if unmapped else ""  # noqa: PLR2004  a line's worth
    return printable(f"{fit} of {len(readings)} messages fit.{left}")
