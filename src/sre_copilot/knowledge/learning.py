"""What is learned rests on people: drafts are reviewed by name, recalls are held against what was found, and trust follows.

Nothing learned changes a verdict. A recalled experience may order hypotheses, choose the next test and lend its words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sre_copilot.domain.incident import Diagnosis, Outcome
from sre_copilot.domain.knowledge import Card, PastFault, Recalled
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.drafting import Draft
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.recall import CERTAIN_MATCH
from sre_copilot.knowledge.trust import BY_MACHINE, BY_PERSON

Decision = Literal["accept", "reject"]
SURE = 0.8  # probability of a diagnosis from which it may speak against an experience


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """All drafts that wait for a person."""

    cards: tuple[Card, ...]
    past: tuple[PastFault, ...]


def keep(draft: Draft, shelf: Experience, *, by: str = "the investigation") -> Draft:
    """Keep a draft until somebody reviews it; what was decided already stays decided."""
    known = {each.id: each.standing for each in shelf.past_faults()}
    if known.get(draft.past.id, "draft") == "draft":
        shelf.save_past(draft.past, by=by, probes=draft.probes)
    if draft.card and not shelf.has_card(draft.card.id):
        shelf.save(draft.card, by=by, note="drafted", probes=draft.probes)
    return draft


def waiting(shelf: Experience) -> Waiting:
    """What waits for a review."""
    return Waiting(cards=shelf.cards(standing="draft"), past=shelf.past_faults(standing="draft"))


def review(
    shelf: Experience, key: str, decision: Decision, *, by: str, note: str = "", revision: int | None = None
) -> Card | PastFault:
    """Accept or reject a draft in one's own name; of a card, the `revision` that one has read.

    Raises
    ------
    UsageError : when there is no such draft, or nobody's name stands for it
    ChangedMeanwhile : when the card is at another revision
    """
    if not by.strip():
        raise UsageError("by: a review needs the name of a person")
    standing: Literal["accepted", "rejected"] = "accepted" if decision == "accept" else "rejected"
    if not shelf.has_card(key):
        return shelf.save_past(replace(shelf.past(key), standing=standing), by=by)
    card = shelf.card(key)
    read = card.revision if revision is None else revision
    if card.standing == standing and card.revision == read:
        return card
    card = shelf.save(replace(card, standing=standing), by=by, note=note or standing, upon=read)
    return (
        shelf.turned(key, success=decision == "accept", weight=BY_PERSON, by=by, investigation_id="") or card
    )


def edit(shelf: Experience, card: Card, *, by: str, note: str = "") -> Card:
    """Change a card; what somebody accepted was another text, so it waits for a review again.

    Raises
    ------
    UsageError : when there is no such card, or the new text cannot be used
    """
    before = shelf.card(card.id)
    return shelf.save(replace(card, standing="draft", trust=before.trust), by=by, note=note or "edited")


def judged(recalled: Iterable[Recalled], diagnosis: Diagnosis) -> tuple[tuple[str, bool], ...]:
    """Which recalled experiences turned out right or wrong: only those that claimed to be it, and only where the diagnosis is sure."""
    culprit = diagnosis.culprit
    if diagnosis.outcome is not Outcome.FAULT or culprit is None or diagnosis.probability < SURE:
        return ()
    found = []
    for each in recalled:
        known = each.card or each.past
        if known is None or each.match < CERTAIN_MATCH:
            continue
        right = each.entity == culprit.entity and _family(known.fault_type) == _family(
            culprit.fault_type or ""
        )
        found.append((known.id, right))
    return tuple(found)


def learn_from(shelf: Experience, recalled: Iterable[Recalled], diagnosis: Diagnosis) -> tuple[Card, ...]:
    """Let the trust of recalled experiences follow what an investigation found; return the cards whose trust moved."""
    moved = (
        shelf.turned(
            key,
            success=right,
            weight=BY_MACHINE,
            by="the investigation",
            investigation_id=diagnosis.incident.id,
        )
        for key, right in judged(recalled, diagnosis)
    )
    return tuple(card for card in moved if card)


def _family(fault_type: str) -> str:
    return fault_type.partition("/")[0]
