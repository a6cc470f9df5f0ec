"""What a localiser is: a pure function from an observation and its findings to ranked suspects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation, Suspect


@dataclass(frozen=True, slots=True)
class Localisation:
    """Suspects best first, each candidate once.

    `suspects` holds every candidate, those without evidence with score 0; a score is in nats. A first suspect below about 1 nat means
    that nothing stands out.
    """

    method: str
    suspects: tuple[Suspect, ...]


class Localiser(Protocol):
    """Ranks suspects out of findings. Order-free, deterministic; an error instead of an invented rank."""

    def __call__(self, observation: Observation, findings: Sequence[Finding]) -> Localisation | None:
        """Return the ranking, or None when the method does not apply to what was observed."""
        ...
