"""Names the cause, or says that it cannot: the core concludes, a second pass tries to refute, a rule decides what stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, Field

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.answer import Event
from sre_copilot.agents.experts.expert import said
from sre_copilot.agents.grounding import claims_of, sound_culprit
from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult
from sre_copilot.agents.hypotheses.reflection import Found, Reflected, belief_after, reflect
from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Diagnosis, Outcome
from sre_copilot.domain.knowledge import Lang
from sre_copilot.llm.speaking import Material, Question

EVEN = 0.5  # a hypothesis that is likelier wrong than right is not named
TOLD = 6


class NextTest(BaseModel):
    """Which test a model would make next: one of those on offer."""

    test: str = Field(description="name of the test, one of those offered")
    entity: str = Field(description="entity to test, one of those offered")


@dataclass(frozen=True, slots=True)
class Concluded:
    """A conclusion with its table of hypotheses."""

    investigated: Investigated
    diagnosis: Diagnosis
    reflected: Reflected[Investigated] | None


class RootCauseAgent:
    """Localises the cause and tries to refute it."""

    name: ClassVar[str] = "root_cause"
    tools: ClassVar[tuple[str, ...]] = ("localise", "similar_incidents")
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Names the root cause with a table of hypotheses, or says that the evidence does not suffice.",
        "zh": "以假设表的形式给出根因，或说明证据不足。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Conclude from the diagnosis' findings, reflect, and say what stands."""
        if desk.observation is None:
            return FaultDescription(agent=self.name, problem="there is nothing to look at")
        before = desk.before.get("diagnosis")
        if before is None or before.problem:
            investigated = desk.core(desk.observation)
        else:
            investigated = desk.core.conclude(desk.observation, before.findings, before.gaps)
        concluded = conclude(investigated, desk)
        diagnosis = concluded.diagnosis
        cited = set(diagnosis.suspects[0].finding_ids) if diagnosis.suspects else set()
        told = [finding for finding in diagnosis.findings if finding.id in cited][:TOLD]
        return FaultDescription(
            agent=self.name,
            claims=claims_of(told, [said(finding, desk) for finding in told]),
            findings=diagnosis.findings,
            gaps=diagnosis.gaps,
            data={"concluded": concluded},
        )


def conclude(investigated: Investigated, desk: Desk) -> Concluded:
    """Reflect on a conclusion and apply the rule."""
    if not desk.reflecting:
        return Concluded(investigated, sound_culprit(investigated.diagnosis), None)

    def seen(result: TestResult) -> None:
        text = desk.context.say(result.message, desk.context.lang)
        desk.listen(
            Event(
                kind="hypothesis",
                agent=RootCauseAgent.name,
                text=text,
                data={"test": result.test, "side": result.side},
            )
        )

    reflected = reflect(investigated, desk.core, seen=seen, choose=lambda offered: _choice(offered, desk))
    return Concluded(reflected.investigated, decided(reflected), reflected)


def decided(reflected: Reflected[Found]) -> Diagnosis:
    """The rule: the core's verdict and calibrated probability, lowered by tests that spoke against it; never raised, never another entity.

    A leading hypothesis that the tests make likelier wrong than right is not named.
    """
    diagnosis = sound_culprit(reflected.investigated.diagnosis)
    leading = reflected.table[0] if reflected.table else None
    if diagnosis.culprit is None or leading is None or not leading.against:
        return diagnosis
    probability = min(diagnosis.probability, belief_after(diagnosis.probability, leading.results))
    if probability >= EVEN:
        return replace(diagnosis, probability=probability)
    return _withdrawn(diagnosis, leading, probability)


def _withdrawn(diagnosis: Diagnosis, leading: Hypothesis, probability: float) -> Diagnosis:
    reason = Message(
        key="reason.refuted",
        params=(
            ("entity", leading.entity),
            ("tests", len(leading.against)),
            ("percent", round(100 * probability)),
        ),
    )
    return replace(
        diagnosis, outcome=Outcome.INCONCLUSIVE, probability=probability, reasons=(*diagnosis.reasons, reason)
    )


def _choice(offered: Sequence[tuple[str, str]], desk: Desk) -> tuple[str, str] | None:
    """Let a model choose among the tests on offer; without one, or when it chooses what is not offered, the most telling is made."""
    if not desk.speaker.available or desk.ledger.exhausted():
        return None
    listed = "\n".join(f"- {test} of {entity}" for test, entity in offered)
    reply = desk.speaker.ask(
        Question(
            role="root_cause",
            instructions=prompt("root_cause", desk.context.lang),
            text="Which of the offered tests comes next?",
            material=(Material(text=listed, provenance="tests on offer"),),
            result=NextTest,
            max_calls=1,
        ),
        ledger=desk.ledger,
    )
    return (reply.value.test, reply.value.entity) if reply.value else None
