"""What one receiver is to be told about one incident, as data: decided by `alerts`, delivered by `incidents.delivery`, put into words at the last moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NotificationState = Literal[
    "firing", "updated", "repeated", "escalated", "resolved", "storm", "digest", "deadman", "test", "approval"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one receiver, once: `key` is made of the group, the receiver, the state and the sequence, and every message carries it.

    `group` is what all messages of one thread share (the incident, or the aggregation group where correlation is off); `sequence` counts the messages of a
    group to a receiver from 1. `content` is a picture of the incident at `created_at`:
    `incident_id`, `title`, `severity`, `priority`, `status`, `service`, `services`, `summary` (a list of message key and parameters), `started_at`, `alert_count`,
    `alerts` (at most 10: name, severity, service, starts_at, summary), `labels` common to all, `blast_radius`, `cause` and `confidence` where a diagnosis is ready,
    `anomaly` (metric, current, expected, deviation) where our own anomaly is behind it, `links`, and `recommendation` (plan_id, action, sentence,
    estimated_minutes, success_rate, similar_cases) where a plan is to be approved. `people` are who is on call now: name and addresses by kind.
    """

    key: str
    group: str
    receiver: str
    state: NotificationState
    sequence: int
    created_at: float
    content: Mapping[str, Any] = field(default_factory=dict)
    people: tuple[Mapping[str, Any], ...] = ()
    about: Literal["alerts", "other"] = "other"
    """Whether it tells of alerts, which whoever makes it says: these alone are noise of alerts, and the first word of an incident."""
