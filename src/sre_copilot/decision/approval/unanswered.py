"""Requests that nobody answers: who is told next, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sre_copilot.decision.approval.model import Rules
from sre_copilot.domain.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Tell these receivers when nobody has answered for so long since the request."""

    after_s: float
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done about a request now: `steps` are places (from 1) of steps that are due and were not told."""

    expired: bool = False
    steps: tuple[int, ...] = ()


def due(plan: Plan, *, told: int, steps: Sequence[Step], rules: Rules, now: float) -> Due:
    """What is to be done about a request that waits; after a pause of the process, whatever came due meanwhile is told at once."""
    if now >= rules.closes_at(plan):
        return Due(expired=True)
    ready = [
        place
        for place, step in enumerate(steps, start=1)
        if place > told and now >= plan.created_at + step.after_s
    ]
    return Due(steps=tuple(ready))
