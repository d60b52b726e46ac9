"""The wall's files, read once at the start: nothing else can ever be served from here."""

import hashlib
from pathlib import Path

import msgspec
from aiohttp import web
from yarl import URL

from ioc.api.problem import ProblemError

WALL = Path(__file__).parent.parent / "wall"
_TYPES = {".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml", ".html": "text/html", ".css": "text/css"}


class Asset(msgspec.Struct, frozen=True):
    """One file as it is served."""

    body: bytes
    content_type: str
    etag: str


class Pages:
    """`/` leads to `/wall/`, and below it stand the wall's files."""

    def __init__(self, folder: Path = WALL) -> None:
        self._assets = {path.relative_to(folder).as_posix(): _asset(path) for path in sorted(folder.rglob("*")) if _served(path)}
        self.digest = _digest("".join(f"{name}\0{asset.etag}\0" for name, asset in self._assets.items()).encode())
        """Changes whenever one of the files does."""

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Registers the addresses."""
        router.add_get("/", _to_wall)
        router.add_get("/wall", _to_wall)
        router.add_get("/wall/{path:.*}", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["path"] or "index.html")
        if asset is None:
            raise ProblemError(404, "There is nothing at this address; the wall begins at /wall/.")
        # Screens run for months: they ask every time, and get the body when it is another.
        headers = {"Cache-Control": "no-cache", "ETag": f'"{asset.etag}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)


async def _to_wall(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": str(URL("/wall/").with_query(request.query))})


def _served(path: Path) -> bool:
    return path.is_file() and path.suffix in _TYPES


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, _TYPES[path.suffix], _digest(body))


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()
