"""The page for people: how it is going, what is abnormal and what is expected; it reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from sre_copilot.api.alerting_views import (
    alert_count,
    alert_view,
    because_view,
    happening_view,
    hides,
    incident_view,
)
from sre_copilot.api.browser_sessions import SESSION_S
from sre_copilot.api.forms import form_of
from sre_copilot.api.guard import (
    BODILESS,
    PUBLIC,
    Routes,
    ServiceHere,
    asked_here,
    cookie_name,
    may_see,
    may_see_all,
    service_of,
    sessions_of,
)
from sre_copilot.api.html import page
from sre_copilot.api.problems import Problem
from sre_copilot.api.status import document
from sre_copilot.api.views import AcceptLanguage, Lang, Language, anomaly, breach, investigation, language
from sre_copilot.app.explaining import explained
from sre_copilot.app.serving import Service
from sre_copilot.errors import StoreError
from sre_copilot.incidents.report import render
from sre_copilot.incidents.report.reading import report_of

MOST = 50  # rows of a table: what a person reads
MOST_HAPPENINGS = 500  # of a timeline
OPEN = ("firing", "acknowledged")
LAST_H = 7 * 24.0  # hours back for investigations: a week, so that the one of last Friday is found
AGAIN_S = 30  # seconds: a page that loads itself more often is not read, but watched
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def locked(request: Request, status: int) -> HTMLResponse:
    """What a browser without a session is shown."""
    default = service_of(request).settings.language
    asked = request.query_params.get("lang")
    chosen: Language | None = "zh" if asked == "zh" else ("en" if asked == "en" else None)
    lang = language(chosen, request.headers.get("accept-language", ""), default)
    return page("locked", lang, code=status, refused=request.url.path == "/open")


routes = Routes(tag="page", locked=locked, media=("text/html",))


@routes.get("/", role="viewer", response_class=HTMLResponse)
def overview(
    service: ServiceHere, request: Request, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> HTMLResponse:
    """A page for people: state, sources, open anomalies, expected breaches, last investigations."""
    spoken = language(lang, accept_language, service.settings.language)
    return page("overview", spoken, asked=lang, **contents(service, request, spoken))


@routes.get("/incidents", role="viewer", response_class=HTMLResponse)
def incidents(
    service: ServiceHere, request: Request, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> HTMLResponse:
    """A page for people: the last incidents, those that are over and those that nobody was told of, too."""
    spoken = language(lang, accept_language, service.settings.language)
    rows = service.alerting.records.incidents_page(limit=MOST).rows
    return page(
        "incidents",
        spoken,
        items=[_listed(row, request) for row in rows],
        most=MOST,
        now=service.clock.now(),
        again=max(AGAIN_S, service.settings.check_interval_seconds),
    )


@routes.get("/incidents/{key}", role="viewer", response_class=HTMLResponse)
def incident(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> HTMLResponse:
    """A page for people: one incident with its alerts, why people were told of it or were not, and what happened."""
    spoken = language(lang, accept_language, service.settings.language)
    row = service.alerting.records.incident(key)
    if row is None:
        raise Problem(404, f"there is no incident '{key}'; /incidents lists them", field="key")
    return page("incident", spoken, **_incident_contents(service, request, row, spoken))


def _incident_contents(
    service: Service, request: Request, row: Mapping[str, Any], lang: Language
) -> dict[str, Any]:
    records, hidden = service.alerting.records, not may_see_all(request)
    alerts = records.alerts_page(limit=MOST, incident_id=row["id"]).rows
    return {
        "now": service.clock.now(),
        "again": max(AGAIN_S, service.settings.check_interval_seconds),
        "row": {**_listed(row, request), "ended": row["resolved_at"]},
        "alerts": [{**alert_view(each, hidden=hides(request, each)), "began": each["starts_at"]} for each in alerts],
        "more_alerts": max(0, alert_count(row) - len(alerts)),
        "why": [{**because_view(each, lang), "when": each.at} for each in explained(service.database, row)],
        "timeline": [
            {**happening_view(each, lang, hidden=hidden), "when": each["at"]}
            for each in records.timeline(row["id"], limit=MOST_HAPPENINGS)
        ],
    }  # fmt: skip


def _listed(row: Mapping[str, Any], request: Request) -> dict[str, Any]:
    shown = incident_view(row, hidden=not may_see_all(request))
    return {**shown, "began": row["started_at"], "cause": shown["diagnosis"].get("cause", "")}


@routes.get("/investigations/{key}", role="viewer", response_class=HTMLResponse)
def report(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> HTMLResponse:
    """The report of one investigation as a self-contained page."""
    row = service.investigations.get(key)
    if row is None:
        raise Problem(404, f"there is no investigation '{key}'", field="key")
    if not may_see_all(request):
        raise Problem(403, "a report is for those who may see what every source holds")
    try:
        found = report_of(row["report"]["document"])
    except StoreError as error:
        raise Problem(404, f"{error} /api/v1/investigations/{key}") from None
    spoken = language(lang, accept_language, service.settings.language)
    text = render(found, output="html", lang=spoken)
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


@routes.get(
    "/open",
    role=PUBLIC,
    response_class=HTMLResponse,
    responses={401: {"description": "The link or the token cannot be used."}},
)
def follow(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Follow a link of `sre-copilot status --open`: it works once, within a minute, and begins a session."""
    ahead = "prefetch" in request.headers.get("sec-purpose", "")
    if ahead or request.scope.get(BODILESS):  # whoever only looks at the link must not use it up
        raise _refused("the link is for a browser: open it there")
    key = sessions_of(request).links.token_id(code, once=True)
    return _begun(request, key)


