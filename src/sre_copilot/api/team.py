"""Who is in the team, what it asks with, and the models that it speaks to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request
from pydantic import Field

from sre_copilot.agents.toolbox import schema_of
from sre_copilot.api.asking import DeskHere, admitted
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import AcceptLanguage, Lang, language
from sre_copilot.app.asking import roster
from sre_copilot.incidents.answers.tools import tool_document
from sre_copilot.store.tokens import Token

routes = Routes(tag="team")
LIMITED = {429: {"description": "Too many questions, or too many at once."}}


class Call(Body):
    """What to ask a tool."""

    arguments: dict[str, Any] = Field(default_factory=dict, description="As the tool's `parameters` say.")


@routes.get("/agents", role="viewer")
def agents(
    service: ServiceHere, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """The agents of the team, and the tools that each works with."""
    return {"items": roster(language(lang, accept_language, service.settings.language)), "next": None}


@routes.get("/tools", role="viewer")
def tools(
    service: ServiceHere, desk: DeskHere, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """The tools, their arguments as JSON schema, and the role that each needs."""
    spoken = language(lang, accept_language, service.settings.language)
    found = desk.equipment.tools
    items = [
        {
            "name": name,
            "role": tool.needs,
            "description": tool.description(spoken),
            "parameters": schema_of(tool),
        }
        for name, tool in sorted(found.tools.items())
    ]
    return {"items": items, "left_out": dict(found.left_out), "next": None}


@routes.post("/tools/{key}", role="viewer", responses=LIMITED)
def use(
    service: ServiceHere,
    desk: DeskHere,
    request: Request,
    key: str,
    call: Call,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Ask one tool about the live sources; `outcome` is success, no_data, error or approval_required."""
    if key not in desk.equipment.tools.tools:
        raise Problem(404, f"there is no tool '{key}'; /api/v1/tools lists those there are", field="key")
    token: Token = request.state.token
    spoken = language(lang, accept_language, service.settings.language)
    with admitted(desk, token):
        result = desk.use(key, call.arguments, role=token.role, lang=spoken, owner=token.id)
    return tool_document(key, call.arguments, result, spoken)


@routes.get("/model", role="viewer")
def model(service: ServiceHere, desk: DeskHere) -> dict[str, Any]:
    """The models by the names that the configuration gives them, and what today has cost; no address and no key."""
    settings = service.settings.llm
    spent = getattr(desk.equipment.speaker, "spent_today", None)
    return {
        "model_name": list(settings.models),
        "available": desk.equipment.speaker.available,
        "models": [{"name": name, "model": each.model} for name, each in settings.models.items()],
        "offline": settings.offline,
        "spent_today": asdict(spent) if spent is not None else None,
        "day": settings.day.model_dump(),
        "investigation": settings.investigation.model_dump(),
    }
