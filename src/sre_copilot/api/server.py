"""The application: every noun below `/api/v1`, the same below `/api` as earlier agents had it, health beside them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from sre_copilot import __version__
from sre_copilot.api import (
    anomalies,
    baseline,
    changes,
    health,
    investigations,
    predictions,
    status,
    tokens,
)
from sre_copilot.api.problems import install, respond
from sre_copilot.app.serving import Service

NOUNS = (status, anomalies, baseline, predictions, investigations, changes, tokens)
PLACES = (("", health), ("", status), *((prefix, noun) for prefix in ("/api/v1", "/api") for noun in NOUNS))
LARGEST_BODY = 1_000_000  # bytes: the webhooks that are taken have a few kilobytes
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def create_app(service: Service) -> FastAPI:
    """Return the application that answers for a service."""
    app = FastAPI(
        title="SRE Copilot",
        version=__version__,
        description="What is abnormal, what will be, and what caused it; each answer with its evidence.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    install(app)
    for prefix, noun in PLACES:
        app.include_router(noun.routes.router, prefix=prefix, include_in_schema=prefix != "/api")
    app.middleware("http")(_limits(service))
    return app


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Every route with its whole path."""
    for prefix, noun in PLACES:
        for route in noun.routes.router.routes:
            if isinstance(route, APIRoute):
                yield prefix + route.path, route


def _limits(service: Service) -> Callable[..., Awaitable[Response]]:
    async def limits(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "0")
        if not re.fullmatch(r"\d+", length) or int(length) > LARGEST_BODY:
            response: Response = respond(
                request, 413, f"body: may have at most {LARGEST_BODY:,} bytes", field="body"
            )
        elif request.method in {"POST", "PUT"} and "transfer-encoding" in request.headers:
            response = respond(
                request, 411, "body: state its length (Content-Length)", field="content-length"
            )
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        route = request.scope.get("route")
        shown = route.path if isinstance(route, APIRoute) else "none"
        service.own.requests.labels(request.method, shown, str(response.status_code)).inc()
        return response

    return limits
