"""The deterministic core, with the registered methods, as agents are handed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sre_copilot.app.methods import registered_methods
from sre_copilot.cognition.rca.calibration import SHIPPED, Calibration
from sre_copilot.domain.evidence import Finding, Gap
from sre_copilot.domain.incident import Observation
from sre_copilot.incidents.investigation import Investigation, Methods, conclude, detect, strongest_first


@dataclass(frozen=True, slots=True)
class RegisteredCore:
    """Detects and concludes with the registered detectors and localisers."""

    methods: Callable[[], Methods] = registered_methods
    calibration: Calibration = SHIPPED

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors that are registered."""
        return tuple(self.methods().detectors)

    def detect(
        self, observation: Observation, detectors: Sequence[str]
    ) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
        """Run some detectors; names that are not registered are left out."""
        known = self.methods().detectors
        return detect(observation, {name: known[name] for name in known if name in set(detectors)})

    def conclude(
        self, observation: Observation, findings: Sequence[Finding], gaps: Sequence[Gap]
    ) -> Investigation:
        """Localise, verify what is cited, and decide."""
        own = [gap for gap in gaps if gap not in set(observation.gaps)]
        return conclude(
            observation, strongest_first(findings), own, self.methods(), calibration=self.calibration
        )

    def __call__(self, observation: Observation) -> Investigation:
        """Both, with all detectors."""
        return self.conclude(observation, *self.detect(observation, self.detectors))
