"""The copilot: takes a question, splits it, sends the team to work, and says what stands."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sre_copilot.agents.agent import Agent, Desk, FaultDescription, State, Task, UseTool
from sre_copilot.agents.answer import Answer, Event, Listener, Understood
from sre_copilot.agents.answering import answer_of, declined, joined, plain, with_quotes, with_recalled
from sre_copilot.agents.core import Core
from sre_copilot.agents.grounding import Grounds, ground
from sre_copilot.agents.planning import EXPERTS, WHOLE_TEAM, alone, plan
from sre_copilot.agents.printable import printable
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.scheduler import run
from sre_copilot.agents.tool import Investigated, ToolContext
from sre_copilot.agents.understanding.intents import INTENTS
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Lang, Recalled
from sre_copilot.domain.signals import Window
from sre_copilot.llm.speaking import Ledger, Speaker, ToolSpec

UNSURE = 0.6  # of the rules and a model that refined them: below it a model may look around
QUOTED = 2  # passages beside an answer that did not come from documents
NEAR = 8  # names of services that are offered
USUAL_S = 1800.0  # looked at where nobody says from when to when: long enough to see a fault begin

Understand = Callable[[str, Lang | None, Understood | None, Ledger], Understood]
RecallAtOnce = Callable[[Observation], Recalled | None]
"""The known fault that this certainly is, found within a second; None when it is none."""

MakeUse = Callable[[ToolContext, Listener], UseTool]


def _silent(event: Event) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copilot:
    """One team on one scene. Questions may be asked by several threads at once."""

    scene: Scene
    core: Core[Investigated]
    agents: Mapping[str, Agent]
    context: ToolContext
    make_use: MakeUse
    speaker: Speaker
    understand: Understand
    reflecting: bool = True
    specs: tuple[ToolSpec, ...] = ()
    recall: RecallAtOnce | None = None

    def ask(
        self,
        text: str,
        *,
        lang: Lang | None = None,
        previous: Understood | None = None,
        listen: Listener = _silent,
    ) -> Answer:
        """Answer a question, or say why not; each part of a compound one in turn."""
        ledger = self.speaker.ledger()
        understood = self.understand(text, lang, previous, ledger)
        listen(_intent_event(understood))
        parts = understood.parts or (understood,)
        answers = [self._part(part, ledger, listen) for part in parts]
        answer = answers[0] if len(answers) == 1 else joined(understood, answers)
        listen(Event(kind="ended", agent="copilot", text=answer.headline))
        return replace(answer, usage=ledger.spent, partial=ledger.exhausted())

    def investigate(
        self, observation: Observation, *, lang: Lang | None = None, listen: Listener = _silent
    ) -> Answer:
        """Let the whole team look into an incident, as an alert asks for."""
        said = lang or self.context.lang
        understood = Understood(
            text=observation.incident.complaint.text, lang=said, intent="diagnose", confidence=1.0
        )
        ledger = self.speaker.ledger()
        answer = self._worked(understood, observation, ledger, listen)
        return replace(answer, usage=ledger.spent, partial=ledger.exhausted())

    def _part(self, understood: Understood, ledger: Ledger, listen: Listener) -> Answer:
        if understood.missing:
            return self._asked_back(understood)
        if not plan(understood):
            return self._quoted(self._own(understood))
        if understood.intent in WHOLE_TEAM and (outside := self._outside(understood)):
            return self._declined(understood, "team.outside", **outside)
        observation = self._observation(understood) if understood.intent in WHOLE_TEAM else None
        if understood.confidence < UNSURE and self._may_look_around(understood, ledger):
            return self._looked_around(understood, ledger, listen)
        answer = self._quoted(self._worked(understood, observation, ledger, listen))
        if answer.kind == "declined" and self._may_look_around(understood, ledger):
            return self._looked_around(understood, ledger, listen)
        return answer

    def _quoted(self, answer: Answer) -> Answer:
        """The answer with what documents say to the question, where they do: they may know what no telemetry tells."""
        library = self.context.library
        if library is None or answer.quotes or answer.understood.intent in (*WHOLE_TEAM, "act", "code"):
            return answer
        found = library.answer(answer.understood.text, limit=QUOTED).quotes
        return with_quotes(answer, found, self.context.say) if found else answer

    def _may_look_around(self, understood: Understood, ledger: Ledger) -> bool:
        """Whether the question is one of telemetry, and there is a model that may choose tools for it."""
        agent = INTENTS[understood.intent].agent if understood.intent in INTENTS else ""
        ours = agent in EXPERTS or agent == "diagnosis"
        return ours and self.speaker.available and not ledger.exhausted() and "analyst" in self.agents

    def _looked_around(self, understood: Understood, ledger: Ledger, listen: Listener) -> Answer:
        return self._worked(understood, None, ledger, listen, tasks=(alone("analyst", understood),))

    def _asked_back(self, understood: Understood) -> Answer:
        """Say what is missing; for a service whether it is not known here, or whether nothing could be read that names any."""
        if "service" not in understood.missing:
            return self._declined(understood, "team.missing", missing=", ".join(understood.missing))
        known = self.scene.services()
        if not known:
            return self._declined(understood, "team.no_services")
        name = understood.parameters.get("unknown", "")
        near = difflib.get_close_matches(name, known, n=NEAR, cutoff=0.4) or list(known[:NEAR])
        key = "team.unknown_service" if name else "team.which_service"
        return self._declined(understood, key, name=name, near=", ".join(near))

    def _outside(self, understood: Understood) -> dict[str, str]:
        """What was recorded, when the question is about a time of which nothing was; nothing when it can be looked at."""
        bounds, window = self.scene.bounds(), understood.window
        if window is None or bounds.end == 0.0 or (window.start < bounds.end and bounds.start < window.end):
            return {}
        return {"start": rfc3339(round(bounds.start)) or "", "end": rfc3339(round(bounds.end)) or ""}

    def _observation(self, understood: Understood) -> Observation:
        recorded = self.scene.incident_observation()
        if recorded is not None:
            return recorded
        now = self.scene.now()
        window = understood.window or Window(now - USUAL_S, now)
        entity = understood.services[0] if understood.services else ""
        return self.scene.observe(window, complaint=understood.text, entity=entity)

    def _worked(
        self,
        understood: Understood,
        observation: Observation | None,
        ledger: Ledger,
        listen: Listener,
        *,
        tasks: tuple[Task, ...] = (),
    ) -> Answer:
        context = replace(
            self.context,
            lang=understood.lang,
            incident_window=understood.window or self.context.incident_window,
        )
        desk = Desk(
            context=context,
            core=self.core,
            use=self.make_use(context, listen),
            speaker=self.speaker,
            ledger=ledger,
            listen=listen,
            observation=observation,
            reflecting=self.reflecting,
            specs=self.specs,
        )
        known = self._recalled(observation, context, listen)
        tasks = tasks or plan(understood)
        listen(Event(kind="plan", agent="copilot", text=", ".join(task.agent for task in tasks)))
        done = run(tasks, lambda task, before: self._work(task, before, desk), tell=_telling(listen))
        answer = answer_of(understood, desk, done, tasks)
        return with_recalled(answer, known) if known else answer

    def _recalled(
        self, observation: Observation | None, context: ToolContext, listen: Listener
    ) -> Recalled | None:
        """Say at once that this is a known fault, where it certainly is; the investigation goes on and has the last word."""
        known = self.recall(observation) if self.recall and observation is not None else None
        if known is None or not known.certain:
            return None
        title = known.card.title if known.card else (known.past.summary if known.past else "")
        params = (("entity", known.entity), ("title", title))
        text = printable(context.say(Message(key="team.recalled", params=params), context.lang))
        listen(Event(kind="recalled", agent="knowledge", text=text, data={"entity": known.entity}))
        return known

    def _work(self, task: Task, before: Mapping[str, FaultDescription], desk: Desk) -> FaultDescription:
        agent = self.agents.get(task.agent)
        if agent is None:
            return FaultDescription(agent=task.agent, problem=f"there is no agent {task.agent!r}")
        return agent.work(task, replace(desk, before=before))

    def _own(self, understood: Understood) -> Answer:
        """What the copilot answers itself: what it can do, and what it does not do."""
        if understood.intent == "help":
            draft = plain(self.context.say, understood, "team.help", kind="listing")
            return ground(replace(draft, body=self.roster(understood.lang)), Grounds(self.scene))
        key = f"team.{understood.intent}" if understood.intent in ("act", "smalltalk") else "team.unknown"
        return self._declined(understood, key)

    def roster(self, lang: Lang) -> str:
        """The agents and what each can be asked, a line each."""
        return "\n".join(f"{name}: {self.agents[name].description(lang)}" for name in sorted(self.agents))

    def _declined(self, understood: Understood, key: str, **params: str) -> Answer:
        return declined(self.scene, self.context.say, understood, key, **params)


def _intent_event(understood: Understood) -> Event:
    intent = INTENTS.get(understood.intent)
    words = (intent.zh if understood.lang == "zh" else intent.en) if intent else understood.intent
    return Event(
        kind="intent",
        agent="copilot",
        text=words,
        data={
            "intent": understood.intent,
            "services": understood.services,
            "confidence": understood.confidence,
        },
    )


def _telling(listen: Listener) -> Callable[[Task, State, str], None]:
    def tell(task: Task, state: State, text: str) -> None:
        listen(
            Event(kind="note", agent=task.agent, text=text or state, data={"task": task.id, "state": state})
        )

    return tell
