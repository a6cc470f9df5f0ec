"""What receivers are told of an incident: once when it wakes, when something changed that matters, again after a while, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sre_copilot.alerts.escalation import Policy, advance, begin, next_at
from sre_copilot.alerts.oncall.roster import Call, page_message
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.alerts.routing.tree import Route
from sre_copilot.alerts.state import AlertState, GroupState, IncidentState, ToldState
from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.domain.notification import Notification, NotificationState

MOST_ALERTS = 10  # in a message
MOST_KINDS = 200  # remembered of what a receiver was told
MUTED_AGAIN_S = (
    30.0  # so long after a step that nobody was called for, because all was muted, it is looked at again
)
MANY_TIMES = 10  # so much more alerts than were told matter even when all are of one kind


class Telling:
    """Decides on every message over one memory."""

    def __init__(self, memory: Memory, parts: Parts) -> None:
        self._memory = memory
        self._parts = parts
        self._looked_at, self._looked = 0.0, set[tuple[str, str]]()

    def flush(self, group: GroupState, route: Route, now: float) -> None:
        """Look at the incidents of a group's alerts, and tell of them what is due; then forget the alerts that are over."""
        alerts = [self._memory.alerts[each] for each in group.fingerprints if each in self._memory.alerts]
        quiet = self._parts.intervals.muted_by(route.mute_time_intervals, route.active_time_intervals, now)
        if not quiet:
            for key in dict.fromkeys(each.incident_id for each in alerts):
                incident = self._memory.incidents.get(key)
                if incident is not None and incident.woken and incident.status in {"firing", "acknowledged"}:
                    self._look(incident, route, now)
        group.fingerprints = {
            each.fingerprint: group.fingerprints[each.fingerprint]
            for each in alerts
            if each.status == "firing"
        }
        group.flushed_at = now
        if not group.fingerprints:
            self._memory.group_gone(group)
            return
        group.next_flush_at = now + route.group_interval_s
        self._memory.at(group.next_flush_at, "flush", group.key)
        self._memory.group_changed(group)

    def _look(self, incident: IncidentState, route: Route, now: float) -> None:
        if sleeps(incident, now):
            return
        told = self.told(incident, route.receiver)
        if self._is_new(incident, route, now) and (not told.open or now >= told.at + route.group_interval_s):
            firing = self._firing(incident, route.receiver)
            state = self._due(incident, told, firing, route, now)
            if state is not None:
                self._tell(incident, told, firing, state, now)
        self._look_at_escalation(incident, route, now)

    def _is_new(self, incident: IncidentState, route: Route, now: float) -> bool:
        """Whether an incident is looked at for the first time in this turn by way of a route: of a storm, thousands of groups are due at once, and each look goes over all alerts."""
        if now != self._looked_at:
            self._looked_at, self._looked = now, set()
        before = len(self._looked)
        self._looked.add((incident.id, route.id))
        return len(self._looked) > before

    def _look_at_escalation(self, incident: IncidentState, route: Route, now: float) -> None:
        """People are called as soon as an alert of a route that says so fires, whoever was told of the incident before."""
        if not route.escalation or incident.escalation or incident.status != "firing":
            return
        mine = (each for each in self._memory.of_incident(incident) if route.id in each.routes)
        if any(each.status == "firing" and not each.muted for each in mine):
            self.escalate(incident, route.escalation, route.receiver, now)

    def _reaches(self, alert: AlertState, receiver: str) -> bool:
        routes = self._parts.routes.by_id
        return any(each in routes and routes[each].receiver == receiver for each in alert.routes)

    def _due(
        self, incident: IncidentState, told: ToldState, firing: Sequence[AlertState], route: Route, now: float
    ) -> NotificationState | None:
        if not firing:
            return None
        if not told.open:
            return "firing"
        if _matters(incident, told, firing):
            return "updated"
        repeats = not incident.acknowledged_by and now >= told.at + route.repeat_interval_s
        return "repeated" if repeats else None

    def told(self, incident: IncidentState, receiver: str) -> ToldState:
        """What a receiver was told so far."""
        known = incident.told.get(receiver)
        return ToldState(**known) if known is not None else ToldState(receiver=receiver)

    def _tell(
        self,
        incident: IncidentState,
        told: ToldState,
        firing: Sequence[AlertState],
        state: NotificationState,
        now: float,
        *,
        key: str = "",
        people: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        told.sequence += 1
        told.state, told.at = state, now
        told.open = state != "resolved"
        if firing:
            told.kinds = sorted({f"{each.name}/{each.service}" for each in firing} | set(told.kinds))[
                :MOST_KINDS
            ]
            told.count = max(told.count, len(firing))
        told.severity = incident.severity
        told.diagnosed_at = _diagnosed_at(incident)
        incident.told[told.receiver] = asdict(told)
        self._memory.changes.notifications.append(
            Notification(
                key=key or f"{incident.id}/{told.receiver}/{state}/{told.sequence}",
                group=incident.id,
                receiver=told.receiver,
                state=state,
                sequence=told.sequence,
                created_at=now,
                content={
                    **content_of(incident, firing, over=() if firing else self._memory.of_incident(incident)),
                    **more,
                },
                people=tuple(people),
                about="alerts",
            )
        )
        self._memory.happened(
            incident, now, "told", receiver=told.receiver, state=state, number=told.sequence
        )
        self._memory.incident_changed(incident, now)

    def _firing(self, incident: IncidentState, receiver: str) -> list[AlertState]:
        """Alerts of an incident that a receiver may be told of now."""
        return [
            each
            for each in self._memory.of_incident(incident)
            if each.status == "firing" and not each.muted and self._reaches(each, receiver)
        ]

    def updated(self, incident: IncidentState, now: float) -> None:
        """Tell everyone who was told of an incident what is new about it, although no alert is."""
        for receiver in [] if sleeps(incident, now) else list(incident.told):
            told = self.told(incident, receiver)
            firing = self._firing(incident, receiver)
            if told.open and firing and self._may_hear(firing, receiver, now):
                self._tell(incident, told, firing, "updated", now)

    def last_words(self, incident: IncidentState, now: float) -> None:
        """Tell of an incident that is worth it and that nobody was told of, because its alerts ended by themselves before their groups had waited.

        What its sender says is over within that wait is told of nobody: it was nothing.
        """
        if not incident.woken or incident.told or incident.resolve_at is None or incident.resolve_at > now:
            return
        over = [each for each in self._memory.of_incident(incident) if each.expired and not each.muted]
        routes = self._parts.routes.by_id
        receivers = [routes[key].receiver for each in over for key in each.routes if key in routes]
        for receiver in dict.fromkeys(receivers):
            mine = [each for each in over if self._reaches(each, receiver)]
            if self._may_hear(mine, receiver, now):
                self._tell(incident, self.told(incident, receiver), mine, "firing", now)

    def _may_hear(self, alerts: Sequence[AlertState], receiver: str, now: float) -> bool:
        """Whether one of the routes by which a receiver hears of alerts is not quiet now."""
        routes, intervals = self._parts.routes.by_id, self._parts.intervals
        keys = {key for each in alerts for key in each.routes if key in routes}
        mine = [routes[key] for key in keys if routes[key].receiver == receiver]
        return any(
            not intervals.muted_by(each.mute_time_intervals, each.active_time_intervals, now) for each in mine
        )

    def resolved(self, incident: IncidentState, now: float, **more: Any) -> None:
        """Tell everyone who was told of an incident that it is over, in quiet times, too: what was opened elsewhere must be closed there."""
        for receiver in list(incident.told):
            told = self.told(incident, receiver)
            if told.open:
                self._tell(incident, told, (), "resolved", now, **more)

    # -- escalation -------------------------------------------------------------------------------------------------

    def escalate(self, incident: IncidentState, policy: str, receiver: str, now: float) -> None:
        """Begin to call people, step by step; `receiver` is the way where the policy names none."""
        state = begin(self._parts.roster(now).policy(policy), now, subject=incident.id)
        incident.escalation = {**state, "receiver": receiver}
        self._memory.happened(incident, now, "escalation", policy=policy)
        self.call(incident, now)

    def call(self, incident: IncidentState, now: float) -> None:
        """Call whoever is due; nobody while everything is muted, and the step is due again when it no longer is."""
        if not incident.escalation:
            return
        firing = [
            each for each in self._memory.of_incident(incident) if each.status == "firing" and not each.muted
        ]
        if not firing and incident.status == "firing":
            self._memory.at(now + MUTED_AGAIN_S, "escalate", incident.id)
            return
        roster = self._parts.roster(now)
        policy = roster.policy(str(incident.escalation["policy"]))
        before = incident.escalation.get("status")
        incident.escalation, pages = advance(policy, incident.escalation, now)
        for page in pages:
            called = roster.call(page, policy, now)
            for said in (page_message(called), *called.messages):
                params: dict[str, Any] = dict(said.params)
                self._memory.happened(incident, now, "page", key=said.key, **params)
            self._page(incident, policy, called, firing, now)
        if incident.escalation["status"] == "exhausted" != before:
            self._memory.happened(incident, now, "page", key="people.escalation.exhausted", policy=policy.id)
        following = next_at(incident.escalation)
        if following is not None:
            self._memory.at(following, "escalate", incident.id)
        self._memory.incident_changed(incident, now)

    def _page(
        self, incident: IncidentState, policy: Policy, called: Call, firing: Sequence[AlertState], now: float
    ) -> None:
        """One message to each receiver that a step names, and one to the persons that it names."""
        ways = list(called.receivers)
        if called.people:
            ways.append(policy.receiver or str(incident.escalation.get("receiver", "")))
        people = [person.told() for person in called.people]
        for way in dict.fromkeys(ways):
            told = self.told(incident, way)
            key = f"{called.page.key}/{way}"
            self._tell(incident, told, firing, "escalated", now, key=key, people=people)


def sleeps(incident: IncidentState, now: float) -> bool:
    """Whether a person let it sleep."""
    return incident.snoozed_until is not None and now < incident.snoozed_until


def _matters(incident: IncidentState, told: ToldState, firing: Sequence[AlertState]) -> bool:
    """Whether something is new that people would want to hear: another kind of alert or service, a higher severity, a diagnosis, many more."""
    if _diagnosed_at(incident) > told.diagnosed_at:
        return True
    if told.severity and SEVERITIES.index(incident.severity) < SEVERITIES.index(told.severity):
        return True
    if len(firing) >= MANY_TIMES * max(1, told.count):
        return True
    known = set(told.kinds)
    return len(known) < MOST_KINDS and any(f"{each.name}/{each.service}" not in known for each in firing)


def _diagnosed_at(incident: IncidentState) -> float:
    """When a cause was named; 0 while none is: that nothing was found is no news for anybody who was woken."""
    return float(incident.diagnosis["at"]) if incident.diagnosis.get("outcome") == "fault" else 0.0


def content_of(
    incident: IncidentState, firing: Sequence[AlertState], *, over: Sequence[AlertState] = ()
) -> dict[str, Any]:
    """A picture of an incident for a message; see `domain.notification`. Of one that is over its alerts are those that were."""
    shown = firing or over
    worst = sorted(
        shown, key=lambda each: (SEVERITIES.index(each.severity), each.starts_at, each.fingerprint)
    )
    common = set.intersection(*(set(each.labels.items()) for each in shown)) if shown else set()
    anomaly = next((each for each in worst if each.anomaly_id), None)
    return {
        "incident_id": incident.id,
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "priority": incident.priority,
        "status": incident.status,
        "service": incident.services[0] if incident.services else "",
        "services": incident.services[:20],
        "summary": [{"key": "incident.summary", "params": _counts(shown)}],
        "started_at": incident.started_at,
        "resolved_at": incident.resolved_at,
        "acknowledged_by": incident.acknowledged_by,
        "alert_count": incident.alert_count,
        "firing_count": len(firing),
        "alerts": [_short(each) for each in worst[:MOST_ALERTS]],
        "labels": dict(sorted(common)),
        "blast_radius": incident.blast_radius,
        "storm": incident.storm,
        "diagnosis": incident.diagnosis,
        "cause": incident.diagnosis.get("cause", ""),
        "confidence": incident.diagnosis.get("confidence"),
        "anomaly": {
            name: anomaly.annotations.get(name, "") for name in ("metric", "current", "expected", "deviation")
        }
        if anomaly is not None
        else {},
        "links": [list(link) for each in worst[:3] for link in each.links][:5],
    }


def _short(alert: AlertState) -> dict[str, Any]:
    said = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "severity": alert.severity,
        "service": alert.service,
        "labels": alert.labels,
        "starts_at": alert.starts_at,
        "generator_url": alert.generator_url,
        "summary": said[:500],
    }


def _counts(firing: Sequence[AlertState]) -> dict[str, Any]:
    kinds = Counter(each.name for each in firing)
    named = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in kinds.most_common(5))
    services = {each.service for each in firing if each.service}
    return {"alerts": len(firing), "kinds": len(kinds), "services": len(services), "named": named}
