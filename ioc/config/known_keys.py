"""Which keys a pydantic model knows at a place, to name the nearest one to a misspelt key."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, Tag

Location = tuple[str | int, ...]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, or None where nothing comes near."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], *, noun: str) -> str:
    """What to do about an unknown word: the nearest known one, or all of them."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"known {noun}: {', '.join(names)}" if names else "remove it"


def known_keys(model: type[BaseModel], location: Location) -> set[str]:
    """The keys of the mapping at a location as pydantic's errors give it (labels of unions included)."""
    return {key for annotation in annotations_at(model, location) for key in _keys(annotation)}


def annotations_at(annotation: object, location: Location) -> list[object]:
    """The declared types that a value at this location may have."""
    candidates = list(_alternatives(annotation))
    for step in location:
        below = [found for _, candidate in candidates for found in _below(candidate, step)]
        if below:
            candidates = below
            continue
        labelled = [(labels, candidate) for labels, candidate in candidates if str(step) in labels]
        candidates = labelled or candidates
    return [candidate for _, candidate in candidates]


def _keys(annotation: object) -> Iterator[str]:
    if _is_model(annotation):
        for name, field in annotation.model_fields.items():
            yield field.alias or name


def _below(annotation: object, step: str | int) -> list[tuple[frozenset[str], object]]:
    if _is_model(annotation):
        for name, field in annotation.model_fields.items():
            if step in {name, field.alias}:
                return list(_alternatives(field.annotation, field.metadata))
        return []
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {list, tuple, set, frozenset} and isinstance(step, int) and arguments:
        return list(_alternatives(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(step, str) and len(arguments) == 2:  # noqa: PLR2004  key, value
        return list(_alternatives(arguments[1]))
    return []


def _alternatives(annotation: object, metadata: Iterable[object] = ()) -> Iterator[tuple[frozenset[str], object]]:
    """The members of a union with the labels that pydantic's locations give them."""
    tags = frozenset(item.tag for item in metadata if isinstance(item, Tag))
    value = getattr(annotation, "__value__", None)
    if value is not None:
        yield from _alternatives(value, metadata)
    elif get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        yield from _alternatives(inner, (*metadata, *extra))
    elif get_origin(annotation) in {Union, types.UnionType}:
        for member in get_args(annotation):
            for labels, alternative in _alternatives(member):
                yield labels | tags, alternative
    else:
        yield tags | _labels(annotation), annotation


def _labels(annotation: object) -> frozenset[str]:
    if not _is_model(annotation):
        return frozenset()
    labels = {annotation.__name__}
    for field in annotation.model_fields.values():
        if get_origin(field.annotation) is Literal:
            labels.update(str(value) for value in get_args(field.annotation))
    return frozenset(labels)


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401  whatever stands in a declaration
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
