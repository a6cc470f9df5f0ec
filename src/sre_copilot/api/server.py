"""The application: every noun below `/api/v1`, the same below `/api` as earlier agents had it, health beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sre_copilot import __version__
from sre_copilot.api import (
    actions,
    alerts,
    anomalies,
    approval_page,
    approvals,
    baseline,
    changes,
    chat,
    chat_platforms,
    conversations,
    health,
    incidents,
    intake,
    intake_compatible,
    investigate,
    investigations,
    invitations,
    killswitch,
    knowledge,
    muting,
    notifications,
    oncall,
    page,
    plans,
    predictions,
    reports,
    rooms,
    rules,
    stats,
    status,
    team,
    tokens,
    updates,
    workflow_drafts,
    workflow_runs,
    workflows,
)
from sre_copilot.api.alertmanager import alerts as alertmanager_alerts
from sre_copilot.api.alertmanager import silences as alertmanager_silences
from sre_copilot.api.alertmanager import status as alertmanager_status
from sre_copilot.api.browser_sessions import Sessions
from sre_copilot.api.guard import BODILESS
from sre_copilot.api.intake_desk import Ways
from sre_copilot.api.limits import Limits
from sre_copilot.api.problems import install
from sre_copilot.api.views import Json
from sre_copilot.app.alert_backend import StoredAlerts
from sre_copilot.app.approving_made import make_delegating
from sre_copilot.app.authority import approving_of
from sre_copilot.app.calling import Calling
from sre_copilot.app.chat_inbound import make_inbound
from sre_copilot.app.desk import Desk
from sre_copilot.app.measuring import StatisticsGauges
from sre_copilot.app.serving import Service

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
    chat_platforms,
    conversations,
    investigate,
    team,
    oncall,
    notifications,
    alerts,
    incidents,
    muting,
    rules,
    updates,
    actions,
    killswitch,
    approvals,
    plans,
    workflow_drafts,  # before those of a workflow, for `drafts` could be the name of one
    workflow_runs,
    workflows,
    reports,
    stats,
)
PLACES = (
    ("/api/v1", intake),  # first, for routes are tried in their order, and most requests by far are alerts
    ("/api/v2", alertmanager_alerts),
    ("", intake_compatible),
    ("", page),
    ("", approval_page),
    ("", health),
    ("", status),
    *(("/api/v2", noun) for noun in (alertmanager_silences, alertmanager_status)),
    ("/api", intake),
    *((prefix, noun) for prefix in ("/api/v1", "/api") for noun in NOUNS),
)


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
    app.state.approving = approving_of(service)
    app.state.inbound = make_inbound(service, app.state.approving)
    app.state.delegating = make_delegating(service)
    app.state.gauges = StatisticsGauges(service.own)
    app.state.alerting = StoredAlerts(service.alerting)
    app.state.streams = updates.Streams()
    app.state.rehearsing = threading.Lock()
    app.state.ways = Ways(service.settings.alerting.intake)
    service.closing.append(app.state.desk.close)
    install(app)
    for prefix, noun in PLACES:
        app.include_router(noun.routes.router, prefix=prefix, include_in_schema=prefix != "/api")
    app.router.routes.insert(0, Route("/api/v1/intake/{name}", _taken_at_once, methods=["POST"]))
    app.add_middleware(Limits, service=service, allowed=_allowed)
    app.add_middleware(HeadIsGet)
    return app


async def _taken_at_once(request: Request) -> Response:
    """What most requests are for, without what finds out the arguments of a route each time: it takes as long as all the rest."""
    answer: Response = await intake.take(request, request.path_params["name"])
    return answer


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
