"""Incidents: what goes on, who is on it, what was told to whom and why; and what people do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from pydantic import AwareDatetime, Field, StringConstraints

from sre_copilot.alerts.explanation import Because, reasons_of_alerts
from sre_copilot.api.alerting_commands import (
    AlertingHere,
    IdempotencyKey,
    IfMatch,
    carry_out,
    revision_of,
    tagged,
    who,
)
from sre_copilot.api.alerting_views import alert_view, because_view, happening_view, hides, incident_view
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere, may_see_all, service_of
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import alerts as shapes
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Limit, language, listing
from sre_copilot.app.alerting import Alerting
from sre_copilot.app.explaining import explained
from sre_copilot.knowledge.labels import Labels
from sre_copilot.store.alerting.audit import actor, noted
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.tables import LAST_NUMBER

routes = Routes(tag="incidents", refusals=(409, 412))
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Ids = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=1000)]
OPEN = ("firing", "acknowledged")
SHOWN = 20  # alerts beside an incident; `/alerts` of it lists all


class Assignment(Body):
    """Who is to see to it; '' for nobody."""

    assignee: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Comment(Body):
    """Something worth keeping in the timeline."""

    text: Words


class Snooze(Body):
    """Until when nobody is told or called."""

    until: AwareDatetime


class Others(Body):
    """Other incidents, by id."""

    others: Ids


class Part(Body):
    """Alerts that are another matter, by fingerprint."""

    fingerprints: Ids


class Severity(Body):
    """How severe it is in truth."""

    severity: Literal["critical", "high", "warning", "info", "low"]


class Judgement(Body):
    """Whether it was worth being told of."""

    real: bool
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


class Title(Body):
    """What it is to be called."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


