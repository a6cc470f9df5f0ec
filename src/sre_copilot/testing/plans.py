"""A plan to try things with: one step that restarts a deployment, or as many as you like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import (
    Action,
    Mode,
    Plan,
    PlanStep,
    Record,
    Risk,
    RiskLevel,
    SignalCheck,
    Target,
)

NOW = 1_770_388_222.0
"""2026-02-06T14:30:22Z."""


def a_step(number: int = 1, *, state: str = "", environment: str = "production", **target: str) -> PlanStep:
    """A step that restarts a deployment."""
    named = {"executor": "kubernetes", "kind": "Deployment", "name": "cart", "namespace": "shop", **target}
    return PlanStep(
        id=f"s{number}",
        action=Action(
            name="kubernetes.rollout_restart",
            target=Target(environment=environment, **named),
            parameters={"grace": 30},
        ),
        expected=Message(key="planning.expected.restart", params=(("target", "cart"),)),
        timeout_seconds=60.0,
        state=state,
        checks=(
            SignalCheck(
                role="recovery",
                entity="cart",
                source="metrics",
                measure="error_rate",
                relation="<",
                bound=0.01,
                observed=0.2,
            ),
        ),
    )


def a_plan(
    *steps: PlanStep,
    level: RiskLevel = RiskLevel.MEDIUM,
    mode: Mode = Mode.SEMI_AUTO,
    now: float = NOW,
    **changes: Any,
) -> Plan:
    """A plan for the service `cart` that an approver has to agree to, and that waits for an hour."""
    risk = Risk(score=0.7, level=level, parts=(), mode=mode, four_eyes=level >= RiskLevel.CRITICAL)
    plan = Plan(
        id="PLAN-20260206143022",
        created_at=now,
        strategy="restart",
        title=Message(key="planning.title.restart", params=(("target", "cart"),)),
        steps=steps or (a_step(),),
        risk=risk,
        requester="sre-copilot",
        expires_at=now + 3600.0,
        origin="fault_type",
        entity="cart",
        fault_type="process_crash",
        confidence=0.9,
        record=Record(good=19, total=20, median_seconds=42.0),
    )
    return replace(plan, **changes)
