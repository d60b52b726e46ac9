"""Paths and secrets that a checked model names: made absolute, looked for, and read."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from ioc.config.document import Document, Step, unreadable
from ioc.config.problem import Problem
from ioc.config.validation import problem_at

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[Step, ...]
FILE_SUFFIX = "_file"
_MAX_SECRET = 64 * 1024


def resolve(model: Model, document: Document, *, path_keys: frozenset[str] = frozenset(), at: Location = ()) -> tuple[Model, list[Problem]]:
    """The model with absolute paths, and with the secret of every `x_file` read into `x`; with it what could not be read.

    Paths are relative to the file that names them, those of environment variables to the working directory. Fields count
    as paths by their type, by the suffix `_file`, or when `path_keys` names them.
    """
    changes: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        here = (*at, name)
        if name.endswith(FILE_SUFFIX) and value is not None:
            change, found = _file(model, document, here, _absolute(value, document, here))
            changes |= change
            problems += found
        elif isinstance(value, Path) or (name in path_keys and isinstance(value, str)):
            changes[name] = type(value)(_absolute(value, document, here))
        elif (below := _resolve_below(value, document, path_keys, here, problems)) is not value:
            changes[name] = below
    return model.model_copy(update=changes), problems


def secrets_of(model: BaseModel) -> Iterator[str]:
    """Every secret that a model holds: what logs must never show."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, SecretStr):
                yield part.get_secret_value()
            elif isinstance(part, BaseModel):
                yield from secrets_of(part)


def _resolve_below(value: Any, document: Document, keys: frozenset[str], at: Location, problems: list[Problem]) -> Any:  # noqa: ANN401  any field
    def one(part: Any, here: Location) -> Any:  # noqa: ANN401  any field
        if isinstance(part, Path):
            return _absolute(part, document, here)
        if not isinstance(part, BaseModel):
            return part
        resolved, found = resolve(part, document, path_keys=keys, at=here)
        problems.extend(found)
        return resolved

    if isinstance(value, tuple):
        return tuple(one(part, (*at, index)) for index, part in enumerate(value))
    if isinstance(value, dict):
        return {key: one(part, (*at, key)) for key, part in value.items()}
    return one(value, at)


def _absolute(path: Path | str, document: Document, at: Location) -> Path:
    node = document.node(at)
    folder = Path.cwd() if node.line is None else Path(node.source).absolute().parent
    return Path(os.path.normpath(folder / Path(path).expanduser()))


def _file(model: BaseModel, document: Document, at: Location, path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The changes that one `x_file` causes: its absolute path, and `x` where the model has such a field; or what is wrong."""
    name = str(at[-1])
    secret = name.removesuffix(FILE_SUFFIX)
    change: dict[str, Any] = {name: type(getattr(model, name))(path)}
    wanted = secret in type(model).model_fields
    if wanted and getattr(model, secret) is not None:
        return change, [problem_at(document, at, f"`{secret}` and `{name}` are both given", f"keep `{name}`")]
    try:
        text = _read(path)
    except OSError as error:
        place = problem_at(document, at, "")
        return change, [unreadable(place.file, error, path=place.path, line=place.line, subject=str(path))]
    if wanted and not text:
        return change, [problem_at(document, at, f"{path} holds no secret: empty, too large or not text", "write the secret into it")]
    return change | ({secret: SecretStr(text)} if wanted else {}), []


def _read(path: Path) -> str:
    """A secret's text without its line end; empty for what can't be a secret."""
    with path.open("rb") as stream:
        raw = stream.read(_MAX_SECRET + 1)
    try:
        return raw.decode("utf-8").rstrip("\r\n") if len(raw) <= _MAX_SECRET else ""
    except UnicodeDecodeError:
        return ""
