"""What is known when an action is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sre_copilot.decision.record import Standing
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel
from sre_copilot.domain.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSituation:
    """An action, what the catalogue says of it, and what is known of the fault and of what stands around it.

    What is not known is left out, and counts as the worst: no confidence as none, no traffic as all of it, no record as no success.
    """

    action: Action
    spec: ActionSpec
    confidence: float | None = None
    """Probability of the diagnosis, 0..1; None where there is none."""
    inconclusive: bool = False
    """Whether the investigation ended without a cause."""
    standing: Standing = field(default_factory=Standing)
    """What came of this action in similar cases."""
    service: str = ""
    """What the topology calls the target; '' where nobody knows."""
    topology: Topology = field(default_factory=Topology)
    rates: Mapping[str, float] = field(default_factory=dict)
    """Requests a second, by service."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the incident and of the target, for policies."""
    fault_type: str = ""

    @property
    def level(self) -> RiskLevel:
        """Its kind."""
        return self.spec.level

    @property
    def certainty(self) -> float:
        """The confidence, 0 where it is not known or is no number."""
        known = self.confidence is not None and math.isfinite(self.confidence)
        return min(max(self.confidence or 0.0, 0.0), 1.0) if known else 0.0

    @property
    def changes(self) -> bool:
        """Whether it does more than read."""
        return self.level > RiskLevel.LOW
