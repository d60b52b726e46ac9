"""Environment variables over the file: `IOC_BROKER__URL` stands for `broker.url`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic import BaseModel

from ioc.config.document import Document, Node, Step, parse_document
from ioc.config.known_keys import annotations_at, nearest
from ioc.config.problem import ConfigError, Problem

PREFIX = "IOC_"
OTHER_VARIABLES = frozenset({"IOC_CONFIG", "IOC_LOG_FORMAT", "IOC_SERVERS", "IOC_REQUIRE_SERVERS", "IOC_HYPOTHESIS", "IOC_BENCH_KEEP"})
"""Variables that are read elsewhere: by the command line, and by the tests."""
_INJECTED = ("IOC_SERVICE_", "IOC_PORT")
"""Kubernetes sets these by itself for a service called `ioc`."""


def overlay(document: Document, env: Mapping[str, str], model: type[BaseModel]) -> Document:
    """The document with every `IOC_…` variable put in its place; an empty variable counts as not set.

    ConfigError names variables whose section is unknown. Where a list or mapping is declared, `[a, b]` and `{a: b}` are read as YAML.
    """
    root, problems = document.root, []
    for variable in sorted(env, key=lambda name: (name.count("__"), name)):
        if not _is_ours(variable) or not env[variable]:
            continue
        path = _path(variable)
        if path[0] not in model.model_fields:
            problems.append(_unknown(variable, path, model))
            continue
        try:
            root = _put(root, path, _leaf(variable, env[variable], path, model), variable)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return replace(document, root=root)


def _is_ours(variable: str) -> bool:
    return variable.startswith(PREFIX) and variable not in OTHER_VARIABLES and not variable.startswith(_INJECTED)


def _path(variable: str) -> tuple[Step, ...]:
    parts = variable.removeprefix(PREFIX).lower().split("__")
    return tuple(int(part) if index and part.isdecimal() else part for index, part in enumerate(parts))


def _unknown(variable: str, path: tuple[Step, ...], model: type[BaseModel]) -> Problem:
    near = nearest(str(path[0]), model.model_fields)
    names = [near] if near else list(model.model_fields)
    written = [PREFIX + "__".join([name, *map(str, path[1:])]).upper() for name in names]
    do = f"did you mean {written[0]}?" if near else f"known sections: {', '.join(names)}"
    return Problem(file=variable, what=f"unknown section `{path[0]}`", do=do)


def _leaf(variable: str, text: str, path: tuple[Step, ...], model: type[BaseModel]) -> Node:
    if text[0] in "[{" and any(_is_structure(annotation) for annotation in annotations_at(model, path)):
        return _without_lines(parse_document(text, variable).root)
    return Node(source=variable, line=None, value=text)


def _is_structure(annotation: Any) -> bool:  # noqa: ANN401  whatever stands in a declaration
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return get_origin(annotation) in {list, tuple, dict}


def _without_lines(node: Node) -> Node:
    if node.entries is not None:
        return replace(node, line=None, entries={key: _without_lines(below) for key, below in node.entries.items()})
    if node.items is not None:
        return replace(node, line=None, items=tuple(map(_without_lines, node.items)))
    return replace(node, line=None)


def _put(node: Node, path: tuple[Step, ...], leaf: Node, variable: str) -> Node:
    if not path:
        return leaf
    step, *rest = path
    below = node.child(step) or Node(source=variable, line=None)
    value = _put(below, tuple(rest), leaf, variable)
    if node.items is not None and isinstance(step, int) and step < len(node.items):
        return replace(node, items=(*node.items[:step], value, *node.items[step + 1 :]))
    if node.items is not None or node.value is not None:
        what = f"`{step}` finds no place: the file has {'a list' if node.items is not None else 'a single value'} there"
        raise ConfigError([Problem(file=variable, what=what, do="change the file, or name an existing position as in IOC_BROKER__0__URL")])
    entries = dict(node.entries or {})
    twin = _twin(str(step))
    if not rest and twin in entries and not entries[twin].source.startswith(PREFIX):
        del entries[twin]
    return replace(node, entries={**entries, str(step): value})


def _twin(key: str) -> str:
    """A secret is written as itself or as the file that holds it: a variable for one replaces the file's other."""
    return key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"
