"""The application: every noun below `/api/v1`, the same below `/api` as earlier agents had it, health beside them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import unquote

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sre_copilot import __version__
from sre_copilot.api import (
    anomalies,
    baseline,
    changes,
    chat,
    conversations,
    health,
    investigate,
    investigations,
    invitations,
    knowledge,
    page,
    predictions,
    rooms,
    status,
    team,
    tokens,
)
from sre_copilot.api.browser_sessions import Sessions
from sre_copilot.api.guard import BODILESS
from sre_copilot.api.problems import install, respond
from sre_copilot.api.views import Json
from sre_copilot.app.calling import Calling
from sre_copilot.app.desk import Desk
from sre_copilot.app.serving import Service
from sre_copilot.telemetry import METHODS

NOUNS = (
    status,
    anomalies,
    baseline,
    predictions,
    investigations,
    changes,
    tokens,
    invitations,
    knowledge,
    rooms,
    chat,
    conversations,
    investigate,
    team,
)
PLACES = (
    ("", page),
    ("", health),
    ("", status),
    *((prefix, noun) for prefix in ("/api/v1", "/api") for noun in NOUNS),
)
LARGEST_BODY = 1_000_000  # bytes: the webhooks that are taken have a few kilobytes
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def create_app(service: Service, desk: Desk | None = None) -> FastAPI:
    """Return the application that answers for a service; questions to the team are asked at the desk."""
    app = FastAPI(
        title="SRE Copilot",
        version=__version__,
        description="What is abnormal, what will be, and what caused it; each answer with its evidence.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # else the answer would send whoever asks to the host that the request names
        default_response_class=Json,
    )
    app.state.service = service
    app.state.sessions = Sessions(service.clock)
    app.state.desk = desk or Desk(service)
    app.state.calling = Calling(app.state.desk)
    service.closing.append(app.state.desk.close)
    install(app)
    for prefix, noun in PLACES:
        app.include_router(noun.routes.router, prefix=prefix, include_in_schema=prefix != "/api")
    app.middleware("http")(_limits(service))
    app.add_middleware(HeadIsGet)
    return app


class HeadIsGet:
    """Answers HEAD as GET without its body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", BODILESS: True}, receive, bodiless)


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Every route with its whole path."""
    for prefix, noun in PLACES:
        for route in noun.routes.router.routes:
            if isinstance(route, APIRoute):
                yield prefix + route.path, route


def _limits(service: Service) -> Callable[..., Awaitable[Response]]:
    async def limits(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "0")
        asked = request.scope["path"] + unquote(request.scope["query_string"].decode("latin-1"))
        if not re.fullmatch(r"[0-9]{1,18}", length) or int(length) > LARGEST_BODY:
            response: Response = respond(
                request, 413, f"body: may have at most {LARGEST_BODY:,} bytes", field="body"
            )
        elif request.method in {"POST", "PUT"} and "transfer-encoding" in request.headers:
            response = respond(
                request, 411, "body: state its length (Content-Length)", field="content-length"
            )
        elif "\0" in asked:
            response = respond(request, 400, "the address: holds a zero character; leave it out")
        elif request.method == "OPTIONS" and (allowed := _allowed(request)):
            response = Response(status_code=204, headers={"Allow": allowed})
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if response.status_code == 405 and (allowed := _allowed(request)):
            response.headers["Allow"] = allowed
        route = request.scope.get("route")
        shown = route.path if isinstance(route, APIRoute) else "none"
        method = request.method if request.method in METHODS else "other"
        service.own.requests.labels(method, shown, str(response.status_code)).inc()
        return response

    return limits


def _allowed(request: Request) -> str:
    """The methods that there are at the path of a request."""
    methods = {
        method
        for path, route in routes()
        if compile_path(path)[0].fullmatch(request.url.path)
        for method in route.methods or ()
    }
    more = {"OPTIONS", *(["HEAD"] if "GET" in methods else [])} if methods else set()
    return ", ".join(sorted(methods | more))
