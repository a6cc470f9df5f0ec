"""What came of a decision, or why it was refused, in words."""

from __future__ import annotations

from sre_copilot.app.approving import Answer
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.report.words import moment, say, word


def refusal_words(message: Message, lang: Lang) -> str:
    """A refusal in words; times as the language writes them."""
    params = tuple(
        (name, moment(value, lang) if name == "since" and isinstance(value, float) else value)
        for name, value in message.params
    )
    return say(Message(key=message.key, params=params), lang)


def outcome_words(found: Answer, lang: Lang) -> str:
    """What came of a decision, in words."""
    if found.missing:
        return word("approval.waiting", lang, missing=found.missing)
    if found.step and found.status != "approved":
        return word("approval.gone_ahead", lang, plan=found.plan_id, step=found.step)
    vote = found.vote
    who, reason = (vote.who, vote.reason) if vote is not None else ("", "")
    return word(f"approval.answered.{found.status}", lang, plan=found.plan_id, who=who, reason=reason).strip()
