"""A document against a declared model: pydantic's errors become problems with file, line and next step."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ioc.config.document import Document, Node, Step
from ioc.config.known_keys import Location, known_keys, nearest, suggestion
from ioc.config.problem import ConfigError, KeyFault, Problem

Model = TypeVar("Model", bound=BaseModel)
SECRET_KEYS = frozenset({"password", "token", "secret", "url"})
"""Keys whose wrong value is not repeated in an error."""
_MAX_SHOWN = 60


def validate(model: type[Model], document: Document) -> Model:
    """The model filled from a document; ConfigError holds every mistake, in the order of lines."""
    try:
        return model.model_validate(document.plain)
    except ValidationError as error:
        raise ConfigError(problems_of(error, model, document)) from None


def problems_of(error: ValidationError, model: type[BaseModel], document: Document) -> list[Problem]:
    """Each of pydantic's errors once, in the order of lines."""
    errors = error.errors(include_url=False)
    found = (_problem(details, model, document) for details in errors if not _follows(details, errors))
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.file, problem.line or 0))


def problem_at(document: Document, path: Location, what: str, do: str = "") -> Problem:
    """A problem at a path of the document; steps that the document does not have are passed over."""
    node, shown, _ = _walk(document, path)
    return Problem(file=node.source, line=node.line, path=shown, what=what, do=do)


def _problem(details: ErrorDetails, model: type[BaseModel], document: Document) -> Problem:
    kind = details["type"]
    location = _at_key(details)
    node, shown, reached = _walk(document, location)
    last = str(location[-1]) if location else ""
    if kind == "missing" and not _is_empty(reached):
        path = f"{shown}.{last}" if shown else last
        return Problem(file=node.source, line=node.line, path=path, what="is missing", do=f"add `{last}: …`")
    if kind == "extra_forbidden":
        known = known_keys(model, location[:-1])
        return Problem(file=node.source, line=node.line, path=shown, what=f"unknown key `{last}`", do=suggestion(last, known, noun="keys"))
    what, do = _explain(details, reached, secret=last in SECRET_KEYS)
    return Problem(file=node.source, line=node.line, path=shown, what=what, do=do)


def _follows(details: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list only counts as too short because its items are wrong."""
    location = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(location) and other["loc"][: len(location)] == location for other in errors
    )


def _at_key(details: ErrorDetails) -> Location:
    """The location, down to the key that is at fault where pydantic stops at the mapping."""
    context = details.get("ctx", {})
    fault = context.get("error")
    if isinstance(fault, KeyFault):
        return (*details["loc"], fault.key)
    if details["type"] == "union_tag_invalid":
        return (*details["loc"], str(context["discriminator"]).strip("'"))
    return details["loc"]


def _walk(document: Document, location: Location) -> tuple[Node, str, Node]:
    """The nearest node, its path for people, and the node itself.

    Locations also hold labels of union members, and positions where a model turned a mapping into a list.
    """
    node, path = document.root, ""
    for step in location:
        found = _step(node, step)
        if found is None:
            continue
        name, node = found
        path = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}" if path else name
    return node, path, node


def _step(node: Node, step: Step) -> tuple[Step, Node] | None:
    below = node.child(step)
    if below is not None:
        return step, below
    if isinstance(step, int) and node.entries is not None and step < len(node.entries):
        return list(node.entries.items())[step]
    return None


def _explain(details: ErrorDetails, node: Node, *, secret: bool) -> tuple[str, str]:
    context: Mapping[str, Any] = details.get("ctx", {})
    explain = _EXPLANATIONS.get(details["type"])
    if _is_empty(node):
        return "is empty", "give it a value, or remove the line"
    shown = "the value" if secret else _shown(node)
    if explain is not None:
        return explain(shown, context)
    what, _, do = details["msg"].partition("; ")
    return what, do


def _is_empty(node: Node) -> bool:
    return node.value is None and node.items is None and node.entries is None


def _shown(node: Node) -> str:
    if node.entries is not None:
        return "a mapping"
    if node.items is not None:
        return "a list"
    text = node.value or ""
    return f"`{text}`" if len(text) <= _MAX_SHOWN else f"`{text[:_MAX_SHOWN]}…`"


def _split(context: Mapping[str, Any]) -> tuple[str, str]:
    """Our own validators write `what; do`."""
    what, _, do = str(context.get("error", "")).partition("; ")
    return what, do


def _one_of(shown: str, expected: str) -> tuple[str, str]:
    choices = [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    near = nearest(shown.strip("`"), choices)
    return f"{shown} is not one of {', '.join(choices)}", f"did you mean `{near}`?" if near else "write one of them"


def _bound(words: str, key: str) -> Callable[[str, Mapping[str, Any]], tuple[str, str]]:
    return lambda shown, context: (f"{shown} must be {words} {context.get(key)}", "change it")


def _kind(what: str, do: str) -> Callable[[str, Mapping[str, Any]], tuple[str, str]]:
    return lambda shown, _context: (f"{shown} is not {what}", do)


_TEXT = _kind("a text", "write a single value")
_MAPPING = _kind("a mapping", "write `key: value` lines below it")
_LIST = _kind("a list", "write `- item` lines below it, or [a, b]")
_WHOLE = _kind("a whole number", "write it without unit and decimal point")
_NUMBER = _kind("a number", "write it without unit, with a decimal point")
_TRUTH = _kind("true or false", "write true or false")
_EXPLANATIONS: dict[str, Callable[[str, Mapping[str, Any]], tuple[str, str]]] = {
    "value_error": lambda _shown, context: _split(context),
    "literal_error": lambda shown, context: _one_of(shown, str(context["expected"])),
    "enum": lambda shown, context: _one_of(shown, str(context["expected"])),
    "union_tag_invalid": lambda _shown, context: _one_of(f"`{context['tag']}`", str(context["expected_tags"])),
    "union_tag_not_found": lambda _shown, context: (f"has no {context.get('discriminator', 'kind')}", "add `kind: …`"),
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "mapping_type": _MAPPING,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "greater_than": _bound("above", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("below", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_short": lambda shown, context: (f"{shown} is shorter than {context['min_length']} characters", "write more"),
    "string_too_long": lambda shown, context: (f"{shown} is longer than {context['max_length']} characters", "shorten it"),
    "too_short": lambda shown, context: (f"{shown} has fewer than {context['min_length']} entries", "add some"),
    "string_pattern_mismatch": lambda shown, context: (f"{shown} does not match {context['pattern']}", "rename it"),
}
