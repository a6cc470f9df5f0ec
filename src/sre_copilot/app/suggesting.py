"""What the team proposes against a fault, where a language model is configured: actions out of the catalogue with typed parameters, and nothing else.

Whatever the model says beside the catalogue is dropped, and that is said. One that is away, slow or silly costs no plan: rules make theirs without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import ActionError
from sre_copilot.agents.prompts import prompt
from sre_copilot.decision.planning.binding import actions_of
from sre_copilot.decision.planning.model import Estate, Fault, Known, Suggestion, message
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.speaking import Material, Question, Speaker
from sre_copilot.telemetry import clean, log

ROLE = "repair"  # the name of the instructions that a model is given
MOST = 3  # proposals: more than people weigh against each other
MOST_OFFERED = 60  # actions at services: a catalogue of five executors has some thirty
MOST_FINDINGS = 12
LONGEST_NAME = 100  # characters of what a model wrote, where it is shown
Text = Annotated[str, Field(max_length=200)]
Value = bool | int | float | Annotated[str, Field(max_length=500)]


class Proposed(BaseModel):
    """One action that a model proposes."""

    model_config = ConfigDict(extra="forbid")

    action: Text = Field(description="name of an offered action")
    service: Text = Field(description="a service that it is offered for")
    parameters: dict[Text, Value] = Field(default_factory=dict, max_length=20)


class Proposals(BaseModel):
    """What a model proposes, the best first; nothing where nothing on offer would help."""

    model_config = ConfigDict(extra="forbid")

    proposals: list[Proposed] = Field(default_factory=list, max_length=MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """What the team proposes, and what of its words was dropped and why; `model` is who was asked."""

    suggestions: tuple[Suggestion, ...] = ()
    dropped: tuple[Message, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Suggesting:
    """Asks a model, one bounded question a fault.

    Parameters
    ----------
    speaker : who speaks to the model; asked for when the first fault comes
    """

    speaker: Callable[[], Speaker]
    lang: Language = "en"

    def suggest(self, fault: Fault, known: Known, estate: Estate, catalogue: Catalogue) -> Suggested:
        """What the team proposes; nothing where there is no model, or none that answers."""
        offered = offers(fault, known, estate)
        try:
            speaker = self.speaker()
        except SreCopilotError as error:  # what is wrong with the models' settings is told elsewhere, too
            log(__name__).warning("the team cannot be asked for a repair", problem=str(error))
            return Suggested()
        if not speaker.available or not offered:
            return Suggested()
        question = Question(
            role=ROLE,
            instructions=prompt(ROLE, self.lang).replace("{most}", str(MOST)),
            text="Which of the offered actions would repair the fault?",
            result=Proposals,
            material=(
                Material(text=self._fault(fault, known), provenance="diagnosis"),
                Material(text=_listed(offered, estate, self.lang), provenance="offered actions"),
            ),
            tier="strong",
            max_calls=2,  # a second one for an answer that has another form
        )
        reply = speaker.ask(question, ledger=speaker.ledger())
        if reply.value is None:
            log(__name__).info("the team proposes nothing", trouble=reply.trouble, problem=reply.problem)
            return Suggested()
        return _checked(reply.value.proposals, offered, estate, catalogue, model=reply.model)

    def _fault(self, fault: Fault, known: Known) -> str:
        said = [say(each.message, self.lang) for each in fault.findings[:MOST_FINDINGS]]
        changes = [f"{each.kind}: {each.text}" for each in known.changes if each.service == fault.entity]
        return json.dumps(
            {
                "service": fault.entity,
                "fault_type": fault.fault_type,
                "probability": round(fault.probability, 2),
                "path_to_symptom": list(fault.path),
                "evidence": said,
                "changes_before": changes[:MOST_FINDINGS],
                "tried_without_success": sorted(f"{action} at {target}" for action, target in known.tried),
            },
            ensure_ascii=False,
        )


def offers(fault: Fault, known: Known, estate: Estate) -> dict[str, tuple[str, ...]]:
    """Actions that change something, each with the services of the fault that it can be done to: the culprit, what it calls, and who suffers."""
    around = (fault.entity, *fault.path, *known.topology.callees(fault.entity))
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(estate.specs):
        if estate.specs[name].level <= RiskLevel.LOW:
            continue
        here = tuple(each for each in dict.fromkeys(around) if actions_of(each, name, estate))
        if here and len(found) < MOST_OFFERED:
            found[name] = here
    return found


def _listed(offered: Mapping[str, tuple[str, ...]], estate: Estate, lang: Language) -> str:
    lines = [_entry(estate.specs[name], services, lang) for name, services in offered.items()]
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in lines)


def _entry(spec: ActionSpec, services: tuple[str, ...], lang: Language) -> dict[str, Any]:
    return {
        "action": spec.name,
        "does": say(spec.does, lang),
        "services": list(services),
        "can_be_undone": spec.reversible,
        "parameters": dict(spec.parameters.get("properties") or {}),
        "required": list(spec.parameters.get("required", ())),
    }


def _checked(
    proposals: list[Proposed],
    offered: Mapping[str, tuple[str, ...]],
    estate: Estate,
    catalogue: Catalogue,
    *,
    model: str,
) -> Suggested:
    """Each proposal as the catalogue understands it, or why it is dropped."""
    judged = list(_judged(proposals, offered, estate, catalogue))
    return Suggested(
        suggestions=tuple(each for each in judged if isinstance(each, Suggestion)),
        dropped=tuple(each for each in judged if isinstance(each, Message)),
        model=model,
    )


def _judged(
    proposals: list[Proposed], offered: Mapping[str, tuple[str, ...]], estate: Estate, catalogue: Catalogue
) -> Iterator[Suggestion | Message]:
    for each in proposals:
        name, service = clean(each.action)[:LONGEST_NAME], clean(each.service)[:LONGEST_NAME]
        if each.service not in offered.get(each.action, ()):
            yield message("dropped.not_offered", action=name, service=service)
            continue
        target = actions_of(each.service, each.action, estate)[0]
        try:
            checked = catalogue.check(Action(name=each.action, target=target, parameters=each.parameters))
        except ActionError as error:
            yield message("dropped.refused", action=name, problem=clean(str(error))[:300])
            continue
        yield Suggestion(action=each.action, service=each.service, parameters=dict(checked.parameters))
