"""What became of a plan: who voted, who let which step go, how each step stands, and why it ended so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.clock import rfc3339
from sre_copilot.domain.plan import Plan, Risk
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import told, word
from sre_copilot.store.approvals import go_aheads_of, votes_of
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Row
from sre_copilot.store.remediation import TICKET, Remediations


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """`run` is None, and there are no `steps`, of a plan that was never begun."""

    votes: Sequence[Row]
    go_aheads: Sequence[Row]
    run: Row | None
    steps: Sequence[Row]


def course_of(database: Database, plan_id: str) -> Course:
    """What is recorded of a plan after it was proposed."""
    with database.begin() as connection:
        votes, let = votes_of(connection, plan_id), go_aheads_of(connection, plan_id)
    rows = Remediations(database)
    in_order = sorted(let.values(), key=lambda row: float(row["at"]))
    return Course(votes=votes, go_aheads=in_order, run=rows.get(plan_id), steps=rows.steps(plan_id))


def risk_view(risk: Risk, lang: Language) -> dict[str, Any]:
    """How risky something is, as figures and in words."""
    level, mode = risk.level.name.lower(), risk.mode.name
    words = word("approval.risk", lang, score=risk.score, risk_mode=mode, risk_kind=level)
    return {"score": risk.score, "level": level, "mode": mode, "words": words}


def stands(step_id: str, steps: Sequence[Row], lang: Language) -> dict[str, Any]:
    """How a step stands; of one of a plan that was never begun nothing is known."""
    row = next((each for each in steps if each["step_id"] == step_id), None)
    if row is None:
        return {"state": "", "reason": "", "began_at": None, "ended_at": None}
    times = {name: rfc3339(row[name]) for name in ("began_at", "ended_at")}
    return {"state": row["state"], "reason": reason_words(row["reason"] or {}, lang), **times}


def ticket_view(plan: Plan, steps: Sequence[Row], lang: Language) -> dict[str, Any] | None:
    """The ticket that goes along with a plan, and how it stands; None where there is none."""
    if plan.ticket is None:
        return None
    row = next((each for each in steps if each["step_id"] == TICKET), None)
    seen = (row["seen"] or {}) if row is not None else {}
    key = "ticket.before_required" if plan.ticket.required else "ticket.before"
    queue = plan.ticket.queue
    return {
        "executor": queue.executor,
        "queue": queue.name,
        "required": plan.ticket.required,
        "closed": plan.ticket.closed,
        "words": word(key, lang, queue=queue.name, executor=queue.executor),
        "ticket": str(seen.get("ticket", "")),
        "link": str(seen.get("link", "")),
        **{name: value for name, value in stands(TICKET, steps, lang).items() if name in ("state", "reason")},
    }


def reason_words(plain: Mapping[str, Any], lang: Language) -> str:
    """A reason as records keep it, in words; '' where there is none."""
    return told(str(plain["key"]), plain.get("params") or {}, lang) if plain.get("key") else ""
