"""Decisions on plans in the product's own chat: by whoever is signed in, through the same door as all others, and audited by it."""

from __future__ import annotations

from sre_copilot.agents.answer import Answer, Understood
from sre_copilot.agents.grounding import said
from sre_copilot.agents.understanding.wording import language
from sre_copilot.app.approval_words import outcome_words, refusal_words
from sre_copilot.app.approving import Approving
from sre_copilot.decision.approval.model import Refused
from sre_copilot.decision.approval.text import parse
from sre_copilot.domain.knowledge import Lang
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token


def decided_in_chat(door: Approving, text: str, *, token: Token, lang: Lang | None) -> Answer | None:
    """What came of `APPROVE PLAN-…` or `REJECT PLAN-… reason`; None of any other text. The whole message must be it."""
    command = parse(text)
    if command is None or not command.plan_id:
        return None
    found = door.decide(
        command.plan_id, command.verdict, by=door.people.of_token(token), who=actor(token), way="chat", reason=command.reason
    )  # fmt: skip
    spoken = lang or language(text)
    understood = Understood(text=text, lang=spoken, intent="act", confidence=1.0)
    if isinstance(found, Refused):
        return said("declined", refusal_words(found.message, spoken), understood=understood, lang=spoken)
    return said("listing", outcome_words(found, spoken), understood=understood, lang=spoken)
