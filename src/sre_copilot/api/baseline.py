"""What is normal: learning it, and what has been learned."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from sre_copilot.api.guard import Routes, ServiceHere, may_see
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Limit
from sre_copilot.clock import rfc3339
from sre_copilot.incidents.watch.learned_rows import BaselineRow
from sre_copilot.incidents.watch.recommended import direction_of
from sre_copilot.settings.section import at_least

routes = Routes(tag="baseline")


@routes.post("/baseline/learn", role="responder", status_code=202)
def learn(service: ServiceHere, request: Request) -> dict[str, Any]:
    """Learn anew from history, in the background; ask /status how it goes."""
    for name, roles in service.roles.items():
        if not at_least(request.state.token.role, roles.query):
            raise Problem(403, f"the source '{name}' may be queried by the role {roles.query} only")
    started = service.watch.request_learning()
    return {"status": "started" if started else "already running"}


@routes.get("/baseline/metrics", role="viewer")
def metrics(
    service: ServiceHere,
    request: Request,
    *,
    limit: Limit = 1000,
    after: Annotated[int, Query(ge=0, description="`next` of the page before.")] = 0,
    entity: Annotated[str | None, Query(max_length=300)] = None,
) -> dict[str, Any]:
    """Every series that is watched: what is expected of it now, and from how many days that was learned."""
    rows = [row for row in service.watch.baselines() if entity is None or row.key.service == entity]
    kept = rows[after : after + limit]
    items = [view(row, may_see=may_see(request, row.source)) for row in kept]
    following = after + limit
    return {"items": items, "total": len(rows), "next": following if following < len(rows) else None}


def view(row: BaselineRow, *, may_see: bool) -> dict[str, Any]:
    """A learned series; who may not see its source learns that there is one."""
    return {
        "entity": row.key.service,
        "metric": row.key.metric,
        "instance": row.key.instance if may_see else None,
        "state": row.state,
        "days": row.days,
        "points": row.points,
        "source": row.source,
        "hidden": not may_see,
        "expected": row.expected if may_see else None,
        "scale": row.scale if may_see else None,
        "recommended_threshold": threshold(row) if may_see else None,
        "learned_at": rfc3339(row.learned_at),
    }


def threshold(row: BaselineRow) -> dict[str, Any] | None:
    """A static threshold for an alert of one's own, and the alerts a day that it would have made; None: none can be told."""
    if row.threshold is None:
        return None
    return {
        "value": row.threshold,
        "direction": direction_of(row.key.metric),
        "alerts_a_day": row.alerts_a_day,
    }
