"""What a detector is: a pure function from an observation to findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sre_copilot.domain.evidence import Finding, Gap
from sre_copilot.domain.incident import Observation


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector saw, and what it could not see."""

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Detector(Protocol):
    """Detects one kind of abnormality.

    Deterministic, independent of the order of rows and of names; looks at nothing but the observation. Telemetry that it
    needs and that is missing becomes a gap, never a finding and never "normal".
    """

    def __call__(self, observation: Observation) -> Detection:
        """Return findings and gaps; raise `MethodError` when the method itself fails."""
        ...
