"""A closed investigation becomes a draft: a past fault, and a card where none says the same. No model is needed; one may mend the words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pydantic import BaseModel, Field

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import Card, Lang, PastFault, Scope
from sre_copilot.knowledge.past import Closed, past_fault, signature
from sre_copilot.knowledge.probes import Probe, probes_of
from sre_copilot.knowledge.recall import CERTAIN_MATCH, Known
from sre_copilot.knowledge.signature import parse_token, similarity
from sre_copilot.llm.speaking import Material, Question, Speaker

Say = Callable[[Message, Lang], str]
SHOWN = 3  # findings that a card tells of: the strongest say it, more is read by nobody
NO_MEASURE = {"en": "Not known yet: write what stopped it.", "zh": "尚不清楚：请写明止损办法。"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was learned, before anybody looked at it; `card` is None where an accepted card says the same."""

    past: PastFault
    card: Card | None
    probes: tuple[Probe, ...]


def draft(
    closed: Closed,
    *,
    say: Say,
    known: Iterable[Known] = (),
    service: str = "",
    fault_type: str = "",
    lang: Lang = "en",
    owner: str = "",
) -> Draft | None:
    """Draft from an investigation that named a culprit; `service` and `fault_type` correct what it named. None where there was no fault."""
    culprit = closed.diagnosis.culprit
    service = service or (culprit.entity if culprit else "")
    fault_type = fault_type or (culprit.fault_type or "" if culprit else "")
    if not service or fault_type not in FAULT_TYPES:
        return None
    key = _key(closed.diagnosis.incident.id, service, fault_type)
    measure = next(
        (say(step, lang) for step in closed.diagnosis.next_steps if step.key.startswith("next.")), ""
    )
    past = past_fault(
        closed, service=service, fault_type=fault_type, key=f"past-{key}", lang=lang, measure=measure
    )
    probes = probes_of(closed.considered, service, closed.observation, fault_type=fault_type)
    card = (
        None
        if _told(past, known)
        else _card(closed, past, key=f"card-{key}", say=say, lang=lang, owner=owner)
    )
    return Draft(past=past, card=card, probes=probes)


def _key(incident: str, service: str, fault_type: str) -> str:
    return hashlib.blake2b(f"{incident} {service} {fault_type}".encode(), digest_size=5).hexdigest()


def _told(past: PastFault, known: Iterable[Known]) -> bool:
    signs = [parse_token(text) for text in past.signature]
    alike = (
        each
        for each in known
        if each.card
        and each.fault_type == past.fault_type
        and (not each.services or past.service in each.services)
    )
    return any(similarity(each.tokens, signs, fault_type=past.fault_type) >= CERTAIN_MATCH for each in alike)


def _card(closed: Closed, past: PastFault, *, key: str, say: Say, lang: Lang, owner: str) -> Card:
    mine = [each for each in closed.considered if each.entity == past.service]
    shown = [say(each.message, lang) for each in sorted(mine, key=lambda each: -each.weight)[:SHOWN]]
    return Card(
        id=key,
        title=past.summary,
        root_cause=past.summary,
        manifestation="\n".join(f"- {sentence}" for sentence in shown) or past.summary,
        measure=past.measure or NO_MEASURE[lang],
        owner=owner,
        scope=Scope(services=(past.service,)),
        fault_type=past.fault_type,
        signature=signature(closed, past.service),
        lang=lang,
        origin=f"investigation {past.investigation_id}",
    )


class Wording(BaseModel):
    """The words of a card."""

    title: str = Field(min_length=1, max_length=300)
    root_cause: str = Field(min_length=1, max_length=2000)
    manifestation: str = Field(min_length=1, max_length=4000)
    measure: str = Field(min_length=1, max_length=2000)


INSTRUCTIONS = {
    "en": "Rewrite the texts of this experience card so that an on-call engineer understands them at a glance. Add no fact, number or name.",
    "zh": "请改写这张经验卡的文字，使值班工程师一眼能懂。不得增加任何事实、数字或名称。",
}


def reworded(card: Card, speaker: Speaker) -> Card:
    """The card in better words, when a model has some that bring no new number or name; else as it is."""
    if not speaker.available:
        return card
    texts = {name: getattr(card, name) for name in Wording.model_fields}
    question = Question(
        role="knowledge",
        instructions=INSTRUCTIONS[card.lang],
        text=card.fault_type,
        result=Wording,
        material=(
            Material(text="\n\n".join(f"{k}: {v}" for k, v in texts.items()), provenance="draft card"),
        ),
    )
    reply = speaker.ask(question, ledger=speaker.ledger())
    if reply.value is None or _new_words(reply.value.model_dump(), texts, card):
        return card
    return replace(card, **reply.value.model_dump())


_TELLING = re.compile(r"https?://\S+|\d+(?:\.\d+)?|[A-Za-z0-9]+(?:[-_./][A-Za-z0-9]+)+")


def _new_words(new: dict[str, str], old: dict[str, str], card: Card) -> set[str]:
    """Numbers, addresses and names of machines that were not there."""
    before = " ".join((*old.values(), *card.scope.services, card.fault_type))
    return set(_TELLING.findall(" ".join(new.values()))) - set(_TELLING.findall(before))
