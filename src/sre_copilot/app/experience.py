"""Experience, wired: what is known, recalled against the present telemetry, and learned from closed investigations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from sre_copilot.app import register_sentences
from sre_copilot.app.core import RegisteredCore
from sre_copilot.app.storing import open_database
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Lang, PastFault, Recalled, Scope
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.report.words import say
from sre_copilot.knowledge.drafting import Draft, draft, reworded
from sre_copilot.knowledge.encoder import UniversalSentenceEncoder
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.learning import keep
from sre_copilot.knowledge.past import Closed, past_from_case
from sre_copilot.knowledge.probes import Holds
from sre_copilot.knowledge.prompts import Prompts
from sre_copilot.knowledge.recall import Known, recall, recall_instantly
from sre_copilot.knowledge.similar import Similar, similar_by_words, similar_to
from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.settings.document import Settings

QUICK = ("metrics", "golden_signals", "state", "transactions")
"""Detectors of a quick look: a fifth of the time of all of them, which goes into reading logs and traces line by line."""


def open_experience(settings: Settings, clock: Clock | None = None) -> Experience:
    """The cards and past faults of the configured store."""
    return Experience(open_database(settings), clock or SystemClock())


def open_prompts(settings: Settings, clock: Clock | None = None) -> Prompts:
    """The prompts with the changes that lie in the configured folder."""
    return Prompts(settings.store.folder / "prompts", clock or SystemClock())


def holds_on(observation: Observation) -> Holds:
    """Re-runs checks on an observation, by the evidence layer."""
    evaluator = Evaluator(observation)

    def holds(check: Check) -> bool:
        return evaluator.evaluate(check).holds

    return holds


def look(observation: Observation) -> tuple[Finding, ...]:
    """A quick look."""
    findings, _ = RegisteredCore().detect(observation, QUICK)
    return findings


def look_closely(observation: Observation) -> tuple[Finding, ...]:
    """What the other detectors find; nothing is localised, verified or concluded."""
    core = RegisteredCore()
    findings, _ = core.detect(observation, [name for name in core.detectors if name not in QUICK])
    return findings


def recall_at_once(known: Iterable[Known], observation: Observation) -> Recalled | None:
    """The known fault that this certainly is, without an investigation; None when there is none."""
    ready = tuple(known)
    return recall_instantly(
        ready,
        observation=observation,
        look=look,
        look_closely=look_closely,
        holds=holds_on(observation),
        entities=_entities(observation, ready),
    )


def recall_for(
    known: Iterable[Known],
    findings: Sequence[Finding],
    observation: Observation,
    *,
    fault_type: str = "",
    limit: int = 5,
) -> tuple[Recalled, ...]:
    """Known faults that fit findings, best first."""
    return recall(
        known,
        findings,
        observation=observation,
        holds=holds_on(observation),
        fault_type=fault_type,
        limit=limit,
    )


class Memory:
    """Recalls for agents: they read, they never write."""

    def __init__(self, shelf: Experience) -> None:
        self._shelf = shelf

    def recall(
        self, findings: tuple[Finding, ...], *, observation: Observation, fault_type: str = "", limit: int = 5
    ) -> tuple[Recalled, ...]:
        """Known faults that fit what was found, best first."""
        return recall_for(self._shelf.known(), findings, observation, fault_type=fault_type, limit=limit)

    def recall_at_once(self, observation: Observation) -> Recalled | None:
        """The known fault that this certainly is, without an investigation."""
        return recall_at_once(self._shelf.known(), observation)


def similar_cases(
    shelf: Experience, closed: Closed, *, scope: Scope | None = None, limit: int = 5
) -> tuple[Similar, ...]:
    """Known faults like the one of an investigation."""
    observation = closed.observation
    return similar_to(
        shelf.known(),
        closed.considered,
        observation=observation,
        holds=holds_on(observation),
        scope=scope,
        limit=limit,
    )


def query_knowledge_base(
    shelf: Experience,
    fault_type: str = "",
    *,
    description: str = "",
    scope: Scope | None = None,
    limit: int = 5,
) -> tuple[Similar, ...]:
    """Known faults of a type, or like a description in Chinese or English."""
    encoder = UniversalSentenceEncoder() if description else None
    return similar_by_words(
        shelf.known(), description, scope=scope, fault_type=fault_type, limit=limit, encoder=encoder
    )


def learn(
    shelf: Experience,
    closed: Closed,
    *,
    service: str = "",
    fault_type: str = "",
    lang: Lang = "en",
    speaker: Speaker | None = None,
) -> Draft | None:
    """Keep what a closed investigation teaches as a draft, for a person to review; None when it named no fault."""
    register_sentences()
    made = draft(closed, say=say, known=shelf.known(), service=service, fault_type=fault_type, lang=lang)
    if made is None:
        return None
    if made.card:
        card = reworded(made.card, speaker or Silent())
        made = Draft(past=made.past, card=card, probes=made.probes)
    return keep(made, shelf)


async def update_knowledge(shelf: Experience, case: Mapping[str, Any], *, by: str) -> PastFault:
    """Take a case that another system or a person tells, as a draft; the store is written beside the event loop."""
    past = past_from_case(case)
    return await asyncio.to_thread(shelf.save_past, past, by=by)


def _entities(observation: Observation, known: Iterable[Known]) -> tuple[str, ...]:
    """Who may have the fault: what is in the topology or the metrics, and what the experience names."""
    found = set(observation.topology.entities) | {name for each in known for name in each.services}
    metrics = observation.current.metrics
    if metrics is not None:
        found |= set(metrics["service"].cast(pl.String).drop_nulls().unique())
    return tuple(sorted(found))
