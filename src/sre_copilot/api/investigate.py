"""Asking the whole team to look into something that somebody or some alert says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import AwareDatetime, Field, StringConstraints

from sre_copilot.agents.answer import Listener
from sre_copilot.api.asking import RESPONSES, Calls, DeskHere, Work, answered, respond, streamed
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.views import AcceptLanguage, Lang, Language, language
from sre_copilot.app.desk import Desk
from sre_copilot.app.incidents import incident_of
from sre_copilot.domain.incident import Incident
from sre_copilot.incidents.report.clean import markdown as literal
from sre_copilot.incidents.report.words import word
from sre_copilot.perception.alert_files import HandedAlert, entity_of
from sre_copilot.store.tokens import Token

routes = Routes(tag="investigate", refusals=(404,))
SECTIONS = ("reasons", "next_steps", "gaps")
TIMES = ("startsAt", "starts_at", "started_at", "at")
Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class Matter(Body):
    """What to look into; the fields of other agents' interface, and our own `service`, `at` and `lang`."""

    title: Annotated[Text, Field(min_length=1, max_length=1000)]
    description: Annotated[Text, Field(max_length=20_000)] = ""
    source: Annotated[Text, Field(max_length=200)] = ""
    source_instance_id: Annotated[Text, Field(max_length=200)] = ""
    subject: dict[str, Any] = Field(
        default_factory=dict, description="Whom it is about: labels as an alert has them."
    )
    context: dict[str, Any] = Field(default_factory=dict, description="More labels, `startsAt` among them.")
    service: Annotated[Text, Field(max_length=300)] = ""
    at: AwareDatetime | None = Field(default=None, description="Since when; now where nothing says so.")
    include_tool_calls: bool = True
    include_tool_call_results: bool = True
    prompt_template: str | None = Field(default=None, max_length=300, description="Not read.")
    sections: dict[str, str] | None = Field(
        default=None, description="Not read: the sections are those of the answer."
    )
    model: str | None = Field(default=None, description="Not read: the configuration chooses the model.")


@routes.post("/investigate", role="responder", responses=RESPONSES, response_model=None)
def investigate(
    service: ServiceHere,
    desk: DeskHere,
    request: Request,
    matter: Matter,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> Response:
    """Let the whole team find the cause; the result is kept among the investigations."""
    work = _work(
        service, desk, request, matter, lang=language(lang, accept_language, service.settings.language)
    )
    return respond(request, desk, work)


@routes.post("/stream/investigate", role="responder", responses=RESPONSES, response_model=None)
def stream_investigate(
    service: ServiceHere,
    desk: DeskHere,
    request: Request,
    matter: Matter,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> Response:
    """The same, always event by event."""
    work = _work(
        service, desk, request, matter, lang=language(lang, accept_language, service.settings.language)
    )
    return streamed(request, desk, work)


def incident_from(matter: Matter, *, now: float) -> Incident:
    """The incident that is meant.

    Raises
    ------
    UsageError : when it begins in the future
    """
    labels = _labels(matter)
    alert = HandedAlert(
        title=matter.title,
        entity=matter.service or entity_of(labels),
        text=matter.description,
        at=matter.at.timestamp() if matter.at else _moment(labels),
    )
    return incident_of(alert, now=now)


def _work(service: ServiceHere, desk: Desk, request: Request, matter: Matter, *, lang: Language) -> Work:
    """What is done for a request, whether it is answered at once or event by event; what cannot be meant is refused before."""
    token: Token = request.state.token
    incident = incident_from(matter, now=service.clock.now())

    def work(listen: Listener) -> dict[str, Any]:
        calls = Calls(listen)
        answer, row = desk.investigate(
            incident, role=token.role, lang=lang, listen=calls.hear, owner=token.id
        )
        found = answered(answer, calls)
        return {
            "investigation_id": row["id"] if row else None,
            **found,
            "tool_calls": _calls(matter, calls),
            "sections": _sections(found["answer"], lang),
            "instructions": [],
            "report": row["report"]["document"] if row else None,
        }

    return work


def _sections(told: Mapping[str, Any], lang: Language) -> dict[str, str]:
    return {
        str(word(f"ask.{name}", lang)): "\n".join(f"- {literal(each)}" for each in told[name])
        for name in SECTIONS
        if told[name]
    }


def _calls(matter: Matter, calls: Calls) -> list[dict[str, Any]]:
    if not matter.include_tool_calls:
        return []
    if matter.include_tool_call_results:
        return calls.made
    return [{**each, "result": None} for each in calls.made]


def _labels(matter: Matter) -> dict[str, str]:
    """Labels of subject and context, those in a `labels` of either too; the subject's count more."""
    found: dict[str, str] = {}
    for part in (matter.context, matter.subject):
        inner = part.get("labels")
        for each in (inner if isinstance(inner, Mapping) else {}, part):
            found |= {str(key): value for key, value in each.items() if isinstance(value, str)}
    if "service" not in found and matter.subject.get("kind") in ("service", "Service"):
        found["service"] = found.get("name", "")
    return found


def _moment(labels: Mapping[str, str]) -> float | None:
    for name in TIMES:
        try:
            found = datetime.fromisoformat(labels.get(name, "").replace("Z", "+00:00"))
        except ValueError:
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None