@routes.get("/incidents", role="viewer", shape=shapes.Incidents)
def incidents(
    alerting: AlertingHere,
    request: Request,
    *,
    status: Literal["open", "firing", "acknowledged", "resolved", "merged", "all"] = "open",
    severity: Annotated[str | None, Query(pattern="^(critical|high|warning|info|low)$")] = None,
    woken: Annotated[
        bool | None, Query(description="Only those that people were told of, or were not.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Incidents, those opened last first."""
    statuses = {"open": OPEN, "all": ()}.get(status, (status,))
    given = {name: value for name, value in (("severity", severity), ("woken", woken)) if value is not None}
    page = alerting.records.incidents_page(statuses=statuses, cursor=cursor, limit=limit, **given)
    hidden = not may_see_all(request)
    standing = alerting.records.standing_of([row["id"] for row in page.rows])
    return listing(page, lambda row: incident_view(row, hidden=hidden, standing=standing.get(row["id"], {})))


@routes.get("/incidents/{key}", role="viewer", shape=shapes.IncidentWithAlerts)
def one_incident(alerting: AlertingHere, request: Request, response: Response, key: str) -> dict[str, Any]:
    """One incident, with its alerts, and what became of the last message to each receiver."""
    return _shown(alerting, request, response, key)


@routes.get("/incidents/{key}/alerts", role="viewer", shape=shapes.Alerts)
def alerts_of(
    alerting: AlertingHere, request: Request, key: str, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """The alerts of an incident, those that began last first."""
    found = _incident(alerting, key)
    page = alerting.records.alerts_page(cursor=cursor, limit=limit, incident_id=found["id"])
    return listing(page, lambda row: alert_view(row, hidden=hides(request, row)))


@routes.get("/incidents/{key}/timeline", role="viewer", shape=shapes.Timeline)
def timeline(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    after: Annotated[
        int, Query(ge=0, le=LAST_NUMBER, description="`id` of the last entry that is known.")
    ] = 0,
    limit: Limit = 200,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """What happened, in order."""
    found = _incident(alerting, key)
    spoken = language(lang, accept_language, service.settings.language)
    rows = alerting.records.timeline(found["id"], after=after, limit=limit + 1)
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    hidden = not may_see_all(request)
    return {"items": [happening_view(row, spoken, hidden=hidden) for row in rows[:limit]], "next": more}


@routes.get("/incidents/{key}/explain", role="viewer", shape=shapes.IncidentExplained)
def explain(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Why each alert is in it; what mutes it, by which routes it goes, each message and what became of it, its escalation, what it was merged with or split from."""
    found = _incident(alerting, key)
    spoken = language(lang, accept_language, service.settings.language)
    reasons = [
        {"fingerprint": each["fingerprint"], **because_view(_reason(each), spoken)}
        for each in reasons_of_alerts(found)
    ]
    delivered = NotificationStore(service.database).last_of(found["id"])
    return {
        "incident": incident_view(found, hidden=not may_see_all(request), delivered=delivered),
        "because": [because_view(each, spoken) for each in explained(service.database, found)],
        "alerts": reasons,
    }


class Change:
    """A change of one incident that a request asks for: carried out in the name of its token, and answered with the incident as it is then."""

    def __init__(
        self,
        request: Request,
        response: Response,
        alerting: AlertingHere,
        *,
        key: str,
        if_match: IfMatch = "",
        idempotency_key: IdempotencyKey = "",
    ) -> None:
        self._request, self._response, self._alerting = request, response, alerting
        self._key, self._if_match, self._once = key, if_match, idempotency_key

    def do(self, verb: str, said: Body | None = None, **arguments: Any) -> dict[str, Any]:
        """Carry it out."""
        given = {
            "id": self._key,
            **(said.model_dump() if said else {}),
            **arguments,
            **revision_of(self._if_match),
        }
        result = carry_out(self._alerting, self._request, f"incident.{verb}", given, key=self._once)
        return _shown(self._alerting, self._request, self._response, str(result["id"]))


ChangeHere = Annotated[Change, Depends()]


@routes.post("/incidents/{key}/ack", role="responder", shape=shapes.IncidentWithAlerts)
def acknowledge(change: ChangeHere) -> dict[str, Any]:
    """Take it on: nobody else is called."""
    return change.do("acknowledge")


@routes.post("/incidents/{key}/unack", role="responder", shape=shapes.IncidentWithAlerts)
def unacknowledge(change: ChangeHere) -> dict[str, Any]:
    """Give it back: the escalation goes on."""
    return change.do("unacknowledge")


@routes.post("/incidents/{key}/assign", role="responder", shape=shapes.IncidentWithAlerts)
def assign(change: ChangeHere, said: Assignment) -> dict[str, Any]:
    """Say who sees to it."""
    return change.do("assign", said)


@routes.post("/incidents/{key}/comment", role="responder", shape=shapes.IncidentWithAlerts)
def comment(change: ChangeHere, said: Comment) -> dict[str, Any]:
    """Note something in its timeline."""
    return change.do("comment", said)


@routes.post("/incidents/{key}/snooze", role="responder", shape=shapes.IncidentWithAlerts)
def snooze(change: ChangeHere, said: Snooze) -> dict[str, Any]:
    """Tell and call nobody until a time."""
    return change.do("snooze", until=said.until.timestamp())


@routes.post("/incidents/{key}/resolve", role="responder", shape=shapes.IncidentWithAlerts)
def resolve(change: ChangeHere) -> dict[str, Any]:
    """Say that it is over; `firing_count` says how many of its alerts fire nevertheless. It opens again when one of them ends and fires anew within `reopen_within_seconds`."""
    return change.do("resolve")


@routes.post("/incidents/{key}/reopen", role="responder", shape=shapes.IncidentWithAlerts)
def reopen(change: ChangeHere) -> dict[str, Any]:
    """Say that it is not over; then it ends by hand alone."""
    return change.do("reopen")


@routes.post("/incidents/{key}/merge", role="responder", shape=shapes.IncidentWithAlerts)
def merge(change: ChangeHere, said: Others) -> dict[str, Any]:
    """Let others be part of it: they are the same matter."""
    return change.do("merge", said)


@routes.post("/incidents/{key}/split", role="responder", shape=shapes.IncidentWithAlerts)
def split(change: ChangeHere, said: Part) -> dict[str, Any]:
    """Let some of its alerts be an incident of their own; that one is answered."""
    return change.do("split", said)


@routes.post("/incidents/{key}/link", role="responder", shape=shapes.IncidentWithAlerts)
def link(change: ChangeHere, said: Others) -> dict[str, Any]:
    """Say that others have to do with it."""
    return change.do("link", said)


@routes.post("/incidents/{key}/severity", role="responder", shape=shapes.IncidentWithAlerts)
def severity(change: ChangeHere, said: Severity) -> dict[str, Any]:
    """Say how severe it is."""
    return change.do("severity", said)


@routes.post("/incidents/{key}/judgement", role="responder", status_code=201, shape=shapes.Judged)
def judge(
    alerting: AlertingHere, service: ServiceHere, request: Request, key: str, said: Judgement
) -> dict[str, Any]:
    """Say whether it was a real problem; who judges again replaces their own word."""
    found, token = _incident(alerting, key), request.state.token
    with noted(
        service.database,
        service.clock,
        "incident.judge",
        who=actor(token),
        subject=found["id"],
        real=said.real,
    ):
        Labels(service.database, service.clock).add(
            by=actor(token),
            role=token.role,
            investigation_id=str(found["diagnosis"].get("investigation_id", "")),
            target="incident",
            target_id=found["id"],
            right=said.real,
            note=said.note,
        )
    return {"incident_id": found["id"], "real": said.real, "by": who(request)}


@routes.post("/incidents/{key}/title", role="responder", shape=shapes.IncidentWithAlerts)
def title(change: ChangeHere, said: Title) -> dict[str, Any]:
    """Call it something."""
    return change.do("title", said)


@routes.post("/incidents/{key}/investigate", role="responder", status_code=202, shape=shapes.Asked)
def investigate(alerting: AlertingHere, request: Request, key: str) -> dict[str, Any]:
    """Look into it now; a round that is planned or under way is the one that is meant."""
    found = _incident(alerting, key)
    if alerting.ask_casework is None:
        raise Problem(503, "this process does not investigate incidents; ask the one that runs `serve`")
    service, token = service_of(request), request.state.token
    with noted(service.database, service.clock, "investigate", who=actor(token), subject=found["id"]):
        return alerting.ask_casework(found["id"], who=who(request))


def _shown(alerting: Alerting, request: Request, response: Response, key: str) -> dict[str, Any]:
    found = _incident(alerting, key)
    tagged(response, found)
    page = alerting.records.alerts_page(limit=SHOWN, incident_id=found["id"])
    delivered = NotificationStore(service_of(request).database).last_of(found["id"])
    standing = alerting.records.standing_of([found["id"]]).get(found["id"], {})
    shown = incident_view(found, hidden=not may_see_all(request), delivered=delivered, standing=standing)
    shown["reopen_within_seconds"] = alerting.settings.alerting.lifecycle.reopen_within_seconds
    return {**shown, "alerts": [alert_view(row, hidden=hides(request, row)) for row in page.rows]}


def _incident(alerting: Alerting, key: str) -> Mapping[str, Any]:
    found = alerting.records.incident(key)
    if found is None:
        raise Problem(404, f"there is no incident '{key}'; /api/v1/incidents lists them", field="key")
    return found


def _reason(each: Mapping[str, Any]) -> Because:
    return Because(
        stage="correlate",
        outcome="because",
        at=each["at"],
        key=each["key"],
        params=each["params"],
        parts=each["parts"],
    )
