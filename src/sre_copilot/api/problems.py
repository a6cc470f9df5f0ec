"""Errors as RFC 9457 problem documents (`application/problem+json`), each naming the field and the way out."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.telemetry import log

Page = Callable[[Request, int], Response]
WAYS_IN = ("/api/v2/alerts", "/api/v1/intake/", "/api/intake/", "/alerts/event/", "/v2/enqueue")
EVERY_S = 60.0
MEDIA_TYPE = "application/problem+json"
AGAIN_S = 5  # advised while the store or what stands behind does not answer
_log = log(__name__)


class Problem(Exception):  # noqa: N818 - it is an answer
    """An answer that is no success."""

    def __init__(
        self, status: int, detail: str, *, field: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers or {}
        self.page: Page | None = None
        """Writes what a browser is shown instead."""


class TurnedAway:
    """Says in the log that a system's alerts are refused: its own log is seldom looked at. Once a minute for each address."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def note(self, request: Request, status: int) -> None:
        """Note an answer."""
        path = next((each for each in WAYS_IN if request.url.path.startswith(each)), "")
        if status not in (401, 403) or not path or request.method != "POST":
            return
        now = time.monotonic()
        if now - self._said.get(path, -EVERY_S) >= EVERY_S:
            self._said[path] = now
            _log.warning(
                "alerts are refused: their sender has no token that may send", path=path, status=status
            )


def document(request: Request, status: int, detail: str, errors: list[dict[str, str]]) -> dict[str, Any]:
    """The problem document."""
    found: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    return {**found, "errors": errors} if errors else found


def respond(
    request: Request, status: int, detail: str, *, field: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """The answer for one problem."""
    errors = [{"field": field, "problem": detail}] if field else []
    return JSONResponse(
        document(request, status, detail, errors), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def install(app: FastAPI) -> None:
    """Let every error become a problem document."""

    turned_away = TurnedAway()

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        turned_away.note(request, error.status)
        if error.page is not None and "text/html" in request.headers.get("accept", ""):
            return error.page(request, error.status)
        return respond(request, error.status, error.detail, field=error.field, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"field": _field(each["loc"]), "problem": _said(each)} for each in error.errors()]
        detail = "; ".join(f"{each['field']}: {each['problem']}" for each in errors)
        content = document(request, 422, detail, errors)
        return JSONResponse(content, status_code=422, media_type=MEDIA_TYPE)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"there is no {request.url.path}; /openapi.json lists what there is"
        said = detail if error.status_code == 404 else str(error.detail)
        return respond(request, error.status_code, said, headers=dict(error.headers or {}))

    @app.exception_handler(SreCopilotError)
    async def ours(request: Request, error: SreCopilotError) -> JSONResponse:
        if not isinstance(error, UsageError):
            return respond(request, 503, str(error), headers={"Retry-After": str(AGAIN_S)})
        field = str(error).partition(":")[0]
        return respond(request, 400, str(error), field=field if field.isidentifier() else "")

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> JSONResponse:
        # nobody reads it; without it, each sender that breaks off would fill the log as a failure of ours
        return respond(request, 400, "body: ended before its length", field="body")

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.error("a request failed", path=request.url.path, problem=f"{type(error).__name__}: {error}")
        return respond(request, 500, "an internal error; the log says more. Please report it.")


def _field(location: tuple[Any, ...]) -> str:
    place, *parts = location or ("body",)
    if place == "body" and parts and isinstance(parts[0], int):  # where its JSON broke off
        return "body"
    return ".".join(map(str, parts)) or str(place)


def _said(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
