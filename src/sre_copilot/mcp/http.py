"""`/mcp` of a running server: streamable HTTP, a token as elsewhere, and its role."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sre_copilot.app.desk import Desk
from sre_copilot.mcp.offer import CALLER, Caller
from sre_copilot.store.tokens import Token

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"
NO_TOKEN = "a token is needed: send Authorization: Bearer TOKEN; `sre-copilot token create` makes one"  # noqa: S105


def mount(app: FastAPI, desk: Desk) -> None:
    """Let an application answer at `/mcp`."""
    app.router.routes.append(Route(PATH, endpoint=Endpoint(desk)))


class Endpoint:
    """Lets requests with a token through to the protocol, whose library is loaded with the first of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._starting: asyncio.Future[StreamableHTTPSessionManager] | None = None
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        token = await asyncio.to_thread(self._token, request)
        if token is None:
            answer = _problem(request, 401, NO_TOKEN, {"WWW-Authenticate": "Bearer"})
            return await answer(scope, receive, send)
        if (
            request.method != "POST"
        ):  # nothing is kept between two requests, so there is no stream to listen to
            answer = _problem(request, 405, "only POST is answered here", {"Allow": "POST"})
            return await answer(scope, receive, send)
        caller = Caller(token.role, f"{token.name} (token {token.id})", token.id)
        manager = await self._manager()
        return await manager.handle_request({**scope, CALLER: caller}, receive, send)

    def _token(self, request: Request) -> Token | None:
        scheme, _, plain = request.headers.get("authorization", "").partition(" ")
        plain = plain.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        service = self._desk.service
        return service.tokens.recognise(plain, now=service.clock.now()) if plain else None

    async def _manager(self) -> StreamableHTTPSessionManager:
        """The one that answers; begun once, it ends with the loop."""
        if self._starting is None or self._starting.cancelled():
            self._starting = asyncio.get_running_loop().create_future()
            self._running = asyncio.create_task(self._run(self._starting))
        return await asyncio.shield(self._starting)

    async def _run(self, started: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        try:
            from sre_copilot.mcp.live import manager_of  # noqa: PLC0415 - a second, and 20 MB, only for those who use it

            manager = await asyncio.to_thread(manager_of, self._desk)
            async with manager.run():
                started.set_result(manager)
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - handed on to the request that waits for it
            if not started.done():
                started.set_exception(error)
            self._starting = None


def _problem(request: Request, status: int, detail: str, headers: dict[str, str]) -> JSONResponse:
    content = {"type": "about:blank", "status": status, "detail": detail, "instance": request.url.path}
    return JSONResponse(content, status_code=status, headers=headers, media_type="application/problem+json")
