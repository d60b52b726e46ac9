"""Boards into Grafana: what would change, and the change itself. Only our own folder, data source and boards are touched."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from dashboards.catalogue import Measurement, catalogue
from dashboards.check import check_board
from dashboards.difference import differences
from dashboards.grafana import Grafana, GrafanaError, GrafanaUnreachableError, lacking
from dashboards.render import Board, render_boards
from dashboards.site import Site, folder_uid

_SERVERS_OWN = ("id", "version", "iteration", "schemaVersion")
"""Keys of a board that Grafana keeps itself."""


class Verdict(StrEnum):
    """What happens to a thing."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing in Grafana; `details` are the differences, or why it is refused."""

    kind: str
    """folder, data source or board."""
    name: str
    uid: str
    verdict: Verdict
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.verdict:<9} {self.kind} “{self.name}” ({self.uid})", *(f"  {detail}" for detail in self.details)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Data source, folder and boards in the order in which they are changed."""

    changes: tuple[Change, ...]

    @property
    def refused(self) -> tuple[Change, ...]:
        """What can't be done, with the reasons."""
        return tuple(change for change in self.changes if change.verdict is Verdict.REFUSED)

    @property
    def empty(self) -> bool:
        """Whether Grafana holds all of it already."""
        return all(change.verdict is Verdict.UNCHANGED for change in self.changes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasource:
    """InfluxDB as Grafana shall read it, by InfluxQL."""

    uid: str
    name: str
    url: str
    bucket: str
    token: str = field(repr=False)

    def model(self) -> dict[str, Any]:
        """Grafana's model. It never gives a secret back, so a fingerprint beside it shows when the token changes."""
        return {
            "uid": self.uid,
            "name": self.name,
            "type": "influxdb",
            "access": "proxy",
            "url": self.url,
            "jsonData": {
                "version": "InfluxQL",
                "dbName": self.bucket,
                "httpMode": "GET",
                "httpHeaderName1": "Authorization",
                "iocTokenFingerprint": hashlib.sha256(self.token.encode()).hexdigest()[:12],
            },
            "secureJsonData": {"httpHeaderValue1": f"Token {self.token}"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that a site wants to have in Grafana."""

    folder_uid: str
    folder_title: str
    datasource: Datasource
    boards: Mapping[str, Board]
    measurements: Mapping[str, Measurement]


def wanted(site: Site, *, folder: str, store_url: str, bucket: str, token: str) -> Wanted:
    """A site's folder, data source and boards; `store_url` is InfluxDB as Grafana reaches it, `token` may read the bucket."""
    return Wanted(
        folder_uid=folder_uid(site.id),
        folder_title=folder,
        datasource=Datasource(uid=site.datasource_uid, name=f"IOC {site.name}", url=store_url, bucket=bucket, token=token),
        boards=render_boards(site),
        measurements=catalogue(site.families),
    )


def plan(grafana: Grafana, wish: Wanted) -> Plan:
    """What `apply` would do; changes nothing. GrafanaUnreachableError without Grafana, GrafanaError for a token that it doesn't know."""
    allowed = grafana.permissions()
    source, folder, uid = _plan_datasource(grafana, wish.datasource), *_plan_folder(grafana, wish)
    boards = [_plan_board(grafana, board, uid, wish) for board in wish.boards.values()]
    return Plan(changes=tuple(_permitted(change, allowed) for change in (source, folder, *boards)))


def apply(grafana: Grafana, wish: Wanted) -> Plan:
    """Brings Grafana to the wish and says what was done. Nothing is changed where data source or folder are refused.

    A board that is refused doesn't hold up the others. What it creates or updates is read back; a difference is told.
    """
    planned = plan(grafana, wish)
    source, folder, *boards = planned.changes
    if any(change.verdict is Verdict.REFUSED for change in (source, folder)):
        return planned
    done: list[Change] = []
    for change in (source, folder):
        done.append(_carry_out(change, grafana, wish))
        if done[-1].verdict is Verdict.REFUSED:
            return Plan(changes=tuple(done))
    return Plan(changes=(*done, *(_save(change, grafana, wish, folder.uid) for change in boards)))


# Planning


def _plan_datasource(grafana: Grafana, wish: Datasource) -> Change:
    new = Change(kind="data source", name=wish.name, uid=wish.uid, verdict=Verdict.CREATE)
    try:
        there = grafana.datasource(wish.uid)
    except GrafanaUnreachableError:
        raise
    except GrafanaError as error:
        return _refused(new, error)
    if there is None:
        return new
    if there.get("readOnly"):
        return replace(new, verdict=Verdict.UNCHANGED, details=("is managed by a file in Grafana and stays as it is",))
    model = wish.model()
    del model["secureJsonData"]
    seen = {key: there.get(key) for key in model} | {"jsonData": {key: (there.get("jsonData") or {}).get(key) for key in model["jsonData"]}}
    return _compared(new, differences(seen, model))


def _plan_folder(grafana: Grafana, wish: Wanted) -> tuple[Change, str]:
    """The folder's change and its uid: a folder of the wished title that is there already is taken as it is."""
    new = Change(kind="folder", name=wish.folder_title, uid=wish.folder_uid, verdict=Verdict.CREATE)
    try:
        ours = grafana.folder(wish.folder_uid)
        same = None if ours is not None else next((one for one in grafana.folders() if one["title"] == wish.folder_title), None)
    except GrafanaUnreachableError:
        raise
    except GrafanaError as error:
        return _refused(new, error), new.uid
    if ours is not None:
        return _compared(new, differences({"title": ours["title"]}, {"title": wish.folder_title})), new.uid
    if same is not None:
        return replace(new, uid=same["uid"], verdict=Verdict.UNCHANGED), same["uid"]
    return new, new.uid


def _plan_board(grafana: Grafana, board: Board, folder: str, wish: Wanted) -> Change:
    new = Change(kind="board", name=str(board.get("title")), uid=str(board.get("uid")), verdict=Verdict.CREATE)
    faults = check_board(board, measurements=wish.measurements, datasources={wish.datasource.uid})
    if faults:
        return replace(new, verdict=Verdict.REFUSED, details=tuple(faults))
    try:
        there = grafana.board(new.uid)
    except GrafanaUnreachableError:
        raise
    except GrafanaError as error:
        return _refused(new, error)
    if there is None:
        return new
    meta = there.get("meta", {})
    if meta.get("provisioned"):
        file = meta.get("provisionedExternalId") or "a file"
        return replace(new, verdict=Verdict.REFUSED, details=(f"is provisioned from {file}; change it there, or remove it there first",))
    if meta.get("folderUid", "") != folder:
        where = meta.get("folderTitle") or "another folder"
        return replace(new, verdict=Verdict.REFUSED, details=(f"its uid is taken by a board in “{where}”; move or delete that one",))
    return _compared(new, differences(_own(there["dashboard"]), _own(board)))


_NEEDED = {
    ("data source", Verdict.CREATE): "datasources:create",
    ("data source", Verdict.UPDATE): "datasources:write",
    ("folder", Verdict.CREATE): "folders:create",
    ("folder", Verdict.UPDATE): "folders:write",
    ("board", Verdict.CREATE): "dashboards:create",
    ("board", Verdict.UPDATE): "dashboards:write",
}


def _permitted(change: Change, allowed: frozenset[str] | None) -> Change:
    """The change, or its refusal where the token is known to lack the permission."""
    permission = _NEEDED.get((change.kind, change.verdict))
    if permission is None or allowed is None or permission in allowed:
        return change
    return replace(change, verdict=Verdict.REFUSED, details=(lacking(f"{change.verdict} it", permission),))


def _compared(new: Change, found: tuple[str, ...]) -> Change:
    return replace(new, verdict=Verdict.UPDATE if found else Verdict.UNCHANGED, details=found)


def _refused(change: Change, error: GrafanaError) -> Change:
    return replace(change, verdict=Verdict.REFUSED, details=(error.detail,))


def _own(board: Board) -> Board:
    return {key: value for key, value in board.items() if key not in _SERVERS_OWN}


# Carrying out


def _carry_out(change: Change, grafana: Grafana, wish: Wanted) -> Change:
    try:
        match change.kind, change.verdict:
            case "data source", Verdict.CREATE:
                grafana.create_datasource(wish.datasource.model())
            case "data source", Verdict.UPDATE:
                grafana.update_datasource(change.uid, wish.datasource.model())
            case "folder", Verdict.CREATE:
                grafana.create_folder(change.uid, change.name)
            case "folder", Verdict.UPDATE:
                grafana.rename_folder(change.uid, change.name)
            case _:
                pass
    except GrafanaUnreachableError:
        raise
    except GrafanaError as error:
        return _refused(change, error)
    return change


def _save(change: Change, grafana: Grafana, wish: Wanted, folder: str) -> Change:
    if change.verdict not in {Verdict.CREATE, Verdict.UPDATE}:
        return change
    board = wish.boards[change.uid]
    try:
        there = grafana.board(change.uid) if change.verdict is Verdict.UPDATE else None
        version = {} if there is None else {"id": there["dashboard"].get("id"), "version": there["dashboard"].get("version")}
        permission = "dashboards:create" if there is None else "dashboards:write"
        grafana.save_board({**board, **version}, folder=folder, permission=permission)
        stored = grafana.board(change.uid)
    except GrafanaUnreachableError:
        raise
    except GrafanaError as error:
        return _refused(change, error)
    kept = differences(_own(board), _own(stored["dashboard"])) if stored is not None else ("the board is not there after saving",)
    return replace(change, details=(*change.details, *(f"Grafana has stored it otherwise: {line}" for line in kept)))
