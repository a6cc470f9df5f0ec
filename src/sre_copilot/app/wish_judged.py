"""How an action that a person wishes stands now: the judgement of its risk, and what would keep it from being done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sre_copilot.action.limits import wanted
from sre_copilot.action.switch import Standing
from sre_copilot.app.plan_course import risk_view
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Risk
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.store.database import Database
from sre_copilot.store.effects import effects
from sre_copilot.store.limits import holder, refusal

NO_PLAN = ""  # it is none yet: whatever was done before was done by others


def limits_met(database: Database, action: Action, limits: ActionLimits, *, now: float) -> Iterator[Message]:
    """Limits that would refuse it at this moment."""
    with database.begin() as connection:
        other = holder(connection, action.target.key)
        limit = refusal(connection, effects, wanted(action, NO_PLAN, limits), now=now)
    if other is not None:
        yield Message(key="limits.other_plan")
    if limit is not None:
        yield Message(key=limit.reason, params=(("allowed", limit.allowed),))


def judged_row(risk: Risk, met: Iterator[Message], standing: Standing, lang: Language) -> dict[str, Any]:
    """The judgement, to be shown."""
    stopped = (Message(key="remediation.switch"),) if standing.thrown else ()
    return {
        **risk_view(risk, lang),
        "forbidden": risk.forbidden,
        "reasons": [say(each, lang) for each in risk.reasons],
        "limits": [say(each, lang) for each in (*stopped, *met)],
    }
