"""A fake Grafana over real HTTP that answers as a running 11.0 was seen to: it checks no panels, guards versions, and knows roles."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EDITOR = frozenset({"dashboards:create", "dashboards:read", "dashboards:write", "folders:create", "folders:read", "folders:write"})
ADMIN = EDITOR | {"datasources:create", "datasources:read", "datasources:write"}
VIEWER = frozenset({"dashboards:read", "folders:read"})
Answer = tuple[int, object]


class FakeGrafana:
    """`url`, tokens `admin`, `editor`, `viewer`; what it holds is plain to see and to change."""

    def __init__(self, prefix: str = "") -> None:
        self.tokens = {"admin": ADMIN, "editor": EDITOR, "viewer": VIEWER}
        self.folders: dict[str, dict[str, Any]] = {}
        self.datasources: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.provisioned: dict[str, str] = {}
        self.tells_permissions = True
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.writes: list[str] = []
        handler = type("Handler", (_Handler,), {"grafana": self, "prefix": prefix})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any, token: str) -> Answer:
        """One request's status and JSON."""
        if token not in self.tokens:
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid"}
        self.before(method, path)
        for wanted_method, pattern, permission, act in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match is None or wanted_method != method:
                continue
            if permission and permission not in self.tokens[token]:
                message = f"You'll need additional permissions to perform this action. Permissions needed: {permission}"
                return 403, {"title": "Access denied", "message": message}
            if method != "GET":
                self.writes.append(f"{method} {path}")
            return act(self, body, *match.groups(), **({"token": token} if path.endswith("permissions") else {}))
        return 404, {"message": "Not found"}

    def permissions(self, _body: object, *, token: str) -> Answer:
        """Permission → scopes."""
        if not self.tells_permissions:
            return 404, {"message": "Not found"}
        return 200, {permission: ["*"] for permission in self.tokens[token]}

    def list_folders(self, _body: object) -> Answer:
        """A pseudo-folder first."""
        return 200, [{"id": 0, "uid": "sharedwithme", "title": "Shared with me"}, *self.folders.values()]

    def get_folder(self, _body: object, uid: str) -> Answer:
        """By uid."""
        return (200, self.folders[uid]) if uid in self.folders else (404, {"message": "folder not found", "status": "not-found"})

    def create_folder(self, body: dict[str, Any]) -> Answer:
        """A title is taken once."""
        if any(folder["title"] == body["title"] for folder in self.folders.values()):
            return 409, {"message": "a folder with the same name already exists"}
        self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"], "version": 1}
        return 200, self.folders[body["uid"]]

    def update_folder(self, body: dict[str, Any], uid: str) -> Answer:
        """Another title."""
        if uid not in self.folders:
            return 404, {"message": "folder not found"}
        self.folders[uid]["title"] = body["title"]
        return 200, self.folders[uid]

    def get_datasource(self, _body: object, uid: str) -> Answer:
        """Without secrets."""
        if uid not in self.datasources:
            return 404, {"message": "Data source not found"}
        shown = {key: value for key, value in self.datasources[uid].items() if key != "secureJsonData"}
        return 200, shown | {"secureJsonFields": dict.fromkeys(self.datasources[uid].get("secureJsonData", {}), True)}

    def create_datasource(self, body: dict[str, Any]) -> Answer:
        """Nothing behind it is needed."""
        self.datasources[body["uid"]] = {"id": len(self.datasources) + 1, "readOnly": False, "orgId": 1, **body}
        return 200, {"message": "Datasource added", "datasource": body}

    def update_datasource(self, body: dict[str, Any], uid: str) -> Answer:
        """Not a provisioned one."""
        if self.datasources[uid]["readOnly"]:
            return 403, {"message": "Cannot update read-only data source"}
        self.datasources[uid] |= body
        return 200, {"message": "Datasource updated"}

    def get_board(self, _body: object, uid: str) -> Answer:
        """With its place and whether a file provides it."""
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found"}
        stored = self.boards[uid]
        file = self.provisioned.get(uid, "")
        folder = self.folders.get(stored["folder"], {})
        meta = {
            "folderUid": stored["folder"],
            "folderTitle": folder.get("title", "General"),
            "provisioned": bool(file),
            "provisionedExternalId": file,
        }
        return 200, {"dashboard": stored["dashboard"], "meta": meta}

    def save_board(self, body: dict[str, Any]) -> Answer:
        """Any panels, but no empty title, no unknown folder, no older version, no provisioned board."""
        board = body["dashboard"]
        uid, folder = board["uid"], body.get("folderUid", "")
        if not board.get("title", "").strip():
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        if folder and folder not in self.folders:
            return 400, {"message": "folder not found", "status": "not-found"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        there = self.boards.get(uid)
        if there is not None and board.get("version") != there["dashboard"]["version"] and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = 1 if there is None else there["dashboard"]["version"] + 1
        self.boards[uid] = {"folder": folder, "dashboard": {**board, "id": len(self.boards) + 1, "version": version}}
        return 200, {"status": "success", "uid": uid, "version": version, "url": f"/d/{uid}"}


_ROUTES: list[tuple[str, str, str, Callable[..., Answer]]] = [
    ("GET", "/api/access-control/user/permissions", "", FakeGrafana.permissions),
    ("GET", "/api/folders", "folders:read", FakeGrafana.list_folders),
    ("POST", "/api/folders", "folders:create", FakeGrafana.create_folder),
    ("GET", "/api/folders/([^/]+)", "folders:read", FakeGrafana.get_folder),
    ("PUT", "/api/folders/([^/]+)", "folders:write", FakeGrafana.update_folder),
    ("POST", "/api/datasources", "datasources:create", FakeGrafana.create_datasource),
    ("GET", "/api/datasources/uid/([^/]+)", "datasources:read", FakeGrafana.get_datasource),
    ("PUT", "/api/datasources/uid/([^/]+)", "datasources:write", FakeGrafana.update_datasource),
    ("GET", "/api/dashboards/uid/([^/]+)", "dashboards:read", FakeGrafana.get_board),
    ("POST", "/api/dashboards/db", "dashboards:create", FakeGrafana.save_board),
]


class _Handler(BaseHTTPRequestHandler):
    grafana: FakeGrafana
    prefix: str
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = self.path.partition("?")[0].removeprefix(self.prefix)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, answer = self.grafana.answer(self.command, path, body, token)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815  http.server's names

    def log_message(self, *_words: object) -> None:
        """Stays quiet."""
