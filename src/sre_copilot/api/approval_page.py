"""The page behind the link of a request: opening it changes nothing; its form decides, for whoever is signed in.

Chat platforms fetch links before anybody reads them, and other pages can make a browser open one. So a decision takes the session of an approver, a form that
was made for this session and this plan, and a request that the browser says comes from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sre_copilot.api.actions import desk_of
from sre_copilot.api.approvals import approving_of, problem_of, view
from sre_copilot.api.forms import form_of
from sre_copilot.api.guard import Check, Routes, cookie_name, may_see_all, needs, service_of
from sre_copilot.api.html import page
from sre_copilot.api.page import locked as sign_in
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import AcceptLanguage, Lang, Language, language
from sre_copilot.app.approval_words import refusal_words
from sre_copilot.app.approving import Approving, Standing
from sre_copilot.app.plan_difference import Previews
from sre_copilot.decision.approval.decide import goes_along
from sre_copilot.decision.approval.link import form_proof
from sre_copilot.decision.approval.model import Refused, Verdict
from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.report.words import say, told, word
from sre_copilot.settings.section import at_least
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token, digest

PlanId = Annotated[str, Path(pattern=r"^PLAN-[0-9]{14}$", description="Id of the plan.")]
Proof = Annotated[str, Query(max_length=600, description="Signature of the link.")]
Again = Annotated[
    bool, Query(description="The page has opened itself once more, so that the browser sends the session.")
]


def locked(request: Request, status: int) -> Response:
    """What a browser without a session is shown: at first a page that opens itself again, for a browser sends no session along with a link from elsewhere."""
    if request.method != "GET" or "again" in request.query_params:
        return sign_in(request, status)
    lang = language(None, request.headers.get("accept-language", ""), service_of(request).settings.language)
    return page(
        "approval_wait",
        lang,
        code=status,
        address=str(request.url.include_query_params(again=1).replace(scheme="", netloc="")),
    )


def _with_session(role: str, check: Check) -> Check:
    """Let in whoever is signed in, to decide as well as to read: the form proves the rest."""
    return needs(role, session=True, locked=locked)


routes = Routes(tag="approvals", locked=locked, admission=_with_session, media=("text/html",))
REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "The link or the form was not made for this, or who is signed in may not decide."},
    404: {"description": "There is no plan of this id."},
    409: {"description": "It was decided already, has expired, was altered, or nothing may be changed now."},
}


@routes.get("/approvals/{plan_id}", role="viewer", response_class=HTMLResponse, responses=REFUSALS)
def show(
    request: Request,
    plan_id: PlanId,
    *,
    proof: Proof = "",
    again: Again = False,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> HTMLResponse:
    """A page for people: what is to be done, why, and how risky it is. It changes nothing."""
    door, spoken = approving_of(request), _spoken(request, lang, accept_language)
    found = door.by_link(plan_id, proof) if proof else door.standing(plan_id)
    if isinstance(found, Refused):
        raise _shown(found, spoken)
    return _page(request, door, found, spoken)


@routes.post("/approvals/{plan_id}", role="viewer", response_class=HTMLResponse, responses=REFUSALS)
async def answer(request: Request, plan_id: PlanId) -> Response:
    """Approve or reject by the form of the page."""
    return await run_in_threadpool(_decided, request, plan_id, await form_of(request))


def _decided(request: Request, plan_id: str, form: dict[str, str]) -> Response:
    door, lang = approving_of(request), _spoken(request, None, request.headers.get("accept-language", ""))
    given = form.get("verdict", "")
    verdict: Verdict = "approve" if given in ("approve", ALONG) else "reject"
    fingerprint = form.get("fingerprint", "")
    _check_form(request, door, plan_id, form)
    token: Token = request.state.token
    found = door.decide(
        plan_id, verdict, by=door.people.of_token(token), who=actor(token), way="page",
        reason=form.get("reason", "")[:2000], fingerprint=fingerprint,
        step=form.get("along" if given == ALONG else "step", "")[:64],
    )  # fmt: skip
    if isinstance(found, Refused):
        standing = door.standing(plan_id)
        if isinstance(standing, Refused):
            raise _shown(standing, lang)
        code = problem_of(found, lang).status
        return _page(request, door, standing, lang, code=code, problem=refusal_words(found.message, lang))
    return RedirectResponse(f"/approvals/{plan_id}?lang={lang}", status_code=303)


def _check_form(request: Request, door: Approving, plan_id: str, form: dict[str, str]) -> None:
    """Refuse a form that another site sends, or that was made for another session, plan or state of the plan."""
    if not request.state.by_session:
        return  # a token in a header was recognised, and no browser adds one by itself
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    foreign = bool(origin) and urlsplit(origin).netloc != request.headers.get("host", "")
    expected = _form_proof(request, door, plan_id, form.get("fingerprint", ""))
    if site != "same-origin" or foreign or form.get("form", "") != expected or not form.get("fingerprint"):
        raise Problem(403, "the form was not made by this page for this session; open the link again")


def _page(
    request: Request,
    door: Approving,
    standing: Standing,
    lang: Language,
    *,
    code: int = 200,
    problem: str = "",
) -> HTMLResponse:
    token: Token = request.state.token
    shown = view(door, standing, lang, hidden=not may_see_all(request))
    risk = standing.kept.plan.risk
    previews = _previews(request, standing, lang)
    made = page(
        "approval",
        lang,
        code=code,
        plan=shown,
        previews=previews,
        problem=problem,
        who=token.name,
        why=[say(each, lang) for each in risk.reasons],
        parts=[{"value": each.value, "reason": say(each.reason, lang)} for each in risk.parts],
        along=goes_along(standing.kept.plan),
        states=STATES,
        form=_form_proof(request, door, shown["plan_id"], shown["fingerprint"]),
        status=word(f"approval.status.{shown['status']}", lang)
        if shown["status"] in KNOWN
        else shown["status"],
    )
    made.headers["Referrer-Policy"] = (
        "same-origin"  # else a browser says `Origin: null` of the form, as of one from elsewhere
    )
    return made


def _previews(request: Request, standing: Standing, lang: Language) -> dict[str, dict[str, Any]]:
    """What each step that is still to come would do now, for whoever may ask for the difference of a plan; it is looked at, and nothing is changed."""
    token: Token = request.state.token
    waits = standing.kept.status in ("proposed", "approved") or bool(standing.waits_for)
    if not waits or not at_least(token.role, "responder"):
        return {}
    over = {row["step_id"] for row in standing.steps if row["state"] != "waiting"}
    steps = [each for each in standing.kept.plan.steps[:MOST_PREVIEWS] if each.id not in over]
    found = previews_of(request).of(standing.kept.plan.id, steps)
    return {key: _preview(each, lang) for key, each in found.items()}


def _preview(found: Mapping[str, Any] | Message, lang: Language) -> dict[str, Any]:
    """A preview in words; of a long one the beginning."""
    if isinstance(found, Message):
        return {"problem": say(found, lang)}
    lines = [line[:LONGEST_LINE] for line in found["difference"]]
    return {
        "problem": "",
        "changed": bool(found["changed"]),
        "lines": lines[:MOST_LINES],
        "more": max(0, len(lines) - MOST_LINES),
        "objections": [told(each["key"], each["params"], lang) for each in found["objections"]],
    }


def previews_of(request: Request) -> Previews:
    """What looks at the targets for the page."""
    state = request.app.state
    if not hasattr(state, "previews"):
        desk = desk_of(request)
        state.previews = Previews(lambda: desk.catalogue)
    found: Previews = state.previews
    return found


MOST_PREVIEWS = 20  # steps: more than a plan has that a person can judge
MOST_LINES, LONGEST_LINE = 40, 300
KNOWN = ("proposed", "approved", "rejected", "expired")
STATES = frozenset(
    {
        "waiting",
        "preparing",
        "acting",
        "verifying",
        "watching",
        "done",
        "failed",
        "undoing",
        "undone",
        "not_undone",
    }
)
"""Of steps, those that have words."""
ALONG = "approve_along"  # the plan, and its first step with it


def _form_proof(request: Request, door: Approving, plan_id: str, fingerprint: str) -> str:
    session = digest(request.cookies.get(cookie_name(request), ""))
    return form_proof(door.key(), session=session, plan_id=plan_id, fingerprint=fingerprint)


def _shown(found: Refused, lang: Language) -> Problem:
    problem = problem_of(found, lang)
    text = refusal_words(found.message, lang)
    problem.page = lambda request, status: page("approval_refused", lang, code=status, problem=text)
    return problem


def _spoken(request: Request, lang: Language | None, accepted: str) -> Language:
    return language(lang, accepted, service_of(request).settings.language)
