"""Mutation testing of what decides: changes one operator, constant or answer at a time and runs the tests that must notice.

    .venv/bin/python scripts/mutate.py [--only lifecycle] [--every 1] [--seed 7] [--report build/mutants.json]

A mutant that all tests pass has survived; docs/mutation.md explains those. `--every N` takes each Nth mutant of a module, for a sample.
Works on a copy of the tree, never on the tree itself.
"""

import argparse
import ast
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import aiohttp  # noqa: F401  imported here so that no child has to
import hypothesis  # noqa: F401
import msgspec  # noqa: F401
import pydantic  # noqa: F401
import pytest
import sqlalchemy  # noqa: F401
import yaml  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
MODEL = "tests/model/test_histories.py"
KINDS = ("tests/alerts/test_rules_conditions.py", "tests/alerts/test_every_kind.py", "tests/alerts/test_history_kinds.py")
TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lifecycle": ("alerts/lifecycle.py", ("tests/alerts/test_lifecycle.py", "tests/alerts/test_engine_people.py", MODEL)),
    "row": ("alerts/row.py", (*(f"tests/alerts/test_engine_{one}.py" for one in (
            "frozen", "restart", "ticks", "samples", "events", "absence")), MODEL, "tests/alerts/test_engine_reference.py")),
    "grouping": ("alerts/grouping.py", ("tests/alerts/test_grouping_over_time.py", "tests/alerts/test_grouping_restart.py",
                 "tests/alerts/test_incidents.py", "tests/alerts/test_flapping.py", "tests/alerts/test_silences.py")),
    "explaining": ("alerts/explaining.py", ("tests/alerts/test_explaining.py", "tests/alerts/test_incidents.py")),
    "outage": ("alerts/outage.py", ("tests/alerts/test_incidents.py", "tests/alerts/test_incident_properties.py")),
    **{
        f"rules.{name}": (f"alerts/rules/{name}.py", (*KINDS, "tests/alerts/test_rules_check.py", "tests/alerts/test_engine_groups.py"))
        for name in (
            "combination", "event", "forecast", "group", "history", "increase", "limits", "rate", "state", "stuck", "threshold", "window",
        )
    },
}  # fmt: skip
"""Name → module, and the tests that are asked, the quickest first."""
_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_PATIENCE_S = 120


def changes(node: ast.AST) -> Iterator[tuple[str, object, object]]:
    """(attribute, its value, another one) for every way to change this node alone."""
    match node:
        case ast.Compare(ops=[op]):
            for other in _COMPARED.get(type(op), ()):
                yield "ops", [op], [other()]
        case ast.BoolOp(op=op):
            yield "op", op, ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.BinOp(op=op) if type(op) in _COUNTED:
            yield "op", op, _COUNTED[type(op)]()
        case ast.UnaryOp(op=ast.Not() as op):
            yield "op", op, ast.UAdd()
        case ast.Constant(value=bool() as value):
            yield "value", value, not value
        case ast.Constant(value=int() | float() as value):
            yield "value", value, value + 1
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "value", value, ast.Constant(None)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(where and what, the module's text) for every mutant; docstrings, annotations and raised texts stay."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name, was, other in changes(node):
            setattr(node, name, other)
            text = ast.unparse(ast.fix_missing_locations(tree))
            setattr(node, name, was)
            line = getattr(node, "lineno", 0)
            yield f"{line}: {source.splitlines()[line - 1].strip()[:90]}  [{_said(was)} → {_said(other)}]", text


def _said(value: object) -> str:
    if isinstance(value, list):
        value = value[0]
    return ast.unparse(value)[:30] if isinstance(value, ast.expr) else type(value).__name__ if isinstance(value, ast.AST) else repr(value)


def survives(tree: Path, tests: tuple[str, ...]) -> bool:
    """Whether every test passes, in the given order; in a child of this process, which has imported all that takes long."""
    child = os.fork()
    if not child:
        signal.alarm(_PATIENCE_S)
        os.chdir(tree)
        sys.path.insert(0, str(tree))
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            code = pytest.main(["-x", "-q", "--no-header", "-p", "no:xdist", "--rootdir", str(tree), *tests])
        os._exit(int(code))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def look(tree: Path, name: str, every: int, until: float) -> dict[str, object]:
    """Every Nth mutant of a module, as far as time allows."""
    path, tests = TARGETS[name]
    module, source = tree / path, (ROOT / path).read_text()
    made = list(mutants(source))[::every]
    if not survives(tree, tests):
        print(f"{name}: the tests fail without any change", file=sys.stderr)
        sys.exit(2)
    lived: list[str] = []
    tried = 0
    for what, text in made:
        if time.monotonic() > until:
            break
        module.write_text(text)
        tried += 1
        if survives(tree, tests):
            lived.append(what)
            print(f"  survived {path}:{what}", flush=True)
    module.write_text(source)
    print(f"{name}: {len(made)} mutants, {tried} tried, {tried - len(lived)} killed", flush=True)
    return {"module": path, "mutants": len(made), "tried": tried, "killed": tried - len(lived), "survived": lived}


def main() -> int:
    """Exit code 1 when more than a tenth survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(TARGETS), help="names, for example lifecycle,rules.rate")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="stops after so long")
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "mutants.json")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="ioc-mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache", ".hypothesis"))
        found = [look(tree, name, options.every, until) for name in options.only.split(",")]
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    tried, killed = (sum(int(str(one[key])) for one in found) for key in ("tried", "killed"))
    print(f"together: {tried} tried, {killed} killed, {tried - killed} survived ({(tried - killed) / max(1, tried):.1%})")
    return int((tried - killed) * 10 > tried)


if __name__ == "__main__":
    sys.exit(main())
