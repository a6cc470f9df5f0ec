"""Workflows in chat: what a question asks for is offered, and started only when the asker says so and has the role for it; by the same door as REST, and audited."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.agents.answer import Answer, AnswerKind, Understood
from sre_copilot.agents.grounding import said
from sre_copilot.agents.understanding.wording import language
from sre_copilot.app.serving import Service
from sre_copilot.app.workflows import Workflows
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.section import Role, at_least
from sre_copilot.store.alerting.audit import actor, noted
from sre_copilot.store.tokens import Token
from sre_copilot.workflows.frames import parsed
from sre_copilot.workflows.triggers import Asked

NEEDED: Role = "responder"  # as to start one by REST
MOST_OFFERS = 3  # beside an answer: more is a list
LONGEST = 2_000  # characters of a message that may be a command
_COMMAND = re.compile(
    r"^(?:run workflow|start workflow|运行工作流|启动工作流)\s*[:：]?\s*(\S.*)$", re.IGNORECASE
)
_YES = re.compile(
    r"^(?:yes|y|ok|okay|sure|please|go|go ahead|run it|start it|do it|yes,? (?:run|start) it|是|是的|好|好的|可以|确认|运行|启动|执行|开始)[.!。！]?$",
    re.IGNORECASE,
)
_ID = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A workflow that somebody wants to be started."""

    workflow: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A workflow that a question asks for; `command` is what starts it, `missing` the inputs that are not known yet."""

    asked: Asked
    missing: tuple[str, ...]

    @property
    def command(self) -> str:
        """What the asker writes to start it."""
        given = [f"{name}={shlex.quote(str(value))}" for name, value in self.asked.inputs.items()]
        return " ".join(
            ["RUN WORKFLOW", self.asked.workflow, *given, *(f"{name}=…" for name in self.missing)]
        )

    def said(self, role: Role, lang: Lang) -> str:
        """The offer in words."""
        acts = say(Message(key="workflow.chat.acts"), lang) if self.asked.acts else ""
        params = {"name": self.asked.name, "acts": acts, "command": self.command, "role": role,
                  "missing": ", ".join(self.missing)}  # fmt: skip
        kind = "role" if not at_least(role, NEEDED) else "missing" if self.missing else "offer"
        return say(Message(key=f"workflow.chat.{kind}", params=tuple(params.items())), lang)

    def action(self, role: Role, lang: Lang) -> dict[str, Any]:
        """The offer as a follow-up that a client shows; its `prompt` is the next question."""
        return {"id": f"workflow/{self.asked.workflow}", "action_label": self.asked.name,
                "pre_action_notification_text": self.said(role, lang), "prompt": self.command}  # fmt: skip


@dataclass(frozen=True)
class WorkflowChat:
    """Offers and starts workflows for whoever asks in chat."""

    service: Service
    workflows: Workflows

    def offers(self, text: str) -> tuple[Offer, ...]:
        """What a question asks for by one of the phrases of a workflow."""
        return tuple(self._offer(each) for each in self.workflows.triggers.asked_for(text)[:MOST_OFFERS])

    def wish(self, text: str, *, before: str = "") -> Wish | None:
        """The start that a message asks for: a whole command, or a yes to the one offer of the question before; None when it is neither."""
        if len(text) > LONGEST:
            return None
        if (command := command_of(text)) is not None:
            return command
        if not _YES.match(" ".join(text.split())) or not before:
            return None
        offers = self.offers(before)
        if len(offers) != 1:
            return None
        return Wish(workflow=offers[0].asked.workflow, inputs=offers[0].asked.inputs)

    def start(self, wish: Wish, *, text: str, token: Token, cause: str, lang: Lang | None) -> Answer:
        """Start it on behalf of the asker, or say why not; either is audited."""
        spoken = lang or language(text)
        try:
            with noted(
                self.service.database, self.service.clock, "workflow.run", who=actor(token), subject=wish.workflow, way="chat"
            ) as detail:  # fmt: skip
                if not at_least(token.role, NEEDED):
                    raise UsageError(f"this needs the role {NEEDED}; you have {token.role}")
                started = self.workflows.runs.start(
                    wish.workflow, wish.inputs, who=token.name, role=token.role, cause=cause,
                    trigger={"type": "chat", "text": text},
                )  # fmt: skip
                if started.outcome == "too_many":
                    raise UsageError("as many of its runs as `at_once` allows are under way")
                detail["run"] = started.run
        except UsageError as problem:
            return _answer("refused", "declined", text, spoken, workflow=wish.workflow, problem=str(problem))
        return _answer(started.outcome, "listing", text, spoken, workflow=wish.workflow, run=started.run)

    def _offer(self, asked: Asked) -> Offer:
        row = self.workflows.collection.store.version(asked.workflow)
        inputs = parsed(row["text"]).inputs if row is not None else ()
        return Offer(asked=asked, missing=missing(inputs, asked.inputs))


def chat_of(service: Service) -> WorkflowChat | None:
    """Workflows in chat, where this process works runs off."""
    return WorkflowChat(service, service.workflows) if service.workflows is not None else None


def command_of(text: str) -> Wish | None:
    """`RUN WORKFLOW id name=value …`; None of any other text. The whole message must be it."""
    found = _COMMAND.match(" ".join(text.split()))
    if found is None:
        return None
    try:
        key, *pairs = shlex.split(found[1])
    except ValueError:  # a quotation that does not end
        return None
    named = [each.partition("=") for each in pairs]
    if not _ID.match(key) or any(not sign or not name.isidentifier() for name, sign, _ in named):
        return None
    return Wish(workflow=key, inputs={name: value for name, _, value in named if value != "…"})


def missing(inputs: Sequence[Any], given: Mapping[str, Any]) -> tuple[str, ...]:
    """Inputs that a run cannot begin without."""
    return tuple(each.name for each in inputs if each.required and each.default is None and each.name not in given)  # fmt: skip


def _answer(key: str, kind: AnswerKind, text: str, lang: Lang, **params: str) -> Answer:
    headline = say(Message(key=f"workflow.chat.{key}", params=tuple(params.items())), lang)
    understood = Understood(text=text, lang=lang, intent="act", confidence=1.0)
    return said(kind, headline, understood=understood, lang=lang)
