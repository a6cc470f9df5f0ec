"""What holds for every request: how long its body may be, which headers every answer has, and that it is counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sre_copilot.api.intake_limits import largest_body
from sre_copilot.api.problems import respond
from sre_copilot.app.serving import Service
from sre_copilot.telemetry import METHODS

LARGEST_BODY = 1_000_000  # bytes: the webhooks that are taken have a few kilobytes
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Limits:
    """Stands before the application; `allowed` gives the methods that there are at a path."""

    def __init__(self, app: ASGIApp, *, service: Service, allowed: Callable[[Request], str]) -> None:
        self._app = app
        self._service = service
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(request, message)
            await send(message)

        await (self._refusal(request) or self._app)(scope, receive, noted)

    def _refusal(self, request: Request) -> Response | None:
        """The answer for what does not get any further."""
        intake = self._service.settings.alerting.intake
        alerts = largest_body(request.scope["path"], intake)
        largest = alerts or LARGEST_BODY
        length = request.headers.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", length) or int(length) > largest:
            return respond(request, 413, f"body: may have at most {largest:,} bytes", field="body")
        unknown = request.method in {"POST", "PUT"} and "transfer-encoding" in request.headers
        if unknown and alerts is None:  # where alerts come in, the bytes are counted as they come
            return respond(request, 411, "body: state its length (Content-Length)", field="content-length")
        if "\0" in request.scope["path"] + unquote(request.scope["query_string"].decode("latin-1")):
            return respond(request, 400, "the address: holds a zero character; leave it out")
        if request.method == "OPTIONS" and (allowed := self._allowed(request)):
            return Response(status_code=204, headers={"Allow": allowed})
        return None

    def _note(self, request: Request, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if start["status"] == 405 and (allowed := self._allowed(request)):
            headers["Allow"] = allowed
        route = request.scope.get("route")
        shown = route.path if isinstance(route, Route) else "none"
        method = request.method if request.method in METHODS else "other"
        self._service.own.requests.labels(method, shown, str(start["status"])).inc()
