"""Boards as the JSON that Grafana takes. Pure."""

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import province
from dashboards.site import Site, board_uid

Board = dict[str, Any]
_BOARDS = (province,)


def render_boards(site: Site) -> dict[str, Board]:
    """Every board of a site: uid → JSON. The same site gives the same bytes."""
    boards = {}
    for module in _BOARDS:
        uid = board_uid(site.id, module.NAME)
        boards[uid] = json.loads(json.dumps(module.board(site, uid), cls=JSONEncoder))
    return boards


def board_text(board: Board) -> str:
    """A board as a file: sorted keys, Vietnamese as it is, a line end at the end."""
    return json.dumps(board, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
