"""A decision written in chat: `APPROVE PLAN-…`, `REJECT PLAN-… reason`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sre_copilot.decision.approval.model import Verdict

ID = re.compile(r"PLAN-[0-9]{14}")
LONGEST = 4000  # characters: what any platform takes in a message, and more than a reason has
_MENTIONS = re.compile(r"^(?:(?:<@[^>\s]{1,64}>|@[^\s@]{1,64})[\s:,]+)*")
_COMMAND = re.compile(
    r"(?P<verb>approve|reject|批准|同意|拒绝|驳回)\s*(?P<plan>PLAN-[0-9]{14})?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_APPROVES = {"approve", "批准", "同意"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a message says; `plan_id` is '' where it names no plan."""

    verdict: Verdict
    plan_id: str
    reason: str = ""


def parse(text: str) -> Command | None:
    """The decision that a message is; None when it is none.

    The whole message must be the decision: one that quotes it, or says more after an approval (“… but not yet”), is no approval. After a rejection
    comes its reason. A mention of the bot may stand before it, marks of code around it.
    """
    plain = _MENTIONS.sub("", text[:LONGEST].strip()).strip(" `*_\t\n")
    found = _COMMAND.fullmatch(plain)
    if found is None:
        return None
    approves = found["verb"].lower() in _APPROVES
    plan_id, rest = (found["plan"] or "").upper(), found["rest"]
    if rest and not rest[0].isspace() and rest[0] not in ".!:,，。！：":
        return None
    reason = rest.strip(" .!:,，。！：`\t\n")
    if approves and reason:
        return None
    return Command(verdict="approve" if approves else "reject", plan_id=plan_id, reason=reason)
