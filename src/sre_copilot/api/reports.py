"""Reports of incidents: the postmortem, in every form, made of what is kept now; and telling people of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import reports as shapes
from sre_copilot.api.views import AcceptLanguage, Lang, Language, language
from sre_copilot.app.reporting import MEDIA, Form, Reporting, written
from sre_copilot.app.serving import Service
from sre_copilot.incidents.postmortem.model import Postmortem
from sre_copilot.incidents.postmortem.pdf import PdfError, PrinterBusyError
from sre_copilot.store.alerting.audit import actor, noted

routes = Routes(tag="reports")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A page of ours loads nothing, whatever an alert has written into it."""

RETRY_S = "10"  # seconds: a PDF of the most lines takes about that


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report in the form that was asked for.",
        "content": {media.partition(";")[0]: {} for form, media in MEDIA.items() if form != "json"},
    },
    503: {"description": "Another PDF is being made; `Retry-After` says when to ask again."},
    501: {"description": "No PDF can be made here; the answer says what is missing."},
}


class Sending(Body):
    """Who is told of it, and in which language."""

    to: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=50)
    ]
    lang: Language | None = None


@routes.get("/incidents/{key}/report", role="viewer", shape=shapes.Report, responses=ANSWERS)
def report(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    form: Annotated[Form, Query(alias="format", description="json, md, html or pdf.")] = "json",
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> Response:
    """The report of an incident; of conclusions from sources that the token may not see it says only that there are some."""
    made = _made(service, request, key)
    try:
        found = written(made, form, language(lang, accept_language, service.settings.language), wait=False)
    except PrinterBusyError as error:
        raise Problem(503, str(error), field="format", headers={"Retry-After": RETRY_S}) from None
    except PdfError as error:
        raise Problem(501, str(error), field="format") from None
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    if form == "pdf":
        headers["Content-Disposition"] = f'inline; filename="{made.incident_id}.pdf"'
    if found.missing:
        headers["X-Missing-Glyphs"] = " ".join(f"U+{ord(each[0]):04X}" for each in found.missing)
    return Response(found.content, media_type=found.media, headers=headers)


@routes.post("/incidents/{key}/report/send", role="responder", status_code=202, shape=shapes.Sent)
def send(service: ServiceHere, request: Request, key: str, said: Sending) -> dict[str, Any]:
    """Tell receivers of the report: its summary, the report as a file where a service carries one, and a link where `alerting.notify.external_url` is set."""
    if not may_see_all(request):
        raise Problem(403, "a report is sent by those who may see what every source holds")
    made = _made(service, request, key)
    who = actor(request.state.token)
    with noted(service.database, service.clock, "report.send", who=who, subject=made.incident_id, to=said.to):
        lang = said.lang or service.settings.language
        reporting = _reporting(service)
        keys = reporting.send(made, said.to, lang=lang, who=request.state.token.name)
    attached, without = reporting.carried(said.to)
    linked = bool(service.settings.alerting.notify.external_url)
    return {
        "incident_id": made.incident_id,
        "to": said.to,
        "notifications": keys,
        "attached": attached,
        "not_attached": without,
        "linked": linked,
    }


def _made(service: Service, request: Request, key: str) -> Postmortem:
    found = _reporting(service).report(key, hidden=not may_see_all(request))
    if found is None:
        raise Problem(404, f"there is no incident '{key}'; /api/v1/incidents lists them", field="key")
    return found


def _reporting(service: Service) -> Reporting:
    return Reporting(settings=service.settings, database=service.database, clock=service.clock)
