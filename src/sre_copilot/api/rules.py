"""A dry run: what other rules would have done with the alerts of the last days; nobody is told anything."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from sre_copilot.api.alerting_commands import AlertingHere
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import rules as shapes
from sre_copilot.app.alerting import Alerting
from sre_copilot.app.rehearsing import rehearse, with_alerting
from sre_copilot.app.serving import Service
from sre_copilot.incidents.alerting.rehearsed import document
from sre_copilot.store.alerting.audit import actor, noted

routes = Routes(tag="rules", refusals=(429,))
DAY_S = 86_400.0
MOST_ALERTS = 200_000  # of one request: half a minute or so twice; the command line takes any number
AGAIN_S = 30  # advised to whom finds another rehearsal at work


class Changed(Body):
    """Rules instead of the present ones."""

    alerting: Annotated[
        dict[str, Any],
        Field(
            min_length=1,
            description="`routing`, `correlation` or `lifecycle`, each whole, as in the configuration; what is not named stays as it is.",
        ),
    ]
    days: Annotated[float, Field(gt=0, le=31, allow_inf_nan=False)] = 7
    """So many days back."""


@routes.post("/rules/replay", role="approver", shape=shapes.Replayed)
def replay(alerting: AlertingHere, service: ServiceHere, request: Request, wanted: Changed) -> dict[str, Any]:
    """Let the alerts of the last days go through the present rules and through changed ones, and say what differs.

    Silences, maintenance and what people did are left out on both sides. One at a time, and of at most 200,000 alerts.
    """
    named, who = sorted(wanted.alerting), actor(request.state.token)
    with noted(service.database, service.clock, "rules.replay", who=who, alerting=named, days=wanted.days):
        return _replayed(alerting, service, request.app.state.rehearsing, wanted)


def _replayed(alerting: Alerting, service: Service, one: threading.Lock, wanted: Changed) -> dict[str, Any]:
    changed = with_alerting(alerting.settings, wanted.alerting)
    if not one.acquire(blocking=False):
        raise Problem(429, "another rehearsal is at work; wait for it", headers={"Retry-After": str(AGAIN_S)})
    try:
        now = service.clock.now()
        found = rehearse(
            alerting.inbox,
            alerting.settings,
            changed,
            since=now - wanted.days * DAY_S,
            until=now,
            around=alerting.around.known if alerting.around is not None else None,
            most_alerts=MOST_ALERTS,
        )
    finally:
        one.release()
    return document(found)
