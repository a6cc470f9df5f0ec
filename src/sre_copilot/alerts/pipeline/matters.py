"""Incidents: how alerts come into them, when they wake somebody, and how they end and come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sre_copilot.alerts.blast_radius import blast_radius
from sre_copilot.alerts.correlation.correlator import Placement
from sre_copilot.alerts.escalation import acknowledge
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.alerts.pipeline.stages import Passing, decide
from sre_copilot.alerts.pipeline.titles import title, title_of
from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.domain.event import EventType

MOST_REASONS = (
    200  # of one incident; the thousandth alert of a storm is there for the reason of the ones before
)
MOST_NAMES = 100  # services and kinds of alerts that an incident lists


class Matters:
    """All incidents over one memory."""

    def __init__(self, memory: Memory, parts: Parts) -> None:
        self._memory = memory
        self._parts = parts
        self._grown: dict[str, IncidentState] = {}

    def correlate(self, passing: Passing) -> bool:
        """Put an alert that begins into an incident, and see whether the incident of one that ends is over."""
        alert, now = passing.alert, passing.now
        if passing.ended:
            self._parts.correlator.resolved(alert, now)
            self.ended(alert, now)
            return True
        if alert.incident_id:
            self._memory.firing[alert.incident_id] += 1
        back = self._memory.incidents.get(alert.incident_id)
        placement = self._parts.correlator.take(alert, now=now)
        if back is not None and self._comes_back(back, placement, now):
            if placement.new and placement.incident_id != back.id:
                self._parts.correlator.close(placement.incident_id)
            self.came_back(alert, back, now)
            return True
        self.place(placement, now)
        return True

    def _comes_back(self, incident: IncidentState, placement: Placement, now: float) -> bool:
        """Whether an alert that fires again continues its incident: unless it is routine, or belongs to another one that goes on, and not long after its end."""
        if incident.status == "merged" or not placement.incident_id:
            return False
        if placement.incident_id != incident.id and not placement.new:
            return False
        return incident.resolved_at is None or now - incident.resolved_at <= self._parts.times.reopen_within

    def came_back(self, alert: AlertState, incident: IncidentState, now: float) -> None:
        """An alert fires again whose incident goes on, or was over only lately."""
        self._parts.correlator.move(alert.fingerprint, incident.id)
        incident.resolve_at = None
        if incident.status == "resolved":
            self.reopen(incident, now, why="came_back", name=alert.name)
        decide(alert, "correlate", now, "came_back", incident=incident.id)
        self._memory.incident_changed(incident, now)

    def place(self, placement: Placement, now: float) -> None:
        """Do what the correlator says of one alert."""
        self.place_all((placement,), now)

    def place_all(self, placements: Iterable[Placement], now: float) -> None:
        """Do what it says of several; an incident wakes with all of its alerts."""
        waking = []
        for each in placements:
            self._place(each, now)
            if each.wakes:
                waking.append(each.incident_id)
        for key in dict.fromkeys(waking):
            incident = self._memory.incidents.get(key)
            if incident is not None and not incident.woken:
                self.wake(incident, now)

    def _place(self, placement: Placement, now: float) -> None:
        alert = self._memory.alerts.get(placement.fingerprint)
        if alert is None:
            return
        reasons = [
            {"key": each.message.key, "params": dict(each.message.params), "weight": each.weight}
            for each in placement.reasons
        ]
        if not placement.incident_id:
            decide(alert, "correlate", now, "routine", reasons, worth=round(placement.worth, 2))
            self._memory.alert_changed(alert)
            return
        incident = self._memory.incidents.get(placement.incident_id)
        if incident is None:
            incident = self.open(placement.incident_id, alert, now)
        outcome = "opened" if placement.new else "joined"
        if alert.incident_id == incident.id:
            outcome = alert.decisions.get("correlate", {}).get("outcome", outcome)
        else:
            self.put(alert, incident, now)
        if reasons and len(incident.reasons) < MOST_REASONS:
            entry = {"at": now, "fingerprint": alert.fingerprint, **reasons[0], "parts": reasons}
            incident.reasons.append(entry)
        worth = round(placement.worth, 2)
        decide(alert, "correlate", now, outcome, incident=incident.id, worth=worth)
        incident.storm = incident.storm or placement.storm

    def put(self, alert: AlertState, incident: IncidentState, now: float) -> None:
        """Let an alert belong to an incident, and leave the one that it belonged to."""
        before = self._memory.incidents.get(alert.incident_id)
        self._memory.belongs(alert, incident)
        if before is not None and before.id != incident.id:
            if not before.alert_count and not before.woken:
                before.status, before.merged_into, before.resolved_at = "merged", incident.id, now
            self.look_at_end(before, now)
            self._memory.incident_changed(before, now)
        if alert.status == "firing":
            incident.resolve_at = None
        self._grow(incident, alert, now)
        self._memory.alert_changed(alert)
        self._memory.incident_changed(incident, now)

    def open(self, key: str, alert: AlertState, now: float) -> IncidentState:
        severity, priority = self._parts.rating.incident([alert])
        incident = IncidentState(
            id=key,
            number=int(key.rpartition("-")[2]),
            title=title_of(alert),
            status="firing",
            severity=severity,
            priority=priority,
            started_at=alert.starts_at,
            opened_at=now,
            updated_at=now,
        )
        self._memory.incidents[key] = incident
        self._memory.happened(incident, now, "opened", name=alert.name, service=alert.service)
        self._memory.incident_changed(incident, now)
        return incident

    def _grow(self, incident: IncidentState, alert: AlertState, now: float) -> None:
        incident.started_at = min(incident.started_at, alert.starts_at)
        grown = False
        for value, known in ((alert.service, incident.services), (alert.name, incident.names)):
            if value and value not in known and len(known) < MOST_NAMES:
                known.append(value)
                grown = True
        if SEVERITIES.index(alert.severity) < SEVERITIES.index(incident.severity):
            grown = True
        if grown:
            self._grown[incident.id] = incident
            if incident.woken:
                self._memory.happened(incident, now, "grew", name=alert.name, service=alert.service)
                self.emit(incident, EventType.INCIDENT_UPDATED, now, changed=["alerts"])

    def recount(self, incident: IncidentState, now: float) -> None:
        """Say anew what an incident is about, after alerts left it: it may have become less."""
        alerts = self._memory.of_incident(incident)
        if not alerts:
            return
        incident.services = list(dict.fromkeys(each.service for each in alerts if each.service))[:MOST_NAMES]
        incident.names = list(dict.fromkeys(each.name for each in alerts))[:MOST_NAMES]
        incident.severity, incident.priority = self._parts.rating.incident(alerts)
        incident.blast_radius = dict(blast_radius(self._parts.enricher.topology, incident.services))
        self._memory.incident_changed(incident, now)

    def rate_grown(self, now: float) -> None:
        """Renew the rating of what has grown, once a turn: in a storm an incident grows with every alert."""
        grown, self._grown = self._grown, {}
        for incident in grown.values():
            self.look_at_rating(incident, now)

    def look_at_rating(self, incident: IncidentState, now: float) -> None:
        """Renew how severe an incident is, and whom it may reach."""
        alerts = [each for each in self._memory.of_incident(incident) if each.status == "firing"]
        if not alerts:
            return
        topology = self._parts.enricher.topology
        incident.blast_radius = dict(blast_radius(topology, incident.services))
        if not incident.told:  # who was told of it knows it by its title
            incident.title = title(incident, alerts, topology)
        severity, priority = self._parts.rating.incident(alerts)
        if SEVERITIES.index(severity) < SEVERITIES.index(incident.severity):
            self._memory.happened(incident, now, "severity", before=incident.severity, after=severity)
            incident.severity = severity
        incident.priority = min(incident.priority, priority)

    # -- waking, ending, coming back --------------------------------------------------------------------------------

    def wake(self, incident: IncidentState, now: float) -> None:
        """It is worth telling people: from now on its groups tell them."""
        incident.woken = True
        self.look_at_rating(incident, now)
        self._memory.happened(incident, now, "woke")
        self.emit(incident, EventType.INCIDENT_OPENED, now)
        self._memory.incident_changed(incident, now)
        self.hurry(incident, now)

    def hurry(self, incident: IncidentState, now: float) -> None:
        """Let the groups of an incident look at it as soon as their first wait is over."""
        firing = (each for each in self._memory.of_incident(incident) if each.status == "firing")
        for group in self._groups(firing):
            first = group.flushed_at is None and group.next_flush_at is not None
            if not first:
                group.next_flush_at = now
                self._memory.at(now, "flush", group.key)
                self._memory.group_changed(group)

    def _groups(self, alerts: Iterable[AlertState]) -> list[Any]:
        found: dict[str, Any] = {}
        for alert in alerts:
            for route in self._parts.routes.match(alert.labels):
                key, _ = route.group(alert.labels)
                group = self._memory.groups.get(f"{route.id}:{key}")
                if group is not None:
                    found[group.key] = group
        return list(found.values())

    def ended(self, alert: AlertState, now: float) -> None:
        """An alert of an incident is over."""
        incident = self._memory.incidents.get(alert.incident_id)
        if incident is None:
            return
        self._memory.firing[incident.id] -= 1
        self.look_at_end(incident, now)

    def look_at_end(self, incident: IncidentState, now: float) -> None:
        """Begin to wait for the end of an incident of which nothing fires."""
        if self._memory.firing[incident.id] > 0 or incident.status in {"resolved", "merged"}:
            return
        if incident.resolve_at is None and not incident.kept_open:
            incident.resolve_at = now + self._parts.times.resolve_after
            self._memory.at(incident.resolve_at, "resolve", incident.id)
            self._memory.incident_changed(incident, now)

    def recovered(self, incident: IncidentState, now: float) -> bool:
        """Resolve an incident when its wait is over and nothing of it fires."""
        waited = incident.resolve_at is not None and incident.resolve_at <= now
        if not waited or self._memory.firing[incident.id] > 0 or incident.status in {"resolved", "merged"}:
            return False
        self.resolve(incident, now, who="", how="recovered")
        return True

    def resolve(self, incident: IncidentState, now: float, *, who: str, how: str) -> None:
        """Let an incident be over."""
        incident.status = "resolved"
        incident.resolved_at = now
        incident.resolve_at = None
        incident.kept_open = False
        incident.escalation = {}
        self._parts.correlator.close(incident.id)
        self._memory.happened(incident, now, how, who=who)
        if incident.woken:
            self.emit(incident, EventType.INCIDENT_RESOLVED, now, who=who, resolved_by=who)
        self._memory.incident_changed(incident, now)

    def reopen(self, incident: IncidentState, now: float, *, why: str, who: str = "", name: str = "") -> None:
        """Let an incident that was over go on."""
        incident.status = "firing"
        incident.resolved_at = None
        incident.resolve_at = None
        incident.acknowledged_by, incident.acknowledged_at = "", None
        self._parts.correlator.reopen(incident, self._memory.of_incident(incident))
        self._memory.happened(incident, now, why, who=who, name=name)
        if incident.woken:
            self.emit(incident, EventType.INCIDENT_UPDATED, now, changed=["status"], by=who)
            self.hurry(incident, now)
        self._memory.incident_changed(incident, now)

    def take_on(self, incident: IncidentState, who: str, now: float) -> None:
        """Somebody sees to it: nobody else is called."""
        incident.status = "acknowledged"
        incident.acknowledged_by, incident.acknowledged_at = who, now
        if incident.escalation:
            incident.escalation = acknowledge(incident.escalation, now)
        self._memory.happened(incident, now, "acknowledged", who=who)
        if incident.woken:
            self.emit(incident, EventType.INCIDENT_UPDATED, now, changed=["acknowledged"], by=who)
        self._memory.incident_changed(incident, now)

    def alert_taken_on(self, alert: AlertState, who: str, now: float) -> None:
        """Somebody sees to an alert; to its incident with its last alert."""
        alert.acknowledged_by = who
        self._memory.alert_changed(alert)
        incident = self._memory.incidents.get(alert.incident_id)
        if incident is None:
            return
        self._memory.happened(incident, now, "alert_acknowledged", who=who, name=alert.name)
        open_ones = (each for each in self._memory.of_incident(incident) if each.status == "firing")
        if incident.status == "firing" and all(each.acknowledged_by for each in open_ones):
            self.take_on(incident, who, now)

    def emit(self, incident: IncidentState, kind: EventType, now: float, **more: Any) -> None:
        ident = f"{incident.id}/{kind.value}/{incident.revision}/{now:.6f}"
        self._memory.emit(kind, incident.id, now, ident, **picture(incident), **more)


def picture(incident: IncidentState) -> dict[str, Any]:
    """What others are told of an incident."""
    return {
        "incident_id": incident.id,
        "number": incident.number,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "priority": incident.priority,
        "started_at": incident.started_at,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "resolved_at": incident.resolved_at,
        "acknowledged_by": incident.acknowledged_by,
        "assignee": incident.assignee,
        "storm": incident.storm,
        "blast_radius": incident.blast_radius,
        "revision": incident.revision,
        "services": incident.services[:20],
        "names": incident.names[:20],
        "fingerprints": list(incident.fingerprints),
        "alert_count": incident.alert_count,
    }
