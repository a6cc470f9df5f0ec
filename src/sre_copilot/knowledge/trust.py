"""How far an experience is trusted: it grows when a recall turned out right and falls when it did not, and old outcomes fade.

The posterior mean of a Beta distribution whose counts decay: trust = a / (a + b), a = 1 + Σ w·2^(-age/H) over the outcomes that were right,
b the same over those that were wrong. Nothing known: 1/2. A person's word weighs twice that of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HALF_LIFE_S = 180 * 86400.0  # half a year: systems are rebuilt at about this pace
BY_PERSON, BY_MACHINE = 2.0, 1.0
FAILURES = (
    3.0  # so many fresh failures before it is retired: one or two may be the investigation's own mistakes
)
RETIRED_BELOW = 0.35  # about two wrong for one right


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """How one recall turned out."""

    at: float
    success: bool
    weight: float = BY_MACHINE


def counts(outcomes: Iterable[Turned], *, now: float) -> tuple[float, float]:
    """How often it was right and wrong, as far as that has not faded."""
    right = wrong = 0.0
    for outcome in outcomes:
        fresh = outcome.weight * 0.5 ** (max(0.0, now - outcome.at) / HALF_LIFE_S)
        right, wrong = right + fresh * outcome.success, wrong + fresh * (not outcome.success)
    return right, wrong


def trust(outcomes: Iterable[Turned], *, now: float) -> float:
    """Trust, 0..1."""
    right, wrong = counts(outcomes, now=now)
    return (1 + right) / (2 + right + wrong)


def failed_repeatedly(outcomes: Iterable[Turned], *, now: float) -> bool:
    """Whether it has to be retired."""
    known = tuple(outcomes)
    return counts(known, now=now)[1] >= FAILURES and trust(known, now=now) < RETIRED_BELOW
