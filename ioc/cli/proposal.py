"""A learnt family as the file that a person goes on with."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ioc.cli.learning import Proposal

_HEAD = (
    "# Guessed from captured messages: check paths, types, units, scales and codes. A new family also wants labels in both languages,\n"
    "# ranges, its cadence and `headline`. Then: ioc families check THIS_FILE SAMPLES\n"
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|[0-9]+s?")


def proposal_text(proposal: Proposal) -> str:
    """The YAML, with what was seen as comments."""
    document = proposal.document
    lines = [f"{key}: {_flow(document[key])}" for key in ("dialects_of", "family", "labels", "cadence") if key in document]
    if "metrics" in document:
        lines.append("metrics:")
        lines += [f"  {_flow(name)}: {_flow(metric)}  # {proposal.notes[name]}" for name, metric in document["metrics"].items()]
    lines.append("dialects:")
    for name, dialect in document["dialects"].items():
        lines.append(f"  {_flow(name)}:")
        lines += _dialect(dialect)
    return _HEAD + "\n".join(lines) + "\n"


def _dialect(dialect: Mapping[str, Any]) -> Iterator[str]:
    for key, value in dialect.items():
        if key != "fields":
            yield f"    {key}: {_flow(value)}"
            continue
        yield "    fields:"
        for metric, source in value.items():
            yield f"      {_flow(metric)}: {_flow(source)}"


def _flow(value: object) -> str:
    """YAML in one line; whatever is not plain stands in quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
