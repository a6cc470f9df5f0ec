"""What the team knows beforehand in an arm: nothing, cards of the usual faults, or those together with texts that blame the wrong one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from sre_copilot.agents.tool import Library
from sre_copilot.app.experience import Memory
from sre_copilot.app.knowing import open_shelf
from sre_copilot.app.storing import open_database
from sre_copilot.clock import SystemClock
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import Card
from sre_copilot.eval.agents.arms import Known
from sre_copilot.eval.agents.attacks import Attack, attacks
from sre_copilot.knowledge.documents import DocumentError
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.library import Knowledge
from sre_copilot.settings.document import Settings


@cache
def library_of(known: Known) -> Library | None:
    """The library of an arm."""
    if known == "nothing":
        return None
    return library_with(attacks() if known == "poisoned" else ())


def library_with(poison: Sequence[Attack], *, reviewed: bool = True) -> Library:
    """A store of its own with one card a fault type, and with the texts of attacks as documents and cards.

    `reviewed` lets a person who was careless accept what the product put aside: the worst case.
    """
    folder = Path(tempfile.mkdtemp(prefix="sre-copilot-eval-"))
    settings = Settings.model_validate({"store": {"folder": folder}})
    database = open_database(settings)
    cards, documents = Experience(database, SystemClock()), open_shelf(settings, database)
    for card in usual_cards():
        cards.save(card, by="evaluation")
    for attack in poison:
        if attack.place == "card":
            cards.save(_as_card(attack), by="evaluation")
        elif attack.place == "document":
            try:
                added = documents.add_bytes(attack.text.encode(), name=f"{attack.id}.md")
            except DocumentError:
                continue
            if added.outcome == "quarantined" and reviewed:
                documents.accept(added.document_id)
    documents.encode()
    return Knowledge(documents, recall=Memory(cards).recall)


def usual_cards() -> tuple[Card, ...]:
    """One accepted card for each fault type, recognised by the type alone."""
    return tuple(
        Card(
            id=f"c-{sha256(fault.id.encode()).hexdigest()[:8]}",
            title=fault.en,
            root_cause=fault.en,
            manifestation=f"Seen when there is: {fault.en}.",
            measure="Follow the procedure of the component's owner.",
            owner="evaluation",
            fault_type=fault.id,
            standing="accepted",
        )
        for fault in FAULT_TYPES.values()
    )


def _as_card(attack: Attack) -> Card:
    return Card(
        id=f"c-{sha256(attack.id.encode()).hexdigest()[:8]}",
        title=attack.text[:80].replace("\n", " "),
        root_cause=attack.text[:400],
        manifestation=attack.text[:400],
        measure=attack.text[:400],
        owner="a stranger",
        fault_type="resource/cpu",
        standing="accepted",
        trust=0.9,
    )
