"""The stages that one received alert goes through; each says whether it goes on to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.alerts.routing.tree import Route
from sre_copilot.alerts.state import AlertState, GroupState
from sre_copilot.domain.alert import ALERTNAME, AlertEvent
from sre_copilot.domain.event import EventType

SAME_IDENTITY = 65_536  # label sets whose fingerprint is remembered: alerts are told again and again
SERVICE_LABELS = ("service", "service_name", "app", "job")


@dataclass(slots=True)
class Passing:
    """An alert on its way: what was told, the record of it, and what that means."""

    event: AlertEvent
    alert: AlertState
    now: float
    began: bool = False
    ended: bool = False
    taken_on: bool = False
    """Somebody acknowledged it in the sending system."""


@lru_cache(SAME_IDENTITY)
def _fingerprint(labels: tuple[tuple[str, str], ...]) -> str:
    return fingerprint(dict(labels))


def identity(event: AlertEvent) -> str:
    """What makes two messages the same alert: the sender's own key for it, or its labels."""
    if event.dedup_key:
        return _fingerprint((("dedup_key", event.dedup_key), ("source", event.source)))
    return _fingerprint(tuple(sorted(event.labels.items())))


def correlation_key(event: AlertEvent) -> str:
    """What alerts of the same kind at the same service share; no identity, and never used as one."""
    service = next((event.labels[name] for name in SERVICE_LABELS if name in event.labels), "")
    return f"{event.labels[ALERTNAME]}/{service}"


