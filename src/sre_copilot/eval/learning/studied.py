"""Cases as they are learned from: read and investigated once, then laid beside their truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app import investigate, register_sentences
from sre_copilot.app.experience import Memory
from sre_copilot.app.team import make_copilot
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Recalled, Retrieved, Scope
from sre_copilot.errors import MethodError
from sre_copilot.eval.rca.matching import means
from sre_copilot.eval.rca.truth import Truth, read_truth
from sre_copilot.incidents.investigation import Investigation
from sre_copilot.knowledge.answering import Answered
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.perception.recorded import RecordedSource

Answer = Callable[[Observation, Experience | None], Investigation]
"""Answers with experience, or without (None)."""


def by_core(observation: Observation, shelf: Experience | None) -> Investigation:
    """What the deterministic core answers: it has no place where experience could enter."""
    return investigate(observation)


def by_team(observation: Observation, shelf: Experience | None) -> Investigation:
    """What the whole team answers, with the experience of a shelf in its hands, or without any."""
    memory = Memory(shelf) if shelf is not None else None
    copilot = make_copilot(
        RecordedScene(observation),
        library=CardsAlone(memory) if memory else None,
        recall=memory.recall_at_once if memory else None,
    )
    answer = copilot.investigate(observation)
    if answer.diagnosis is None or not isinstance(answer.investigated, Investigation):
        raise MethodError("the team gave no diagnosis that stands")
    return replace(answer.investigated, diagnosis=answer.diagnosis)


class CardsAlone:
    """A library of experience without documents."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def search(
        self, question: str, *, scope: Scope | None = None, kinds: tuple[str, ...] = (), limit: int = 5
    ) -> tuple[Retrieved, ...]:
        """None: there are no documents."""
        return ()

    def answer(self, question: str, *, scope: Scope | None = None, limit: int = 3) -> Answered:
        """None: there are no documents."""
        return Answered()

    def recall(
        self, findings: tuple[Finding, ...], *, observation: Observation, fault_type: str = "", limit: int = 5
    ) -> tuple[Recalled, ...]:
        """Known faults that fit."""
        return self._memory.recall(findings, observation=observation, fault_type=fault_type, limit=limit)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was answered."""

    outcome: str
    entity: str
    fault_type: str
    probability: float


@dataclass(frozen=True)
class Studied:
    """One case with its investigation and its truth; `fault_type` is the product's word for the truth's."""

    name: str
    observation: Observation
    investigation: Investigation
    seconds: float
    truth: Truth | None
    fault_type: str = field(default="")

    @property
    def is_fault(self) -> bool:
        """Whether it is known what was wrong."""
        return self.truth is not None and not self.truth.no_fault and bool(self.fault_type)

    @property
    def verdict(self) -> Verdict:
        """What the investigation answered."""
        return verdict_of(self.investigation)


def verdict_of(investigation: Investigation) -> Verdict:
    """The answer of an investigation."""
    diagnosis = investigation.diagnosis
    culprit = diagnosis.culprit
    named = (culprit.entity, culprit.fault_type or "") if culprit else ("", "")
    return Verdict(diagnosis.outcome.value, *named, round(diagnosis.probability, 6))


def study(folder: Path, *, answer: Answer = by_team) -> Studied:
    """Read and investigate a case, then read its truth.

    Raises
    ------
    BadCaseError : when a file of the case cannot be read
    """
    register_sentences()
    observation = RecordedSource(folder).observe()
    began = perf_counter()
    found = answer(observation, None)
    seconds = perf_counter() - began
    truth = read_truth(folder)
    culprit = found.diagnosis.culprit
    fault_type = product_type(truth, culprit.fault_type or "" if culprit else "") if truth else ""
    return Studied(folder.name, observation, found, seconds, truth, fault_type)


def product_type(truth: Truth, answered: str) -> str:
    """The product's fault type for the truth's label; of several the one that was answered."""
    if truth.no_fault:
        return ""
    if truth.fault_type in FAULT_TYPES:
        return truth.fault_type
    fitting = [each for each in FAULT_TYPES if means(truth, each)]
    return answered if answered in fitting else next(iter(fitting), "")
