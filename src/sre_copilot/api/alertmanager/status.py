"""`/status`, `/receivers`: what answers, with which routing."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from sre_copilot import __version__
from sre_copilot.api.alertmanager.access import admission
from sre_copilot.api.alertmanager.alerts import OfReceivers
from sre_copilot.api.alertmanager.backend import backend_of
from sre_copilot.api.alertmanager.filters import BadRequest, matchers_of, refused
from sre_copilot.api.alertmanager.views import instant
from sre_copilot.api.guard import Routes
from sre_copilot.api.shapes import alertmanager as shapes
from sre_copilot.api.views import Json

routes = Routes(
    tag="alertmanager", admission=admission, refusals=(404, 415, 429), media=("application/json",)
)
BUILT = ("revision", "branch", "buildUser", "buildDate", "goVersion")
"""What Alertmanager says of how it was built; there is nothing of the kind here, and the fields must be there."""


@routes.get("/status", role="viewer", shape=shapes.AlertmanagerStatus)
async def status(request: Request) -> Response:
    """Version, routing, and no cluster: several processes share one database instead."""
    backend = backend_of(request)
    return Json(
        {
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": {"version": __version__, **dict.fromkeys(BUILT, "")},
            "config": {"original": await backend.configuration()},
            "uptime": instant(backend.started_at),
        }
    )


@routes.get("/receivers", role="viewer", shape=list[shapes.Named])
async def receivers(request: Request, *, receiver_matchers: OfReceivers = []) -> Response:  # noqa: B006 - never changed
    """Receivers of the routing tree."""
    try:
        ours = all(matcher.matches({}) for matcher in matchers_of(receiver_matchers))
    except BadRequest as error:
        return refused(str(error))
    names = await backend_of(request).receivers() if ours else ()
    return Json([{"name": name} for name in names])
