"""Alerts, incidents, their timelines and why they are as they are."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sre_copilot.api.shapes.shape import Listing, Severity, Shape, Time


class Context(Shape):
    """What is known around an alert; what is not known is left out."""

    service: str = ""
    environment: str = ""
    host: str = ""
    owner: str = ""
    tier: int | None = None
    upstream: int | None = None
    """How many services depend on its service."""
    changes: list[str] = Field(default_factory=list)
    """Ids of changes before it."""
    declared: bool = False
    """Its sender said how severe it is."""


class Alert(Shape):
    """One alert over all the times that it was told; of a `hidden` one figures, texts and links are left out."""

    fingerprint: str
    name: str
    status: Literal["firing", "resolved"]
    severity: Severity
    labels: dict[str, str]
    annotations: dict[str, str]
    source: str
    provider: str
    received: int
    flapping: bool
    context: Context
    muted: bool
    silenced_by: list[str]
    inhibited_by: list[str]
    maintained_by: list[str]
    incident_id: str
    acknowledged_by: str
    assignee: str
    note: str
    anomaly_id: str
    generator_url: str
    links: list[list[str]]
    """Address and text of each."""
    revision: int
    hidden: bool
    starts_at: Time
    ends_at: Time | None
    updated_at: Time
    first_received_at: Time
    changed_at: Time
    snoozed_until: Time | None


class Alerts(Listing[Alert]):
    """A page of alerts."""


class ToldReceiver(Shape):
    """What one receiver was told; `status` and `problem` say what became of the last message, where that is known."""

    state: str
    messages: int
    at: Time
    status: Literal["pending", "started", "sent", "failed", "skipped"] | None = None
    problem: str = ""


class Escalation(Shape):
    """How far its escalation is."""

    policy: str
    status: Literal["running", "snoozed", "acknowledged", "resolved", "exhausted"]
    round: int
    step: int


class BlastRadius(Shape):
    """What depends on its services; of those in `unknown` nothing is known."""

    count: int = 0
    services: list[str] = Field(default_factory=list)
    by_distance: dict[str, int] = Field(default_factory=dict)
    unknown: list[str] = Field(default_factory=list)


class Diagnosis(Shape):
    """What its investigation concluded; empty before, and no more than the outcome of a `hidden` one."""

    outcome: str = ""
    cause: str | None = None
    fault_type: str | None = None
    confidence: float | None = None
    investigation_id: str = ""
    evidence: list[dict[str, str]] = Field(default_factory=list)
    """Sentences, by language."""
    headline: dict[str, str] = Field(default_factory=dict)
    problem: str = ""
    rows: int = 0
    """Rows of telemetry that were read."""
    round: int = 0
    unseen: int = 0
    at: float = 0.0
    hidden: bool = False


class Incident(Shape):
    """Alerts that are one matter."""

    id: str
    number: int
    title: str
    status: Literal["firing", "acknowledged", "resolved", "merged"]
    severity: Severity
    priority: Literal["P1", "P2", "P3", "P4", "P5"]
    woken: bool
    """Whether it is worth telling people; until then it is only listed."""
    storm: bool
    services: list[str]
    names: list[str]
    assignee: str
    acknowledged_by: str
    merged_into: str
    links: list[str]
    blast_radius: BlastRadius
    diagnosis: Diagnosis
    room_id: str
    revision: int
    alert_count: int
    firing_count: int = 0
    """How many of its alerts fire."""
    muted_count: int = 0
    """How many of these are muted."""
    muted: bool = False
    """Whether all that fire are."""
    told: dict[str, ToldReceiver]
    escalation: Escalation | None
    started_at: Time
    opened_at: Time
    updated_at: Time
    resolved_at: Time | None
    acknowledged_at: Time | None
    snoozed_until: Time | None


class Incidents(Listing[Incident]):
    """A page of incidents."""


class IncidentWithAlerts(Incident):
    """An incident with the alerts of it that began last."""

    alerts: list[Alert]
    reopen_within_seconds: float
    """So long after its end an alert of it that fires anew opens it again."""


class Happening(Shape):
    """An entry of a timeline, in words and as data."""

    id: int
    at: Time
    kind: str
    who: str
    sentence: str
    params: dict[str, Any]
    data: dict[str, Any]


class Timeline(Shape):
    """What happened, in order; `next` goes into `after`."""

    items: list[Happening]
    next: int | None


class Weighed(Shape):
    """Something that weighed in a decision."""

    sentence: str
    weight: float


class Because(Shape):
    """One decision, in words and as data; `at` is null where nothing had to be decided."""

    stage: str
    outcome: str
    at: Time | None
    sentence: str
    params: dict[str, Any]
    parts: list[Weighed]
    who: str
    """The person who decided it; empty: the pipeline."""


class BecauseOfAlert(Because):
    """Why an alert is in an incident."""

    fingerprint: str


class AlertExplained(Shape):
    """Why an alert is where it is."""

    alert: Alert
    incident: Incident | None
    because: list[Because]


class IncidentExplained(Shape):
    """Why an incident is as it is, and why each alert is in it."""

    incident: Incident
    because: list[Because]
    alerts: list[BecauseOfAlert]


class Judged(Shape):
    """What somebody said of an incident."""

    incident_id: str
    real: bool
    by: str


class Asked(Shape):
    """The round of investigation that a request meant."""

    incident_id: str
    round: int
    state: str
    key: str


class Audited(Shape):
    """A change that was asked for; `hash` is made of it and of the one before it, whose own is `previous`."""

    id: int
    at: Time
    who: str
    verb: str
    subject: str
    outcome: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Audit(Listing[Audited]):
    """A page of the audit."""