@routes.post(
    "/open",
    role=PUBLIC,
    response_class=HTMLResponse,
    responses={401: {"description": "The link or the token cannot be used."}},
)
async def enter(request: Request) -> HTMLResponse:
    """Give a token in the form of the page, and begin a session."""
    if not asked_here(request):
        raise _refused("the form is that of another site")
    form = await form_of(request)
    return await run_in_threadpool(_entered, request, form.get("token", "").strip())


def _entered(request: Request, plain: str) -> HTMLResponse:
    service = service_of(request)
    token = service.tokens.recognise(plain, now=service.clock.now()) if plain else None
    return _begun(request, token.id if token is not None else None)


def _begun(request: Request, key: str | None) -> HTMLResponse:
    """Begin a session: a cookie that no script reads and no other site sends."""
    service = service_of(request)
    if key is None or service.tokens.living(key) is None:
        raise _refused("the link was used already or is older than a minute, or the token is not known")
    word, _ = sessions_of(request).open.make(key)
    lang = language(None, request.headers.get("accept-language", ""), service.settings.language)
    answer = page("entered", lang)
    answer.set_cookie(
        cookie_name(request), word, max_age=int(SESSION_S), path="/", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


def _refused(detail: str) -> Problem:
    problem = Problem(401, f"{detail}; `sre-copilot status --open` makes a new link")
    problem.page = locked
    return problem


def contents(service: Service, request: Request, lang: Language) -> dict[str, Any]:
    """What the page shows."""
    now = service.clock.now()
    anomalies = service.anomalies.open()
    breaches = service.breaches.open()
    going_on = service.alerting.records.incidents_page(statuses=OPEN, limit=MOST, woken=True)
    inquiries = service.investigations.page(since=now - LAST_H * 3600, limit=10).rows
    allowed = may_see_all(request)
    strongest = sorted(anomalies, key=lambda row: (-row["score"], -row["since"]))[:MOST]
    soonest = sorted(breaches, key=lambda row: row["at"])[:MOST]
    return {
        "now": now,
        "again": max(AGAIN_S, service.settings.check_interval_seconds),
        "status": document(service, lang),
        "watch": service.watch.status(),
        "incidents": [_listed(row, request) for row in going_on.rows],
        "more_incidents": going_on.next is not None,
        "most": MOST,
        "anomalies": [
            {**anomaly(row, lang, may_see=may_see(request, row["source"])), "began": row["since"]} for row in strongest
        ],
        "more_anomalies": len(anomalies) > MOST,
        "breaches": [
            {**breach(row, now, may_see=may_see(request, row["source"])), "due": row["at"]} for row in soonest
        ],
        "more_breaches": len(breaches) > MOST,
        "investigations": [
            {**investigation(row, lang, whole=False, may_see=allowed), "ended": row["finished_at"]} for row in inquiries
        ],
    }  # fmt: skip
