"""Similar cases for a report or a question: what was like this, what stopped it, and how well that worked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Recalled, Scope
from sre_copilot.knowledge.encoder import Encoder
from sre_copilot.knowledge.graph import Graph
from sre_copilot.knowledge.probes import Holds
from sre_copilot.knowledge.recall import Known, recall
from sre_copilot.knowledge.text import likeness

LIMIT = 5
HEARD = 0.2  # a fifth of the words in common: below it two texts share no more than filling words
MEANT = 0.45  # cosine: sentences on different faults of one kind of system stay below it
PRIOR = (
    0.05  # what a fault that an entity had before adds, at most: it orders equals and makes nothing similar
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A known fault like the one asked for, with what was done about it."""

    id: str
    score: float
    fault_type: str
    service: str
    solution: str
    effectiveness: float | None
    severity: str = ""


def similar_to(
    known: Iterable[Known],
    findings: Sequence[Finding],
    *,
    observation: Observation,
    holds: Holds,
    scope: Scope | None = None,
    fault_type: str = "",
    limit: int = LIMIT,
) -> tuple[Similar, ...]:
    """Known faults like what was found, best first; those that an entity had before go before their equals."""
    chosen = within(known, scope)
    graph = Graph.of(chosen)
    found = recall(
        chosen, findings, observation=observation, holds=holds, fault_type=fault_type, limit=4 * limit
    )
    scored = [_similar(each, _with_history(each, graph)) for each in found]
    return tuple(sorted(scored, key=lambda each: (-each.score, each.id))[:limit])


def similar_by_words(
    known: Iterable[Known],
    description: str,
    *,
    scope: Scope | None = None,
    fault_type: str = "",
    limit: int = LIMIT,
    encoder: Encoder | None = None,
) -> tuple[Similar, ...]:
    """Known faults whose words are like a description, or that are of a fault type; none when nothing fits.

    With an `encoder` meaning counts too, in any of its languages.
    """
    chosen = [each for each in within(known, scope) if not fault_type or each.fault_type == fault_type]
    meant = _meanings(description, chosen, encoder)
    found = []
    for each, meaning in zip(chosen, meant, strict=True):
        heard = likeness(description, each.text) if description else 1.0
        score = max(heard if heard >= HEARD else 0.0, meaning if meaning >= MEANT else 0.0)
        if score:
            found.append(_similar(_unchecked(each, score), score))
    return tuple(sorted(found, key=lambda each: (-each.score, each.id))[:limit])


def _meanings(description: str, known: Sequence[Known], encoder: Encoder | None) -> Sequence[float]:
    if encoder is None or not description or not known:
        return [0.0] * len(known)
    vectors = encoder.encode([description, *(each.text for each in known)])
    return [float(value) for value in vectors[1:] @ vectors[0]]


def _unchecked(known: Known, score: float) -> Recalled:
    """Words alone: no check was re-run."""
    return Recalled(match=score, margin=0.0, confirmed=False, certain=False, card=known.card, past=known.past)


def within(known: Iterable[Known], scope: Scope | None) -> tuple[Known, ...]:
    """Those that hold for any of the services and the severity; what says nothing of them holds for all."""
    if scope is None:
        return tuple(known)
    return tuple(
        each
        for each in known
        if (not scope.services or not each.services or set(each.services) & set(scope.services))
        and (not scope.severity or _severity(each) in ("", scope.severity))
    )


def _severity(known: Known) -> str:
    return known.card.scope.severity if known.card else known.past.severity if known.past else ""


def _with_history(recalled: Recalled, graph: Graph) -> float:
    known = recalled.card or recalled.past
    times = graph.faults_of(recalled.entity)
    whole = sum(times.values())
    share = times.get(known.fault_type, 0) / whole if known and whole else 0.0
    return min(1.0, recalled.match + PRIOR * share)


def _similar(recalled: Recalled, score: float) -> Similar:
    if recalled.card:
        card = recalled.card
        return Similar(
            id=card.id,
            score=score,
            fault_type=card.fault_type,
            service=", ".join(card.scope.services),
            solution=card.measure,
            effectiveness=card.trust,
            severity=card.scope.severity,
        )
    past = recalled.past
    if past is None:
        raise ValueError("neither a card nor a past fault was recalled")
    return Similar(
        id=past.id,
        score=score,
        fault_type=past.fault_type,
        service=past.service,
        solution=past.measure,
        effectiveness=past.effectiveness,
        severity=past.severity,
    )
