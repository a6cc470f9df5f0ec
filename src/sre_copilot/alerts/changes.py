"""What a turn of the pipeline changed: everything that is to be kept, in one transaction, and nothing that is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sre_copilot.alerts.state import AlertState, GroupState, IncidentState, MaintenanceState, SilenceState
from sre_copilot.domain.event import Event
from sre_copilot.domain.notification import Notification

Params = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An entry of an incident's timeline: its sentence as key and parameters, and what belongs to it as data."""

    incident_id: str
    at: float
    kind: str
    key: str
    params: Params = field(default_factory=dict)
    who: str = ""
    data: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A change that somebody asked for, and what came of it."""

    at: float
    who: str
    verb: str
    subject: str
    outcome: str
    detail: Params = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """By id, so that what changed twice in a turn is kept once, as it is at its end."""

    alerts: dict[str, AlertState] = field(default_factory=dict)
    repeated: dict[str, AlertState] = field(default_factory=dict)
    """Alerts that were only told again: nothing that they are searched by is another; none of them is in `alerts`."""
    groups: dict[str, GroupState] = field(default_factory=dict)
    gone_groups: set[str] = field(default_factory=set)
    incidents: dict[str, IncidentState] = field(default_factory=dict)
    silences: dict[str, SilenceState] = field(default_factory=dict)
    maintenance: dict[str, MaintenanceState] = field(default_factory=dict)
    timeline: list[Happening] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    """By id: what is told several times in a turn is told once, as it is at its end."""
    audit: list[Audited] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(
            (
                self.alerts,
                self.repeated,
                self.groups,
                self.gone_groups,
                self.incidents,
                self.silences,
                self.maintenance,
                self.timeline,
                self.notifications,
                self.events,
                self.audit,
            )
        )
