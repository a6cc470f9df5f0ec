"""What would have been proposed for faults that people resolved, and whether it is what they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sre_copilot.decision.planning.wording import NOTHING, named_in
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan

Verdict = Literal["fits", "differs", "unknown", "none"]
"""`unknown`: the words of what people did name no single action; `none`: no plan would have been made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One past fault: what people did, and the plan or the reason why there would have been none."""

    key: str
    at: float
    service: str
    fault_type: str
    did: str
    """What people wrote that they did."""
    strategies: tuple[str, ...]
    """What that names."""
    plan: Plan | None
    reason: Message | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the plan is what they did; without a plan, doing nothing fits when nothing was done."""
        if not self.strategies:
            return "unknown"
        if self.plan is None:
            return "fits" if self.strategies == (NOTHING,) else "none"
        return "fits" if self.plan.strategy in self.strategies else "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All of them together; `comparable` are those whose resolution names an action."""

    cases: int
    comparable: int
    fits: int
    verdicts: Mapping[str, int]
    modes: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Share of the comparable ones that fit; None without one."""
        return self.fits / self.comparable if self.comparable else None


def strategies_in(text: str) -> tuple[str, ...]:
    """What a text says was done; nothing when it can be read in two ways."""
    return tuple(dict.fromkeys(each.strategy for each in named_in(text)))


def tally(found: Iterable[Simulated]) -> Tally:
    """Count."""
    known = list(found)
    verdicts = Counter(each.verdict for each in known)
    modes = Counter(Mode(each.plan.risk.mode).name for each in known if each.plan is not None)
    return Tally(
        cases=len(known),
        comparable=len(known) - verdicts["unknown"],
        fits=verdicts["fits"],
        verdicts={str(name): count for name, count in verdicts.items()},
        modes=dict(modes),
    )
