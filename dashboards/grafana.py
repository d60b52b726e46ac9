"""Grafana's API as publishing needs it, with refusals in sentences."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException, GrafanaTimeoutError

T = TypeVar("T")
_PSEUDO_FOLDER = "sharedwithme"
_NO_TOKEN, _FORBIDDEN, _NOT_FOUND, _FAILED = 401, 403, 404, 500
_CONFLICTS = frozenset({409, 412})


class GrafanaError(Exception):
    """A sentence that says what Grafana refuses and what to do; `status` is its HTTP answer, 0 for none."""

    def __init__(self, detail: str, *, status: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class GrafanaUnreachableError(GrafanaError):
    """Grafana gives no answer, or not Grafana's."""


class Grafana:
    """One Grafana, seen with one service-account token. Every method may raise GrafanaError."""

    def __init__(self, url: str, token: str, *, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        path = parts.path.rstrip("/")
        self.url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        self._api = GrafanaApi.from_url(self.url + "/" if path else self.url, credential=token, timeout=timeout_s)

    def permissions(self) -> frozenset[str] | None:
        """What the token may do, such as `dashboards:create`; None where Grafana doesn't tell."""
        try:
            told = self._call("read the token's permissions", "", self._api.client.GET, "/access-control/user/permissions")
        except GrafanaError as error:
            if error.status in {_FORBIDDEN, _NOT_FOUND}:
                return None
            raise
        return frozenset(told) if isinstance(told, dict) else None

    def folder(self, uid: str) -> dict[str, Any] | None:
        """A folder wherever it lies, or None."""
        return self._find(f"read the folder {uid}", "folders:read", self._api.folder.get_folder, uid)

    def folders(self) -> list[dict[str, Any]]:
        """All top-level folders, without the one that is none."""
        found = self._call("list folders", "folders:read", self._api.folder.get_all_folders)
        return [folder for folder in found if folder.get("uid") != _PSEUDO_FOLDER]

    def create_folder(self, uid: str, title: str) -> None:
        """A new top-level folder."""
        self._call(f"create the folder “{title}”", "folders:create", self._api.folder.create_folder, title, uid)

    def rename_folder(self, uid: str, title: str) -> None:
        """Another title for a folder."""
        self._call(f"rename the folder {uid}", "folders:write", lambda: self._api.folder.update_folder(uid, title=title, overwrite=True))

    def datasource(self, uid: str) -> dict[str, Any] | None:
        """A data source, or None."""
        return self._find(f"read the data source {uid}", "datasources:read", self._api.datasource.get_datasource_by_uid, uid)

    def create_datasource(self, model: dict[str, Any]) -> None:
        """A new data source."""
        self._call(f"create the data source “{model['name']}”", "datasources:create", self._api.datasource.create_datasource, model)

    def update_datasource(self, uid: str, model: dict[str, Any]) -> None:
        """A data source as in `model`."""
        what = f"change the data source “{model['name']}”"
        self._call(what, "datasources:write", self._api.datasource.update_datasource_by_uid, uid, model)

    def board(self, uid: str) -> dict[str, Any] | None:
        """A board with its `dashboard` and `meta`, or None."""
        return self._find(f"read the board {uid}", "dashboards:read", self._api.dashboard.get_dashboard, uid)

    def save_board(self, board: dict[str, Any], *, folder: str, permission: str) -> None:
        """Creates the board, or puts it in place of the version that it names; never over a newer one."""
        request = {"dashboard": board, "folderUid": folder, "overwrite": False, "message": "ioc dashboards apply"}
        self._call(f"save the board “{board.get('title')}”", permission, self._api.dashboard.update_dashboard, request)

    def _find(self, what: str, permission: str, ask: Callable[..., Any], uid: str) -> dict[str, Any] | None:
        try:
            return dict(self._call(what, permission, ask, uid))
        except GrafanaError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _call(self, what: str, permission: str, ask: Callable[..., T], *args: object) -> T:
        try:
            return ask(*args)
        except GrafanaTimeoutError:
            detail = f"Grafana at {self.url} gave no answer in time; it was asked to {what}"
            raise GrafanaUnreachableError(detail) from None
        except GrafanaException as error:
            status = int(error.status_code or 0)
            raise GrafanaError(self._sentence(what, permission, status, _message(error)), status=status) from None
        except niquests.exceptions.JSONDecodeError:
            detail = f"{self.url} does not answer as Grafana does; check the URL"
            raise GrafanaUnreachableError(detail) from None
        except (niquests.exceptions.RequestException, OSError) as error:
            detail = f"Grafana at {self.url} can't be reached ({type(error).__name__}); check the URL and that it runs"
            raise GrafanaUnreachableError(detail) from None

    def _sentence(self, what: str, permission: str, status: int, message: str) -> str:
        words = message.lower()
        if status == _NO_TOKEN:
            return f"Grafana at {self.url} does not accept the token; make a new service-account token and write it into grafana.token_file"
        refuses = f"Grafana refuses to {what}"
        if "provisioned" in words or "read-only" in words:
            return f"{refuses}: {message}; it is managed by a file or by Git, change it there"
        if status == _FORBIDDEN:
            return lacking(what, permission)
        if status in _CONFLICTS and "version" in words:
            return f"{refuses}: somebody has saved it since it was read; plan and apply again"
        if status >= _FAILED:
            return f"Grafana at {self.url} failed ({status}) when asked to {what}: {message}; see its log"
        return f"{refuses} ({status}): {message}"


def lacking(what: str, permission: str) -> str:
    """That the token may not do something, and which permission and role it lacks."""
    role = "Admin" if permission.startswith("datasources") else "Editor"
    return f"the token may not {what}: its service account lacks the permission {permission}, which the role {role} has"


def _message(error: GrafanaException) -> str:
    """Grafana's own words, with its machine-readable status where there is one."""
    response = error.response
    if isinstance(response, dict):
        return " ".join(str(response[key]) for key in ("message", "status") if response.get(key))[:300]
    return str(response or error.message)[:300]
