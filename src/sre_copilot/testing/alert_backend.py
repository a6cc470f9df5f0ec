"""What decides about alerts, in memory: deduplication, ends, silences and one group a value of `group_by`, without routing, notifications or a store.

app.state.alerting = MemoryAlerts(clock=SystemClock())

It is what tests of the ways in and programs that speak to them need; `accepted` counts the messages that it took.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.alerts.pipeline.stages import identity
from sre_copilot.alerts.problems import InvalidError
from sre_copilot.alerts.silences import Silences
from sre_copilot.alerts.state import AlertState, GroupState, SilenceState
from sre_copilot.clock import Clock
from sre_copilot.domain.alert import AlertEvent

ROUTE = "{}"


class MemoryAlerts:
    """Alerts, groups and silences of one process, in memory."""

    def __init__(
        self, *, clock: Clock, receiver: str = "default", group_by: Sequence[str] = ("alertname",)
    ) -> None:
        self._clock = clock
        self._receiver = receiver
        self._group_by = tuple(group_by)
        self._alerts: dict[str, AlertState] = {}
        self._silences = Silences()
        self.accepted: list[tuple[str, tuple[AlertEvent, ...]]] = []
        """Source and alerts of each message."""
        self.started_at = clock.now()

    async def accept(self, events: Sequence[AlertEvent], *, source: str) -> None:
        """Take alerts; memory is as durable as this gets."""
        self.accepted.append((source, tuple(events)))
        for event in events:
            self._take(event)

    async def alerts(self) -> Sequence[AlertState]:
        """Every alert, ended where its time has come, with the silences of now."""
        now = self._clock.now()
        for alert in self._alerts.values():
            if alert.status == "firing" and alert.ends_at is not None and alert.ends_at <= now:
                alert.status = "resolved"
            alert.silenced_by = list(self._silences.silenced_by(alert.labels, now))
        return tuple(self._alerts.values())

    async def groups(self) -> Sequence[GroupState]:
        """A group for each set of values of `group_by`."""
        found: dict[str, GroupState] = {}
        for alert in self._alerts.values():
            labels = {name: alert.labels[name] for name in self._group_by if name in alert.labels}
            key = fingerprint(labels)
            group = found.setdefault(
                key, GroupState(key=key, route=ROUTE, receiver=self._receiver, labels=labels, created_at=alert.starts_at)
            )  # fmt: skip
            group.fingerprints[alert.fingerprint] = alert.starts_at
        return tuple(found.values())

    async def silences(self) -> Sequence[SilenceState]:
        """Every silence."""
        return tuple(self._silences)

    async def silence_put(self, silence: SilenceState, *, by: str) -> str:
        """Add or change a silence."""
        try:
            return self._silences.set(silence, now=self._clock.now(), fresh_id=str(uuid.uuid4()))[-1].id
        except InvalidError as error:
            first = error.problems[0]
            raise Refused(404 if first.field == "id" else 422, first.field, first.text) from None

    async def silence_expire(self, key: str, *, by: str) -> None:
        """End a silence."""
        try:
            self._silences.expire(key, now=self._clock.now())
        except InvalidError as error:
            raise Refused(404, "id", error.problems[0].text) from None

    async def receivers(self) -> Sequence[str]:
        """The one receiver."""
        return (self._receiver,)

    async def configuration(self) -> str:
        """A route to the one receiver."""
        route = {"receiver": self._receiver, "group_by": list(self._group_by)}
        return json.dumps({"route": route, "receivers": [{"name": self._receiver}]})  # JSON is YAML

    def _take(self, event: AlertEvent) -> None:
        key = identity(event)
        known = self._alerts.get(key)
        if known is None:
            self._alerts[key] = _new(key, event)
            return
        told_again = event.status == "firing" and known.status == "firing"
        known.starts_at = min(known.starts_at, event.starts_at) if told_again else event.starts_at
        known.status, known.ends_at, known.updated_at = event.status, event.ends_at, event.received_at
        known.severity = event.severity or known.severity
        known.annotations = dict(event.annotations) or known.annotations
        known.received += 1


def _new(key: str, event: AlertEvent) -> AlertState:
    return AlertState(
        fingerprint=key,
        correlation_key=event.name,
        labels=dict(event.labels),
        annotations=dict(event.annotations),
        source=event.source,
        provider=event.provider,
        status=event.status,
        severity=event.severity or "warning",
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        updated_at=event.received_at,
        first_received_at=event.received_at,
        routes=[ROUTE],
        generator_url=event.generator_url,
        anomaly_id=event.anomaly_id,
        links=[list(link) for link in event.links],
    )
