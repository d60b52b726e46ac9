"""`ioc rules …`: trying rules out, putting them to work, and what of them is in force."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import errors_only, print_json, print_table, printable, say
from ioc.cli.place import DEFAULT_CONFIG, ConfigOption, DataDirOption, JsonOption, Place, place

if TYPE_CHECKING:
    from ioc.cli.backtest import Ran

rules = typer.Typer(help="Rules.", no_args_is_help=True)


@rules.command("test")
def test(
    files: Annotated[list[Path] | None, typer.Argument(metavar="F…", help="Files of rule tests, or of rules; or folders of them.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Play rule tests, and check rule files against the families: those of the configuration where there is one, else the shipped ones.

    Without files the shipped tests of the shipped rules are played.
    """
    from dataclasses import asdict

    from ioc.cli.rule_tests import lines, play
    from ioc.config.families import load_families, own_documents, shipped_documents
    from ioc.config.load import load_config
    from ioc.config.problem import ConfigError, Problem
    from ioc.config.rule_tests import is_test_file
    from ioc.config.rules import load_rules

    problems: list[Problem] = []
    main = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    site = load_config(main, os.environ) if main else None
    families = site.families if site else load_families((), cadence={}, retention=2**62, problems=problems)
    documents = own_documents(files, problems) if files else shipped_documents("alerts", "pack/tests")
    paths = [Path(one.file) for one in documents if not is_test_file(one)]
    days = site.calendar.calendar if site else ()
    found = load_rules(paths, shipped=False, families=families, problems=problems, days=days)
    outcomes = []
    with errors_only():
        for document in filter(is_test_file, documents):
            try:
                outcomes += play(document, site.plan if site else None)
            except ConfigError as error:
                problems += error.problems
    failed = sum(not one["passed"] for one in outcomes)
    if json:
        print_json({"rules": [rule.id for rule in found], "problems": [asdict(problem) for problem in problems], "tests": outcomes})
    else:
        for problem in problems:
            say(str(problem))
        for line in lines(outcomes):
            print(line)
        mistakes = f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}" if problems else "no mistakes"
        tests = f"{len(outcomes)} tests, {failed} failed; " if outcomes else ""
        print(f"{tests}{len(found)} rules, {mistakes}.")
    raise typer.Exit(Exit.WRONG if problems or failed else Exit.FINE)


FromOption = Annotated[str, typer.Option("--from", metavar="TIME", help="From then on, RFC 3339 or the site's time.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then (default: now).")]
StepOption = Annotated[str, typer.Option("--step", metavar="D", help="How often decisions are made, 1s to 60s.")]
ShippedOption = Annotated[
    bool | None, typer.Option("--shipped/--no-shipped", help="With or without the shipped rules (default: as configured).")
]


@rules.command("backtest")
def backtest(
    start: FromOption,
    end: ToOption = None,
    files: Annotated[
        list[Path] | None, typer.Option("--rules", metavar="F", help="Rule files or folders in place of the site's own; repeatable.")
    ] = None,
    shipped: ShippedOption = None,
    step: StepOption = "5s",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Run stored history through rules and routes: alarms, messages, messages a night, and what live decisions found or missed."""
    from ioc.cli.backtest_text import backtest_document, backtest_lines

    ran = _run(place(config, data_dir), [files or None], start, end, step, shipped=shipped)
    _print(backtest_document(ran) if json else None, backtest_lines(ran))


@rules.command("diff")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rule file or folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.")],
    start: FromOption,
    end: ToOption = None,
    shipped: ShippedOption = None,
    step: StepOption = "5s",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Run the same stored history through two sets of rules: alarms new, gone, earlier, later, and how many more messages a night."""
    from ioc.cli.backtest_text import diff_document, diff_lines

    ran = _run(place(config, data_dir), [[old], [new]], start, end, step, shipped=shipped)
    _print(diff_document(ran) if json else None, diff_lines(ran))


def _run(where: Place, files: Sequence[Sequence[Path] | None], start: str, end: str | None, step: str, *, shipped: bool | None) -> "Ran":
    from ioc.app.clock import now_ms
    from ioc.cli.backtest import rule_sets, run_all, span_of
    from ioc.domain.duration import parse_duration

    try:
        step_ms = parse_duration(step)
    except ValueError as error:
        raise Failure(str(error), Exit.USAGE) from None
    span = span_of(where, start, end, step_ms, now_ms())
    families, sets = rule_sets(where, files, shipped=shipped)
    return run_all(where, span, families, sets)


def _print(document: object, lines: Iterable[str]) -> None:
    if document is not None:
        print_json(document)
        return
    for line in lines:
        print(printable(line))


@rules.command("list")
def list_(config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """List the rules in force; `samples` of at most `limit` are what a rule that looks back holds in memory."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "rules.list")
    if json:
        print_json(found)
        return
    print_table([_row(rule) for rule in found["items"]], ["id", "family", "severity", "samples", "limit"], empty="No rules.")


@rules.command("reload")
def reload(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also rules that would raise many alarms at once.")] = False,
    json: JsonOption = False,
) -> None:
    """Have the running server read its rule files anew; files with a mistake change nothing."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "rules.reload", force=force)
    if json:
        print_json(done)
    else:
        _tell(done)
    raise typer.Exit(Exit.WRONG if done["problems"] or done["held"] else Exit.FINE)


def _row(rule: dict[str, Any]) -> dict[str, Any]:
    memory = rule.get("memory")
    held = {} if memory is None else {"samples": memory["samples"], "limit": memory["devices"] * memory["most_per_device"]}
    return {**rule, **held}


def _tell(done: dict[str, Any]) -> None:
    for problem in done["problems"]:
        say(problem)
    if done["problems"]:
        say(f"Nothing was changed; {done['rules']} rules stay in force.")
        return
    for rule, count in done["held"].items():
        say(f"{rule}: held back, it would raise {count} alarms at once; look at its limits, or use --force")
    news = [f"{len(done[what])} {what}" for what in ("changed", "removed") if done[what]]
    print(f"{done['rules']} rules in force" + "".join(f", {one}" for one in news) + ".")
