"""What a run is judged by: incidents with the alerts that they hold, and the messages that people get."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Incident:
    """One incident of a run: whether people were told, how often, and the phases of its alerts (all messages that were received, repetitions too)."""

    id: str
    woken: bool = False
    messages: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    kinds: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Alerts that it holds."""
        return sum(self.phases.values())

    @property
    def majority(self) -> str:
        """The phase of more than half of its alerts, '' when there is none or they are of no phase."""
        if not self.phases:
            return ""
        phase, count = self.phases.most_common(1)[0]
        return phase if 2 * count > self.size else ""


@dataclass(frozen=True, slots=True)
class Run:
    """All incidents of one scenario, and how many alerts came."""

    scenario: str
    alerts: int
    incidents: tuple[Incident, ...]

    @property
    def told(self) -> list[Incident]:
        """Those that woke somebody."""
        return [each for each in self.incidents if each.woken]

    @property
    def messages(self) -> int:
        """Messages to one receiver: incidents, their updates and their ends."""
        return sum(each.messages for each in self.incidents)
