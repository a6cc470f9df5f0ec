"""The data of events about incidents, their diagnosis and what people say of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sre_copilot.bus.schemas.data import Data, Moment
from sre_copilot.domain.anomaly import Severity

IncidentStatus = Literal["firing", "acknowledged", "resolved", "merged"]
Priority = Literal["P1", "P2", "P3", "P4", "P5"]


class Incident(Data):
    """A picture of the incident when the event was made."""

    incident_id: str
    """Its id in `/api/v1/incidents`."""
    number: int = 0
    """Its number, as people say it."""
    title: str
    """What it is about."""
    status: IncidentStatus
    """How it stands."""
    severity: Severity
    """How bad it is."""
    priority: Priority | None = None
    """How soon it wants work."""
    started_at: Moment | None = None
    """When the first of its alerts began."""
    opened_at: Moment | None = None
    """When it was opened."""
    updated_at: Moment | None = None
    """When it last changed."""
    services: list[str] = Field(default_factory=list)
    """Services that it touches."""
    names: list[str] = Field(default_factory=list)
    """Names of its alerts."""
    alert_count: int = 0
    """How many alerts belong to it."""
    blast_radius: dict[str, Any] = Field(default_factory=dict)
    """Whom it can reach."""
    storm: bool = False
    """Whether it stands for a storm of alerts."""
    acknowledged_by: str = ""
    """Who took it on."""
    assignee: str = ""
    """Who works on it."""
    diagnosis: dict[str, Any] = Field(default_factory=dict)
    """What is known of its cause."""
    revision: int = 0
    """Rises with each change."""


class IncidentOpened(Incident):
    """An incident was opened; key: its id."""


class IncidentUpdated(Incident):
    """An incident changed; key: its id."""

    changed: list[str] = Field(default_factory=list)
    """What changed: `alerts`, `severity`, `status`, `assignee`, `diagnosis`, `comment`, `merged`, `split` …"""
    by: str = ""
    """Who changed it; empty: the pipeline."""
    merged_into: str = ""
    """The incident that it was merged into."""


class IncidentResolved(Incident):
    """An incident is over; key: its id."""

    resolved_at: Moment
    """When."""
    resolved_by: str = ""
    """Who ended it; empty: recovery."""


class DiagnosisReady(Data):
    """An investigation came to its end; key: the incident, else the investigation."""

    investigation_id: str
    """Its id in `/api/v1/investigations`."""
    incident_id: str = ""
    """The incident that it was made for."""
    outcome: Literal["fault", "no_fault", "inconclusive"]
    """What was found; `inconclusive` when the evidence does not say."""
    cause: str = ""
    """The entity that caused it."""
    fault_type: str = ""
    """The kind of fault."""
    confidence: float | None = None
    """0 to 1: how probable it is that the cause is right."""
    evidence: list[Any] = Field(default_factory=list)
    """Findings that the conclusion rests on."""
    at: Moment
    """When it was ready."""


class FeedbackGiven(Data):
    """A person said whether something that we concluded was right; key: the incident, else the investigation."""

    investigation_id: str = ""
    """The investigation."""
    incident_id: str = ""
    """The incident."""
    target: str = "output"
    """What was judged: `output` (the diagnosis), `incident`, `finding`, `claim` or `card`."""
    target_id: str = ""
    """Its id."""
    verdict: str
    """What was said: `right` or `wrong`; of an incident, whether it was a real problem."""
    cause: str = ""
    """The true cause, where the person gave one."""
    comment: str = ""
    """Words of the person."""
    by: str
    """Who."""
    at: Moment
    """When."""
