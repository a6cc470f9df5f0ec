"""The rule that decides which of the three answers is given."""

from __future__ import annotations

from sre_copilot.cognition.rca.features import Features
from sre_copilot.domain.incident import Outcome

NOTHING = 1.0  # nats: below it the first suspect is no likelier than chance among three
EVEN = 0.5  # a suspect that is more likely wrong than right is not named as the cause


def decide(features: Features, probability: float) -> Outcome:
    """Say `fault`, `no_fault` or `inconclusive`.

    Nothing above the noise is `no_fault` only where something was recorded that would have shown a fault: telemetry of the
    incident that normal time can be compared with. Else it is `inconclusive`.
    """
    if features.top < NOTHING:
        return Outcome.NO_FAULT if features.comparable else Outcome.INCONCLUSIVE
    return Outcome.FAULT if probability >= EVEN else Outcome.INCONCLUSIVE
