"""A receiver of declared requests: keeps what it got, and answers as it is told or as its token server would."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Gateway:
    """`answers` are (status, document, headers) in turn, the last one stays; a status of 0 breaks the connection off, -1 never answers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[tuple[int, object, dict[str, str]]] = [(200, {"error": 0}, {})]

    def says(self, *answers: tuple[int, object] | tuple[int, object, dict[str, str]]) -> None:
        """What the next requests get."""
        self.answers = [(answer[0], answer[1], answer[2] if len(answer) > 2 else {}) for answer in answers]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        seen: dict[str, Any] = {"method": request.method, "query": dict(request.query), "headers": dict(request.headers)}
        seen["body"] = await request.read()
        seen["json"] = await request.json() if request.content_type == "application/json" else None
        seen["form"] = dict(await request.post()) if request.content_type == "application/x-www-form-urlencoded" else None
        self.requests.append(seen)
        return await self._answer(request, *(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))

    async def _answer(self, request: web.Request, status: int, document: object, headers: dict[str, str]) -> web.StreamResponse:
        if status == -1:
            await asyncio.Event().wait()
        if status == 0:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(document, bytes):
            return web.Response(status=status, body=document, headers=headers)
        return web.json_response(document, status=status, headers=headers)

    def server(self) -> TestServer:
        """A server for it, to be entered; every path leads here."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return TestServer(app)


class TokenServer(Gateway):
    """An authorisation server whose refresh tokens serve once; `lose` = it renews, but its answer does not arrive."""

    def __init__(self, first: str = "r0") -> None:
        super().__init__()
        self.current = first
        self.access = ""
        self.turn = 0
        self.lose = 0
        self.life = "90000"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One renewal."""
        form = dict(await request.post())
        self.requests.append({"form": form, "headers": dict(request.headers)})
        if form.get("refresh_token") != self.current:
            return web.json_response({"error": -14020, "error_name": "Invalid refresh token"})
        self.turn += 1
        self.current, self.access = f"r{self.turn}", f"a{self.turn}"
        if self.lose:
            self.lose -= 1
            return await self._answer(request, 0, None, {})
        return web.json_response({"access_token": self.access, "refresh_token": self.current, "expires_in": self.life})
