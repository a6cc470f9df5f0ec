"""Alerts as they are known: what fires, what keeps it from people, and why it is where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import StringConstraints

from sre_copilot.alerts.explanation import explain_alert
from sre_copilot.api.alerting_commands import AlertingHere, IdempotencyKey, carry_out
from sre_copilot.api.alerting_views import alert_view, because_view, hides, incident_view
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import alerts as shapes
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Limit, language, listing
from sre_copilot.store.notifications import NotificationStore

routes = Routes(tag="alerts", refusals=(409,))


class Acknowledgement(Body):
    """What to say with it."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


@routes.get("/alerts", role="viewer", shape=shapes.Alerts)
def alerts(
    alerting: AlertingHere,
    request: Request,
    *,
    status: Literal["firing", "resolved", "all"] = "firing",
    severity: Annotated[str | None, Query(pattern="^(critical|high|warning|info|low)$")] = None,
    service: Annotated[str | None, Query(max_length=300)] = None,
    incident: Annotated[str | None, Query(max_length=32)] = None,
    muted: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Alerts, those that began last first."""
    chosen: dict[str, Any] = {
        "status": None if status == "all" else status,
        "severity": severity,
        "service": service,
        "incident_id": incident,
        "muted": muted,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    page = alerting.records.alerts_page(cursor=cursor, limit=limit, **given)
    return listing(page, lambda row: alert_view(row, hidden=hides(request, row)))


@routes.get("/alerts/{fingerprint}", role="viewer", shape=shapes.Alert)
def one_alert(alerting: AlertingHere, request: Request, fingerprint: str) -> dict[str, Any]:
    """One alert."""
    return _shown(alerting, request, fingerprint)


@routes.get("/alerts/{fingerprint}/explain", role="viewer", shape=shapes.AlertExplained)
def explain(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    fingerprint: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Why it is grouped, muted, routed and told as it is, in the order in which it was decided."""
    alert = _alert(alerting, fingerprint)
    incident = alerting.records.incident(alert["incident_id"]) if alert["incident_id"] else None
    spoken = language(lang, accept_language, service.settings.language)
    delivered = NotificationStore(service.database).last_of(incident["id"]) if incident else {}
    hidden = not may_see_all(request)
    return {
        "alert": alert_view(alert, hidden=hides(request, alert)),
        "incident": incident_view(incident, hidden=hidden, delivered=delivered) if incident else None,
        "because": [because_view(each, spoken) for each in explain_alert(alert, incident, delivered)],
    }


@routes.post("/alerts/{fingerprint}/ack", role="responder", shape=shapes.Alert)
def acknowledge(
    alerting: AlertingHere,
    request: Request,
    fingerprint: str,
    said: Acknowledgement,
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Take an alert on; its incident is acknowledged with its last alert."""
    arguments = {"fingerprint": fingerprint, **said.model_dump()}
    carry_out(alerting, request, "alert.acknowledge", arguments, key=idempotency_key)
    return _shown(alerting, request, fingerprint)


def _shown(alerting: AlertingHere, request: Request, fingerprint: str) -> dict[str, Any]:
    row = _alert(alerting, fingerprint)
    return alert_view(row, hidden=hides(request, row))


def _alert(alerting: AlertingHere, fingerprint: str) -> Mapping[str, Any]:
    found = alerting.records.alert(fingerprint)
    if found is None:
        raise Problem(
            404, f"there is no alert '{fingerprint}'; /api/v1/alerts lists them", field="fingerprint"
        )
    return found
