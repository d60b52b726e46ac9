"""What the documentation says to type exists."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer

from ioc.cli.app import app
from servers.wheel import ROOT

PAGES = [ROOT / "README.md", ROOT / "Makefile", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docker").glob("*.y*ml"))]
SPELT = re.compile(r"`ioc ([^`]+)`|(?:bin/ioc|exec ioc ioc) ([^#\n]+)")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every command that can be given, with its options."""
    below = getattr(command, "commands", {})
    for name, one in below.items():
        yield from leaves(one, (*path, name))
    if path and (not below or command.invoke_without_command):
        yield path, {option for parameter in command.params for option in parameter.opts} | {"--help"}


COMMANDS = dict(leaves(typer.main.get_command(app)))


def spelt(page: Path) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """The commands in a text, each of `a|b` by itself, with their options."""
    for found in SPELT.finditer(page.read_text(encoding="utf-8")):
        words = (found[1] or found[2]).replace("\\|", "|").split()
        names = [word.split("|") for word in words[:2] if re.fullmatch(r"[a-z|]+", word)]
        options = {option for word in words for option in re.findall(r"^--[a-z-]+", word)}
        for path in product(*names):
            yield (path if path in COMMANDS or path[:1] not in COMMANDS else path[:1]), options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_texts_exist_with_their_options(page: Path) -> None:
    """Nobody is told to type a command or an option that the program does not have."""
    for path, options in spelt(page):
        if path:
            assert path in COMMANDS, f"ioc {' '.join(path)}"
            assert options <= COMMANDS[path], f"ioc {' '.join(path)}"


def test_page_of_commands_names_all_of_them() -> None:
    """docs/cli.md leaves none out."""
    assert set(COMMANDS) <= {path for path, _ in spelt(ROOT / "docs" / "cli.md")}
