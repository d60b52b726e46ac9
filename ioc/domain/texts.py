"""Lists of texts in hand-written files, where a single one needs no brackets."""

from typing import Annotated

from pydantic import BeforeValidator


def as_list(value: object) -> object:
    """One text for a list of one."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(as_list)]
"""A pydantic field."""
