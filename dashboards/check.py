"""What Grafana would accept and show as an empty or broken board: found before anything is sent. Pure."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

from dashboards.catalogue import Measurement
from dashboards.grid import COLUMNS
from dashboards.influxql import names_in
from dashboards.render import Board

PANEL_TYPES = frozenset(
    {
        "alertlist", "annolist", "barchart", "bargauge", "candlestick", "canvas", "dashlist", "datagrid", "flamegraph", "gauge", "geomap",
        "heatmap", "histogram", "logs", "news", "nodeGraph", "piechart", "row", "stat", "state-timeline", "status-history", "table", "text",
        "timeseries", "traces", "trend", "xychart",
    }
)  # fmt: skip
"""Grafana 11's own."""
_MAX_UID = 40


def check_board(board: Board, *, measurements: Mapping[str, Measurement], datasources: Collection[str]) -> list[str]:
    """A sentence for everything that is wrong; `datasources` are the uids that exist or are about to."""
    panels = [panel for panel, _ in _panels(board)]
    wrong = _head(board) + _ids(panels) + _overlaps(board)
    for panel in panels:
        if panel.get("type") not in PANEL_TYPES:
            wrong.append(f"{_name(panel)}: Grafana has no panel type {panel.get('type')!r}")
        if panel.get("type") != "row":
            wrong += _sources(panel, datasources)
        for target in panel.get("targets", []):
            wrong += [f"{_name(panel)}: {fault}" for fault in query_faults(str(target.get("query", "")), measurements)]
    for variable in board.get("templating", {}).get("list", []):
        if variable.get("type") == "query":
            wrong += [f"variable {variable.get('name')}: {fault}" for fault in query_faults(str(variable.get("query", "")), measurements)]
    return wrong


def query_faults(query: str, measurements: Mapping[str, Measurement]) -> list[str]:
    """What a query names that isn't declared."""
    names = names_in(query)
    unknown = sorted(names.measurements - set(measurements))
    faults = [f"the query names the measurement {name!r}, which nobody writes" for name in unknown]
    if not names.measurements:
        faults.append("the query names no measurement")
    known = {column for name in names.measurements & set(measurements) for column in measurements[name].tags | measurements[name].fields}
    if not unknown:
        of = ", ".join(sorted(names.measurements))
        faults += [f"the query names {name!r}, which is neither a metric nor a tag of {of}" for name in sorted(names.columns - known)]
    return faults


def _head(board: Board) -> list[str]:
    wrong = []
    if not str(board.get("title", "")).strip():
        wrong.append("the board has no title")
    uid = str(board.get("uid", ""))
    if not 0 < len(uid) <= _MAX_UID:
        wrong.append(f"the board's uid {uid!r} must have 1 to {_MAX_UID} characters")
    return wrong


def _ids(panels: list[dict[str, Any]]) -> list[str]:
    seen: dict[object, dict[str, Any]] = {}
    wrong = []
    for panel in panels:
        first = seen.setdefault(panel.get("id"), panel)
        if first is not panel:
            wrong.append(f"{_name(panel)}: has the same id as {_name(first)}")
    return wrong


def _sources(panel: dict[str, Any], datasources: Collection[str]) -> list[str]:
    named = [panel.get("datasource"), *(target.get("datasource") for target in panel.get("targets", []))]
    uids = {str((source or {}).get("uid")) for source in named}
    return [f"{_name(panel)}: there is no data source {uid!r}" for uid in sorted(uids - set(datasources))]


def _overlaps(board: Board) -> list[str]:
    """Panels beyond the grid or on top of each other; those folded into a row lie apart from the rest."""
    layers: dict[object, list[dict[str, Any]]] = {}
    wrong = []
    for panel, layer in _panels(board):
        place = panel.get("gridPos", {})
        x, y, width, height = (place.get(key, -1) for key in "xywh")
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > COLUMNS:
            wrong.append(f"{_name(panel)}: does not fit the grid of {COLUMNS} columns (x={x}, y={y}, w={width}, h={height})")
        layers.setdefault(layer, []).append(panel)
    for panels in layers.values():
        wrong += [f"{_name(a)} and {_name(b)} overlap" for a, b in combinations(panels, 2) if _meet(a, b)]
    return wrong


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    a, b = one.get("gridPos", {}), other.get("gridPos", {})
    try:
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    except KeyError:
        return False
    return not (beside or below)


def _panels(board: Board) -> Iterator[tuple[dict[str, Any], object]]:
    """Every panel, with the id of the row that it is folded into, or None."""
    for panel in board.get("panels", []):
        yield panel, None
        for folded in panel.get("panels") or []:
            yield folded, panel.get("id")


def _name(panel: dict[str, Any]) -> str:
    return f"panel “{panel.get('title') or panel.get('id')}”"
