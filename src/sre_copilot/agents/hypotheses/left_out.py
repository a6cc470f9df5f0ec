"""Leaving one kind of telemetry out: a cause that several kinds show is not an artefact of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult
from sre_copilot.agents.hypotheses.testing import Situation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.signals import Modality


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Passes when the same entity leads whichever kind of telemetry is left out."""

    name: str = "left_out"
    if_true: float = 0.51  # of 66 true causes 34 led whichever kind was left out
    if_false: float = 0.01  # of 117 rivals none
    cost: float = 30.0

    def run(self, hypothesis: Hypothesis, situation: Situation) -> TestResult:
        """Conclude again without each kind that the hypothesis rests on."""
        kinds = sorted({finding.modality for finding in situation.cited(hypothesis)})
        others = {finding.modality for finding in situation.investigated.considered}
        if len(others) < 2:
            return _result(hypothesis, "unknown", "")
        for kind in kinds:
            if _leader_without(situation, kind) != hypothesis.entity:
                return _result(hypothesis, "against", kind)
        return _result(hypothesis, "for", "")


def _leader_without(situation: Situation, kind: Modality) -> str:
    rest = [finding for finding in situation.investigated.considered if finding.modality != kind]
    again = situation.core.conclude(
        situation.investigated.observation, rest, situation.investigated.diagnosis.gaps
    )
    return again.diagnosis.suspects[0].entity if again.diagnosis.suspects else ""


def _result(hypothesis: Hypothesis, side: str, kind: str) -> TestResult:
    return TestResult(
        test="left_out",
        entity=hypothesis.entity,
        side=side,  # type: ignore[arg-type]
        message=Message(
            key=f"test.left_out.{side}", params=(("entity", hypothesis.entity), ("modality", kind))
        ),
    )
