"""Tools that ask: the team, the tools of the team, and on a running server what the watch has told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sre_copilot.agents.answer import Answer
from sre_copilot.app.asking import OpenCopilot
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.answers import markdown
from sre_copilot.incidents.answers.document import document
from sre_copilot.incidents.answers.tools import tool_document
from sre_copilot.incidents.investigation import answered
from sre_copilot.mcp.offer import READING, Caller, Offer, Run, handed_on, parameters, text
from sre_copilot.perception.alert_files import read_alert

Open = Callable[[Caller, Lang, Incident | None], AbstractContextManager[OpenCopilot]]
"""Opens a team for a caller."""
MakeIncident = Callable[[Mapping[str, Any]], Incident | None]
LANG = {"type": "string", "enum": ["en", "zh"], "description": "Language of the answer."}
ASK = "Ask in words, in English or Chinese: what broke and why, what is abnormal, how a metric was at a time, what was changed, what the documents say. Every claim of the answer names its findings."
INVESTIGATE = "Let the whole team find the cause of an incident: of an alert (title, service, at), or of what happens at a service now. It may answer that it does not know."


def asking_offers(open_team: Open, make_incident: MakeIncident | None) -> dict[str, Offer]:
    """`ask` and `investigate`; without `make_incident` the scene has its own incident, as a recorded case has."""
    ask = Offer(
        name="ask",
        title="ask the team",
        description=ASK,
        parameters=parameters(("question",), question=text("The question.", minLength=1), lang=LANG),
        run=lambda arguments, caller: _asked(open_team, arguments, caller),
    )
    about = {
        "title": text("What is wrong, or the name of the alert.", most=1000),
        "service": text("Whom it is about.", most=300),
        "at": {
            "type": "string",
            "format": "date-time",
            "description": "Since when, RFC 3339; now where it is left out.",
        },
    }
    investigate = Offer(
        name="investigate",
        title="investigate an incident",
        description=INVESTIGATE,
        parameters=parameters((), **(about if make_incident else {}), lang=LANG),
        run=lambda arguments, caller: _investigated(open_team, make_incident, arguments, caller),
    )
    return {"ask": ask, "investigate": investigate}


def tool_offers(open_team: Open, tools: Mapping[str, Any]) -> dict[str, Offer]:
    """The reading tools of the team."""
    return {name: handed_on(name, tools[name], _use(open_team, name)) for name in READING if name in tools}


def incident_of_arguments(arguments: Mapping[str, Any], make: Callable[[Any], Incident]) -> Incident:
    """The incident that the arguments of `investigate` describe."""
    title = arguments.get("title") or f"asked about {arguments.get('service') or 'everything'}"
    given = {"title": title, "service": arguments.get("service", ""), "at": arguments.get("at")}
    return make(read_alert({key: value for key, value in given.items() if value is not None}))


def _asked(open_team: Open, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    lang = arguments.get("lang")
    with open_team(caller, lang or "en", None) as team:
        return _told(team.copilot.ask(arguments["question"], lang=lang))


def _investigated(
    open_team: Open, make_incident: MakeIncident | None, arguments: Mapping[str, Any], caller: Caller
) -> dict[str, Any]:
    lang: Lang = arguments.get("lang") or "en"
    incident = make_incident(arguments) if make_incident else None
    with open_team(caller, lang, incident) as team:
        observation = team.scene.incident_observation()
        if observation is None:
            return {"text": "There is nothing to look at in that time.", "failed": True}
        return _told(team.copilot.investigate(observation, lang=lang))


def _told(answer: Answer) -> dict[str, Any]:
    """An answer; that it is none is said, and is no failure of the tool."""
    told = document(answer)
    stands = answer.kind != "declined" and (answer.diagnosis is None or answered(answer.diagnosis))
    return {"text": markdown.render(told), "answered": stands, **told}


def _use(open_team: Open, name: str) -> Run:
    def run(arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        with open_team(caller, "en", None) as team:
            result = team.toolbox.use(name, arguments)
        told = tool_document(name, arguments, result, "en")
        failed = result.outcome in ("error", "approval_required")
        return {"text": f"{result.outcome}\n{told['digest']}", "failed": failed, **told}

    return run
