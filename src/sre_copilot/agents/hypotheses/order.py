"""What came first: a cause is seen no later than what it causes."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult
from sre_copilot.agents.hypotheses.testing import Situation
from sre_copilot.domain.evidence import Finding, Message

RESOLUTION_S = 60.0  # samples are up to a minute apart: within it nobody can say what came first


@dataclass(frozen=True, slots=True)
class Order:
    """Passes when nothing on another entity was seen clearly earlier than the first sign of the suspect."""

    name: str = "order"
    if_true: float = 0.94  # of 85 true causes 80 were seen first, or nobody clearly was
    if_false: float = 0.92  # of 148 rivals 136
    cost: float = 1.0

    def run(self, hypothesis: Hypothesis, situation: Situation) -> TestResult:
        """Compare the starts of what the leading entities' findings were seen in."""
        own = _first(situation.cited(hypothesis))
        rivals = {
            suspect.entity: start
            for suspect in situation.investigated.diagnosis.suspects[:3]
            if suspect.entity != hypothesis.entity
            and (
                start := _first(
                    [situation.findings[each] for each in suspect.finding_ids if each in situation.findings]
                )
            )
            is not None
        }
        if own is None or not rivals:
            return _result(hypothesis, "unknown", "")
        earliest = min(rivals, key=lambda entity: (rivals[entity], entity))
        side = "against" if rivals[earliest] < own - RESOLUTION_S else "for"
        return _result(hypothesis, side, earliest)


def _first(findings: tuple[Finding, ...] | list[Finding]) -> float | None:
    return min((finding.window.start for finding in findings if finding.window is not None), default=None)


def _result(hypothesis: Hypothesis, side: str, rival: str) -> TestResult:
    return TestResult(
        test="order",
        entity=hypothesis.entity,
        side=side,  # type: ignore[arg-type]
        message=Message(key=f"test.order.{side}", params=(("entity", hypothesis.entity), ("rival", rival))),
    )
