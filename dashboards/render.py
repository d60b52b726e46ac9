"""Boards as the JSON that Grafana takes. Pure."""

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import province
from dashboards.site import Site, board_uid

Board = dict[str, Any]
_LATER = frozenset({"allowCustomValue", "auto", "auto_count", "auto_min", "perPage", "percentChangeColorMode"})
"""Defaults that the typed models write, but that Grafana 11.0's schema of variables and panel options doesn't know."""
_BOARDS = (province,)


def render_boards(site: Site) -> dict[str, Board]:
    """Every board of a site: uid → JSON. The same site gives the same bytes."""
    boards = {}
    for module in _BOARDS:
        uid = board_uid(site.id, module.NAME)
        boards[uid] = _for_grafana_11(json.loads(json.dumps(module.board(site, uid), cls=JSONEncoder)))
    return boards


def board_text(board: Board) -> str:
    """A board as a file: sorted keys, Vietnamese as it is, a line end at the end."""
    return json.dumps(board, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _for_grafana_11(board: Board) -> Board:
    for variable in board["templating"]["list"]:
        _drop_later(variable)
    for panel in board["panels"]:
        for one in (panel, *(panel.get("panels") or ())):
            _drop_later(one.get("options", {}))
    return board


def _drop_later(keys: dict[str, Any]) -> None:
    for key in _LATER & keys.keys():
        del keys[key]
