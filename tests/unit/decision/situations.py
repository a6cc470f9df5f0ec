"""Situations for the tests of decisions."""

from __future__ import annotations

from typing import Any

from sre_copilot.decision.record import Standing
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, Record, RiskLevel, Target
from sre_copilot.domain.topology import Topology

NOON = 1_767_787_200.0  # 2026-01-07 12:00 UTC, a Wednesday
CALLS = Topology.of([("shop", "cart"), ("shop", "search"), ("cart", "orders")])
RATES = {"shop": 100.0, "cart": 20.0, "search": 70.0, "orders": 10.0}


def target(**given: str) -> Target:
    return Target(**{"executor": "supervisor", "kind": "process", "name": "cart", "environment": "production", **given})  # fmt: skip


def spec(level: RiskLevel = RiskLevel.MEDIUM, **given: Any) -> ActionSpec:
    plain = {
        "name": "supervisor.restart",
        "level": level,
        "parameters": {},
        "kinds": ("process",),
        "does": Message(key="decision.earned"),
        "reversible": level <= RiskLevel.MEDIUM,
        "exactly_once": True,
    }
    return ActionSpec(**{**plain, **given})


def standing(good: int, total: int, since_failure: int | None = None) -> Standing:
    return Standing(record=Record(good=good, total=total), since_failure=since_failure)


def situation(
    level: RiskLevel = RiskLevel.MEDIUM, *, at: dict[str, str] | None = None, entry: dict[str, Any] | None = None, **given: Any
) -> ActionSituation:  # fmt: skip
    """A restart of the cart of production, well diagnosed and well proven, unless something else is given."""
    known = spec(level, **(entry or {}))
    plain = {
        "action": Action(name=known.name, target=target(**(at or {}))),
        "spec": known,
        "confidence": 0.9,
        "standing": standing(9, 9),
        "service": "cart",
        "topology": CALLS,
        "rates": RATES,
    }
    return ActionSituation(**{**plain, **given})
