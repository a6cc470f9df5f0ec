"""An incident as an on-call engineer meets it, and what is concluded about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sre_copilot.domain.evidence import Finding, Gap, Message, Refutation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What was reported: in words, or as an alert on an entity."""

    text: str = ""
    entity: str = ""
    metric: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What is known before anything is analysed. Times are epoch seconds UTC.

    `onset` is when the fault is thought to have begun, off by a minute or more, or None; `other_fault_times` are onsets
    of other incidents, whose neighbourhood is no normal time.
    """

    id: str
    system: str = ""
    namespace: str = ""
    complaint: Complaint = field(default_factory=Complaint)
    onset: float | None = None
    window: Window | None = None
    metric_interval_s: float | None = None
    other_fault_times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that cognition may look at: the incident, its telemetry, and fault-free telemetry of the same system."""

    incident: Incident
    current: Telemetry
    reference: Telemetry | None = None
    topology: Topology = field(default_factory=Topology)
    gaps: tuple[Gap, ...] = ()


class Outcome(StrEnum):
    """The three answers; two of them are not an accusation."""

    FAULT = "fault"
    NO_FAULT = "no_fault"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """An entity that may be the root cause.

    `score` is in nats of evidence (a sum of log-odds; larger is more suspicious); `path` is the chain of entities from the suspect
    to the symptom; `fault_type` is an id of `domain.faults`.
    """

    entity: str
    score: float
    fault_type: str | None = None
    finding_ids: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The conclusion: suspects best first, the probability that the first is the true one, and all that supports it."""

    incident: Incident
    outcome: Outcome
    probability: float
    suspects: tuple[Suspect, ...]
    findings: tuple[Finding, ...]
    refuted: tuple[Refutation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reasons: tuple[Message, ...] = ()
    next_steps: tuple[Message, ...] = ()

    @property
    def culprit(self) -> Suspect | None:
        """The first suspect when the outcome is a fault."""
        return self.suspects[0] if self.outcome is Outcome.FAULT and self.suspects else None
