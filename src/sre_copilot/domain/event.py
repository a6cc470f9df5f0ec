"""What happened, as other parts and other systems are told it over the bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """Every kind of event; the number is the version of its data and rises when a reader of the old form would fail."""

    ALERT_RECEIVED = "sre_copilot.alert.received.v1"
    ANOMALY_DETECTED = "sre_copilot.anomaly.detected.v1"
    INCIDENT_OPENED = "sre_copilot.incident.opened.v1"
    INCIDENT_UPDATED = "sre_copilot.incident.updated.v1"
    INCIDENT_RESOLVED = "sre_copilot.incident.resolved.v1"
    DIAGNOSIS_READY = "sre_copilot.diagnosis.ready.v1"
    PLAN_PROPOSED = "sre_copilot.plan.proposed.v1"
    PLAN_APPROVED = "sre_copilot.plan.approved.v1"
    PLAN_REJECTED = "sre_copilot.plan.rejected.v1"
    ACTION_STARTED = "sre_copilot.action.started.v1"
    ACTION_FINISHED = "sre_copilot.action.finished.v1"
    FEEDBACK_GIVEN = "sre_copilot.feedback.given.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `id` is the same however often it is sent; events of one `key` keep their order; `at` is epoch seconds UTC."""

    id: str
    type: EventType
    key: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)
