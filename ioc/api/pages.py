"""The wall's files: static, self-contained, never outside their folder."""

import hashlib
from pathlib import Path

from aiohttp import web
from yarl import URL

WALL = Path(__file__).parent.parent / "wall"


def add_pages(app: web.Application) -> None:
    """`/` leads to `/wall/`, and below it stand the wall's files."""
    app.router.add_get("/", _to_wall)
    app.router.add_get("/wall", _to_wall)
    app.router.add_get("/wall/", _index)
    app.router.add_static("/wall/", WALL, follow_symlinks=False, show_index=False)


def assets_digest() -> str:
    """Changes whenever one of the wall's files does."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(WALL.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(WALL).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


async def _to_wall(request: web.Request) -> web.Response:
    raise web.HTTPFound(URL("/wall/").with_query(request.query))


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(WALL / "index.html")
