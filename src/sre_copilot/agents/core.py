"""The deterministic core as the team uses it: who looks for what is abnormal, and who concludes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Finding, Gap
from sre_copilot.domain.incident import Observation

Found = TypeVar("Found", bound=Investigated, covariant=True)  # noqa: PLC0105 - it reads as what it is


class Core(Protocol[Found]):
    """Detects, concludes; the same input gives the same answer. Safe to be used by several threads."""

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors that are registered."""
        ...

    def detect(
        self, observation: Observation, detectors: Sequence[str]
    ) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
        """Run some detectors; names that are not registered are left out."""
        ...

    def conclude(self, observation: Observation, findings: Sequence[Finding], gaps: Sequence[Gap]) -> Found:
        """Localise, verify what is cited, and decide."""
        ...

    def __call__(self, observation: Observation) -> Found:
        """Both, with all detectors."""
        ...