class Stages:
    """All stages over one memory."""

    def __init__(self, memory: Memory, parts: Parts) -> None:
        self._memory = memory
        self._parts = parts
        self.freed: list[AlertState] = []
        """Alerts that are muted no longer: whether they are worth telling is to be seen anew."""

    def identify(self, event: AlertEvent, now: float) -> Passing:
        """Find the record of an alert, or make one."""
        key = identity(event)
        alert = self._memory.alerts.get(key)
        if event.status == "firing" and event.ends_at is not None and event.ends_at <= event.received_at:
            status = "resolved"  # its sender says that it is over; an end that passed while it lay here is seen like any other
        else:
            status = event.status
        if alert is None:
            alert = _fresh(event, key)
            return Passing(event, alert, now, began=status == "firing")
        was_firing = alert.status == "firing"
        return Passing(
            event,
            alert,
            now,
            began=status == "firing" and not was_firing,
            ended=status == "resolved" and was_firing,
        )

    def deduplicate(self, passing: Passing) -> bool:
        """Take what is new in a repetition; only what begins or ends goes on."""
        alert, event = passing.alert, passing.event
        known = alert.fingerprint in self._memory.alerts
        if not known and (event.acknowledged or not passing.began):
            return False  # the end of something that was never seen to begin, or somebody's word on it
        if known:
            alert.received += 1
            alert.updated_at = passing.now
            if event.annotations and event.annotations != alert.annotations:
                alert.annotations = dict(event.annotations)
        else:
            self._memory.alerts[alert.fingerprint] = alert
        if passing.began:
            self._begin(passing)
        elif passing.ended:
            self._end(passing)
        else:
            self._repeated(passing)
            return False
        self._memory.alert_changed(alert)
        return True

    def flap(self, passing: Passing) -> bool:
        """Note that it came or went, and whether it does so too often."""
        alert = passing.alert
        was = alert.flapping
        alert.transitions, alert.flapping = self._parts.flapping.note(
            alert.transitions, flapping=alert.flapping, now=passing.now
        )
        if alert.flapping or was:
            outcome = "flapping" if alert.flapping else "steady"
            decide(alert, "flap", passing.now, outcome, times=len(alert.transitions))
        return True

    def enrich(self, passing: Passing) -> bool:
        """Add what is known of its service and of changes before it."""
        if passing.began:
            alert = passing.alert
            alert.context = self._parts.enricher.context(alert, now=passing.now)
            if passing.event.severity is not None:
                alert.context["declared"] = True
            service = str(alert.context.get("service", ""))
            decide(alert, "enrich", passing.now, "known" if service else "unknown", service=service)
        return True

    def mute(self, passing: Passing) -> bool:
        """See what keeps it from people; it goes on all the same, for muting ends."""
        alert = passing.alert
        self.weigh(alert, passing.now)
        self.look_at_mutes(alert, passing.now)
        return True

    def weigh(self, alert: AlertState, now: float) -> None:
        """Let inhibition know whether an alert fires; those that it mutes, or no longer does, are looked at."""
        firing = alert.status == "firing"
        for each in self._parts.inhibitor.take(alert.fingerprint, alert.labels, firing=firing):
            other = self._memory.alerts.get(each)
            if other is not None:
                self.look_at_mutes(other, now)

    def look_at_mutes(self, alert: AlertState, now: float) -> bool:
        """Renew what mutes an alert; return whether that changed."""
        parts = self._parts
        before, was_muted = (alert.silenced_by, alert.inhibited_by, alert.maintained_by), alert.muted
        alert.inhibited_by = list(parts.inhibitor.inhibited_by(alert.fingerprint, alert.labels))
        alert.silenced_by = list(parts.silences.silenced_by(alert.labels, now))
        alert.maintained_by = list(parts.maintenance.maintained_by(alert.labels, now))
        if (alert.silenced_by, alert.inhibited_by, alert.maintained_by) == before:
            return False
        for stage, ids in (
            ("inhibit", alert.inhibited_by),
            ("silence", alert.silenced_by),
            ("maintain", alert.maintained_by),
        ):
            if ids:
                decide(alert, stage, now, "muted", by=", ".join(ids[:5]), count=len(ids))
            else:
                alert.decisions.pop(stage, None)
        if was_muted and not alert.muted and alert.status == "firing":
            self.freed.append(alert)
        self._memory.alert_changed(alert)
        return True

    def rate(self, passing: Passing) -> bool:
        """Give it a severity."""
        if passing.began:
            passing.alert.severity = self._parts.rating.severity(passing.event, passing.alert.context)
        return True

    def group(self, passing: Passing) -> bool:
        """Put it into the group of each route that it matches."""
        alert, now = passing.alert, passing.now
        if not passing.began:
            return True
        routes = self._parts.routes.match(alert.labels)
        alert.routes = [route.id for route in routes]
        for route in routes:
            key, labels = route.group(alert.labels)
            group = self._memory.groups.get(f"{route.id}:{key}")
            if group is None:
                group = self._fresh_group(f"{route.id}:{key}", route, labels, now)
                self._memory.groups[group.key] = group
                late = alert.starts_at + route.group_wait_s < now
                group.next_flush_at = now if late else now + route.group_wait_s
                self._memory.at(group.next_flush_at, "flush", group.key)
            group.fingerprints[alert.fingerprint] = now
            self._memory.group_changed(group)
        receivers = ", ".join(dict.fromkeys(route.receiver for route in routes))
        ways = [{"receiver": each.receiver, "route": each.key} for each in routes]
        keys = ", ".join(each.key for each in routes)
        decide(alert, "route", now, "routed", receivers=receivers, routes=keys, ways=ways)
        return True

    def regroup(self, now: float) -> None:
        """Put all that fires into the groups of the present routes; a group that is as it was keeps its times."""
        before, self._memory.groups = self._memory.groups, {}
        for alert in self._memory.alerts.values():
            if alert.status == "firing":
                self._regroup(alert, before, now)
        for key, group in before.items():
            if key not in self._memory.groups:
                self._memory.group_gone(group)

    def _regroup(self, alert: AlertState, before: Mapping[str, GroupState], now: float) -> None:
        routes = self._parts.routes.match(alert.labels)
        if alert.routes != [route.id for route in routes]:
            alert.routes = [route.id for route in routes]
            self._memory.alert_changed(alert)
        for route in routes:
            key, labels = route.group(alert.labels)
            whole = f"{route.id}:{key}"
            group = self._memory.groups.get(whole)
            if group is None:
                known = before.get(whole)
                same = known is not None and known.receiver == route.receiver
                group = known if known is not None and same else self._fresh_group(whole, route, labels, now)
                self._memory.groups[whole] = group
                if not same:
                    group.next_flush_at = now + route.group_wait_s
                    self._memory.at(group.next_flush_at, "flush", whole)
                    self._memory.group_changed(group)
            if alert.fingerprint not in group.fingerprints:
                group.fingerprints[alert.fingerprint] = now
                self._memory.group_changed(group)

    @staticmethod
    def _fresh_group(key: str, route: Route, labels: Mapping[str, str], now: float) -> GroupState:
        return GroupState(
            key=key, route=route.id, receiver=route.receiver, labels=dict(labels), created_at=now
        )

    # -- beginning and ending -----------------------------------------------------------------------------------------

    def _begin(self, passing: Passing) -> None:
        alert, event, now = passing.alert, passing.event, passing.now
        alert.status = "firing"
        alert.starts_at = event.starts_at
        alert.ends_at = event.ends_at
        alert.changed_at = alert.updated_at = now
        alert.expired = False
        alert.source, alert.provider = event.source, event.provider
        alert.generator_url, alert.anomaly_id = event.generator_url, event.anomaly_id
        alert.acknowledged_by = event.source if event.acknowledged else ""
        self._watch_end(alert)
        self._told(alert, now)

    def _end(self, passing: Passing) -> None:
        self.end(passing.alert, passing.now, ended_at=passing.event.ends_at)

    def end(self, alert: AlertState, now: float, *, ended_at: float | None) -> None:
        """Let an alert be over."""
        alert.status = "resolved"
        alert.ends_at = min(ended_at, now) if ended_at is not None else now
        alert.changed_at = alert.updated_at = now
        self._memory.at(now + self._parts.times.remember, "forget", alert.fingerprint)
        self._told(alert, now)

    def _told(self, alert: AlertState, now: float) -> None:
        """Let others know that it began or ended."""
        self._memory.emit(
            EventType.ALERT_RECEIVED,
            alert.fingerprint,
            now,
            f"alert/{alert.fingerprint}/{alert.status}/{now:.6f}",
            fingerprint=alert.fingerprint,
            labels=alert.labels,
            annotations=alert.annotations,
            status=alert.status,
            severity=alert.severity,
            starts_at=alert.starts_at,
            ends_at=alert.ends_at,
            received_at=now,
            source=alert.source,
            provider=alert.provider,
            generator_url=alert.generator_url,
            anomaly_id=alert.anomaly_id,
        )

    def _repeated(self, passing: Passing) -> None:
        alert, began_at = passing.alert, passing.alert.starts_at
        if alert.status == "firing":
            self._go_on(passing)
        if alert.status == "firing" and alert.starts_at == began_at:
            self._memory.alert_repeated(alert)
        else:
            self._memory.alert_changed(alert)
        decide(alert, "deduplicate", passing.now, "repeated", times=alert.received)

    def _go_on(self, passing: Passing) -> None:
        alert, event = passing.alert, passing.event
        alert.starts_at = min(alert.starts_at, event.starts_at)
        if event.acknowledged and not alert.acknowledged_by:
            passing.taken_on = True
        if event.ends_at != alert.ends_at:
            alert.ends_at = event.ends_at
            self._watch_end(alert)

    def _watch_end(self, alert: AlertState) -> None:
        if alert.ends_at is not None:
            self._memory.at(alert.ends_at, "expire", alert.fingerprint)


def _fresh(event: AlertEvent, key: str) -> AlertState:
    return AlertState(
        fingerprint=key,
        correlation_key=correlation_key(event),
        labels=dict(event.labels),
        annotations=dict(event.annotations),
        source=event.source,
        provider=event.provider,
        status="resolved",
        severity=event.severity or "warning",
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        updated_at=event.received_at,
        first_received_at=event.received_at,
        links=[list(each) for each in event.links],
    )


def decide(
    alert: AlertState,
    stage: str,
    now: float,
    outcome: str,
    parts: Sequence[Mapping[str, Any]] = (),
    **params: Any,
) -> None:
    """Note the latest decision of a stage; its sentence is `alert.STAGE.OUTCOME`, and `parts` are what weighed in it."""
    alert.decisions[stage] = {
        "at": now,
        "outcome": outcome,
        "key": f"alert.{stage}.{outcome}",
        "params": params,
        "parts": list(parts),
    }
