"""What the pipeline remembers: mutable records that one thread changes, each kept as a row of its own.

All hold plain values only (text, numbers, lists, dictionaries), so that a row is the record written as JSON, and nothing else. Times are epoch seconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sre_copilot.domain.alert import Status
from sre_copilot.domain.anomaly import Severity

IncidentStatus = Literal["firing", "acknowledged", "resolved", "merged"]
Priority = Literal["P1", "P2", "P3", "P4", "P5"]


@dataclass(slots=True, kw_only=True)
class AlertState:
    """One alert over all the times that it was told."""

    fingerprint: str
    correlation_key: str
    labels: dict[str, str]
    annotations: dict[str, str]
    source: str
    provider: str
    status: Status
    severity: Severity
    starts_at: float
    ends_at: float | None
    updated_at: float
    """When it was last told."""
    first_received_at: float
    received: int = 1
    """How often it was told."""
    changed_at: float = 0.0
    """When its status last changed."""
    transitions: list[float] = field(default_factory=list)
    """When it began to fire or ended, latest last; as far as flap detection looks back."""
    flapping: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    """What enrichment adds: `service`, `environment`, `host`, `owner`, `tier`, `upstream` (how many depend on it), `changes` (ids), `text` (tokens)."""
    novelty: float = 0.0
    """0: seen all the time; 1: never seen before."""
    silenced_by: list[str] = field(default_factory=list)
    inhibited_by: list[str] = field(default_factory=list)
    maintained_by: list[str] = field(default_factory=list)
    incident_id: str = ""
    place: int = 0
    """Among the alerts of its incident: they came into it in the order of their places."""
    routes: list[str] = field(default_factory=list)
    """Keys of the routes that it matches."""
    acknowledged_by: str = ""
    assignee: str = ""
    snoozed_until: float | None = None
    expired: bool = False
    """It ended because its end had come, not because its sender said that it is over."""
    note: str = ""
    anomaly_id: str = ""
    generator_url: str = ""
    links: list[list[str]] = field(default_factory=list)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The latest decision of each stage: `at`, `outcome`, `key` and `params` of its sentence."""
    revision: int = 0

    @property
    def muted(self) -> bool:
        """Whether it is kept from people by a silence, an inhibition or a maintenance window."""
        return bool(self.silenced_by or self.inhibited_by or self.maintained_by)

    @property
    def name(self) -> str:
        """What fires."""
        return self.labels.get("alertname", "")

    @property
    def kind(self) -> str:
        """What fires, of our own anomalies with the metric: one at another metric is another matter."""
        metric = self.labels.get("metric", "") if self.anomaly_id else ""
        return f"{self.name}: {metric}" if metric else self.name

    @property
    def service(self) -> str:
        """Its service, where one is known."""
        return str(self.context.get("service", ""))


@dataclass(slots=True, kw_only=True)
class GroupState:
    """An aggregation group: the alerts of one route that share the values of its `group_by`."""

    key: str
    route: str
    receiver: str
    labels: dict[str, str]
    fingerprints: dict[str, float] = field(default_factory=dict)
    """Its alerts, each with the time at which it joined."""
    created_at: float
    next_flush_at: float | None = None
    flushed_at: float | None = None
    revision: int = 0


@dataclass(slots=True, kw_only=True)
class ToldState:
    """What one receiver was told about one incident: the pipeline's own notification log."""

    receiver: str
    sequence: int = 0
    state: str = ""
    at: float = 0.0
    open: bool = False
    """Whether it was told of something that it has not yet been told the end of."""
    kinds: list[str] = field(default_factory=list)
    """Name and service of what fired, as far as it was told."""
    severity: str = ""
    count: int = 0
    diagnosed_at: float = 0.0
    """Of the diagnosis that it was told; 0: of none."""


@dataclass(slots=True, kw_only=True)
class IncidentState:
    """An incident: groups of alerts that are one matter."""

    id: str
    number: int
    title: str
    status: IncidentStatus
    severity: Severity
    priority: Priority
    started_at: float
    opened_at: float
    updated_at: float
    resolved_at: float | None = None
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    assignee: str = ""
    snoozed_until: float | None = None
    merged_into: str = ""
    links: list[str] = field(default_factory=list)
    """Other incidents that people linked to it."""
    fingerprints: list[str] = field(default_factory=list)
    """Of its first alerts; each alert names its incident, and an incident of thousands is written as fast as one of a few."""
    alert_count: int = 0
    """How many alerts came into it and did not go into another one; those that are forgotten count, too."""
    services: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Names of its alerts."""
    blast_radius: dict[str, Any] = field(default_factory=dict)
    storm: bool = False
    woken: bool = False
    """Whether it is worth telling people; until then it is only listed."""
    resolve_at: float | None = None
    """When it is resolved by recovery, if nothing fires until then."""
    reasons: list[dict[str, Any]] = field(default_factory=list)
    """Why each alert or group was put into it: `at`, `fingerprint`, `key` and `params` of the sentence, and `parts` with what each part weighed."""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By receiver: a `ToldState` as a dictionary."""
    escalation: dict[str, Any] = field(default_factory=dict)
    """`policy`, `step`, `round`, `next_at`, `paged` (who was called, when); empty when nothing is under way."""
    diagnosis: dict[str, Any] = field(default_factory=dict)
    """`outcome`, `cause`, `fault_type`, `confidence`, `investigation_id`, `at`, `evidence`."""
    room_id: str = ""
    titled: bool = False
    """A person gave it its title."""
    kept_open: bool = False
    """A person reopened it: it is not resolved by recovery alone."""
    revision: int = 0


@dataclass(slots=True, kw_only=True)
class SilenceState:
    """A silence as Alertmanager has it; `matchers` are dictionaries of `name`, `value`, `isRegex`, `isEqual`."""

    id: str
    matchers: list[dict[str, Any]]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str
    annotations: dict[str, str] = field(default_factory=dict)
    updated_at: float = 0.0
    revision: int = 0


@dataclass(slots=True, kw_only=True)
class MaintenanceState:
    """A planned time of work: alerts that match are muted while it lasts, and stand again as they were when it ends.

    It lasts from `starts_at` to `ends_at`; with `rrule` (RFC 5545, in `time_zone`) it comes again, each time as long as the first.
    """

    id: str
    matchers: list[dict[str, Any]]
    starts_at: float
    ends_at: float
    rrule: str = ""
    time_zone: str = "UTC"
    owner: str
    reason: str
    ticket: str = ""
    created_at: float = 0.0
    ended_at: float | None = None
    """When a person ended it before its time."""
    revision: int = 0
