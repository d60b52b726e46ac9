"""InfluxQL: targets for panels, and what a query names. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery

_TOKEN = re.compile(
    r"""
    (?P<text>'(?:\\.|[^'\\])*')
  | (?P<pattern>=~\s*/(?:\\.|[^/\\])*/)
  | (?P<name>"(?:\\.|[^"\\])*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<other>\S)
    """,
    re.VERBOSE,
)


class InfluxQLQuery(Dataquery):
    """The data source's query model, as JSON."""

    def __init__(self, *, uid: str, query: str, alias: str, table: bool, ref: str) -> None:
        self._json: dict[str, object] = {
            "refId": ref,
            "datasource": {"type": "influxdb", "uid": uid},
            "query": query,
            "rawQuery": True,
            "resultFormat": "table" if table else "time_series",
            **({"alias": alias} if alias else {}),
        }

    def to_json(self) -> dict[str, object]:
        """The target of a panel."""
        return self._json


class Target(Builder[Dataquery]):
    """One query of a panel; `alias` names its series and may use $tag_<name>."""

    def __init__(self, uid: str, query: str, *, alias: str = "", table: bool = False, ref: str = "A") -> None:
        self._query = InfluxQLQuery(uid=uid, query=query, alias=alias, table=table, ref=ref)

    def build(self) -> Dataquery:
        """The query."""
        return self._query


@dataclass(frozen=True, slots=True)
class Names:
    """What a query refers to: measurements, quoted names that it doesn't define itself."""

    measurements: frozenset[str]
    columns: frozenset[str]


def names_in(query: str) -> Names:
    """Measurements (quoted names after FROM) and columns (all other quoted names but aliases) of a query."""
    measurements: set[str] = set()
    columns: set[str] = set()
    aliases: set[str] = set()
    before = ""
    for kind, text in _tokens(query):
        if kind == "name":
            name = re.sub(r"\\(.)", r"\1", text[1:-1])
            {"FROM": measurements, "AS": aliases}.get(before, columns).add(name)
        before = text.upper() if kind == "word" else ""
    return Names(frozenset(measurements), frozenset(columns - aliases))


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(query):
        yield str(match.lastgroup), match[0]
