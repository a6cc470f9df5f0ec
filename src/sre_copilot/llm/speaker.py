"""The speaker: chooses a model, falls back to the next, and always comes back with a reply."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel
from pydantic_ai.models import Model

from sre_copilot.clock import Clock
from sre_copilot.llm import tracing
from sre_copilot.llm.budget import Day, DayBook, InvestigationLedger
from sre_copilot.llm.conversation import Conversation
from sre_copilot.llm.endpoints import build
from sre_copilot.llm.guardrails import Guardrails
from sre_copilot.llm.keeping import Known
from sre_copilot.llm.metrics import ModelMetrics
from sre_copilot.llm.outbound import Gate, Outbound
from sre_copilot.llm.probing import Prober
from sre_copilot.llm.sending import Sender, Voice
from sre_copilot.llm.speaking import CallTool, Ledger, Question, Reply, Tier, Usage
from sre_copilot.llm.troubles import SPEAKS_TO_ANOTHER, Failure
from sre_copilot.llm.waiting import Loop
from sre_copilot.settings.llm import FAST, STRONG, LanguageModel, Llm
from sre_copilot.telemetry import hide

Value = TypeVar("Value", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a speaker is made of; all of it has a default, and any of it can be replaced."""

    gate: Gate
    metrics: ModelMetrics
    book: DayBook | None = None
    known: Known | None = None
    clock: Clock | None = None
    environment: Mapping[str, str] | None = None


class ModelSpeaker:
    """Speaks to the models of the configuration; safe to share between threads."""

    available = True

    def __init__(self, settings: Llm, parts: Parts, *, models: Mapping[str, Model] | None = None) -> None:
        self.settings = settings
        self._loop = Loop()
        self._day = Day(settings.day, book=parts.book, clock=parts.clock)
        self._sender = Sender(self._loop, parts.metrics)
        self._prober = Prober(self._loop, parts.gate, self._day, known=parts.known)
        self.voices = _voices(settings, parts, models or {})

    @property
    def prober(self) -> Prober:
        """What finds out what models can."""
        return self._prober

    @property
    def spent_today(self) -> Usage:
        """What today has cost so far."""
        return self._day.spent

    def ledger(self) -> InvestigationLedger:
        """Open the budget of one investigation; its clock begins to run."""
        return InvestigationLedger(self.settings.investigation, self._day)

    def ask(self, question: Question[Value], *, ledger: Ledger, call: CallTool | None = None) -> Reply[Value]:
        """Ask; the reply's value passed its validation, its pseudonyms are restored."""
        account = ledger if isinstance(ledger, InvestigationLedger) else self.ledger()
        if problem := account.exhausted():
            return Reply(value=None, trouble="budget", problem=problem)
        conversation = Conversation(question, ledger=account, call=call, sender=self._sender)
        reply: Reply[Value] = Reply(value=None, trouble="no_model", problem="no language model is configured")
        told: list[str] = []
        for voice in self.chain(question.tier):
            reply = self._with(voice, conversation, account)
            if reply.trouble not in SPEAKS_TO_ANOTHER or not conversation.turns_left:
                break
            told.append(reply.problem)
        if reply.trouble is None or len(told) < 2:
            return reply
        return Reply(
            value=None,
            usage=reply.usage,
            trouble=reply.trouble,
            problem="; ".join(dict.fromkeys([*told, reply.problem])),
            model=reply.model,
        )

    def chain(self, tier: Tier) -> list[Voice]:
        """The models that a question goes to, in order."""
        names = dict.fromkeys([name_of(self.settings, tier), *self.settings.fallback])
        return [self.voices[name] for name in names if name in self.voices]

    def close(self) -> None:
        """Let go of the loop."""
        self._loop.close()

    def _with(
        self, voice: Voice, conversation: Conversation[Value], account: InvestigationLedger
    ) -> Reply[Value]:
        if refused := voice.out_of_favour(time.monotonic()):
            return _nothing(refused, voice, conversation.usage)
        seconds = min(voice.settings.timeout_seconds, max(0.0, account.seconds_left()))
        protocol = self._prober.protocol(voice, self.settings.protocol, seconds=seconds)
        if isinstance(protocol, Failure):
            voice.note(protocol, time.monotonic())
            return _nothing(protocol, voice, conversation.usage)
        return conversation.with_model(voice, protocol, context_tokens=self._prober.context(voice))


def name_of(settings: Llm, tier: Tier) -> str:
    """The name of the model for a tier; '' when there is none."""
    names = list(settings.models)
    strong = settings.strong or (STRONG if STRONG in names else "")
    fast = settings.fast or (FAST if FAST in names else "")
    first = next(iter(names), "")
    return (strong or fast or first) if tier == "strong" else (fast or strong or first)


def _voices(settings: Llm, parts: Parts, models: Mapping[str, Model]) -> dict[str, Voice]:
    tracing_on = tracing.set_up(parts.environment)
    rules = Guardrails(settings.rules)
    voices = {}
    for name, described in settings.models.items():
        if described.api_key:
            hide([described.api_key.get_secret_value()])
        given = models.get(name)
        built = (
            None if given is not None else build(name, described, parts.gate, environment=parts.environment)
        )
        model = given if built is None else built.model
        assert model is not None  # noqa: S101 - either was given or built
        if tracing_on:
            model = tracing.instrumented(model)
        outbound = Outbound(model, guardrails=rules, public_addresses=settings.public_addresses)
        voices[name] = Voice(
            name=name,
            settings=described,
            model=outbound,
            url=built.url if built else "",
            local=built.local if built else True,
            trusted=built.trusted if built else True,  # a model that was handed in is taken as it is
        )
    return voices


def _nothing(failed: Failure, voice: Voice, usage: Usage) -> Reply[Value]:
    return Reply(
        value=None,
        usage=usage,
        trouble=failed.trouble,
        problem=f"{voice.name}: {failed.problem}",
        model=voice.name,
    )


def with_given(settings: Llm, models: Mapping[str, Model]) -> Llm:
    """Settings that name the models that were given as well."""
    missing = {name: LanguageModel(model=f"given/{name}") for name in models if name not in settings.models}
    return settings.model_copy(update={"models": {**settings.models, **missing}})
