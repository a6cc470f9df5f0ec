"""Alerts and pipelines for tests: a few words make an alert, a configuration makes all rules, the time is turned by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.alerts.changes import Changes
from sre_copilot.alerts.pipeline.commands import Commands
from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.app.alerting import make_parts
from sre_copilot.domain.alert import AlertEvent, Status
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.document import Settings

START = 1_760_000_000.0
ONE_RECEIVER: Mapping[str, Any] = {
    "notify": {"receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}]},
    "routing": {"route": {"receiver": "team", "group_by": ["alertname", "service"]}},
}


def alert(
    name: str,
    *,
    at: float,
    status: Status = "firing",
    starts_at: float | None = None,
    ends_at: float | None = None,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **more: str,
) -> AlertEvent:
    """An alert as a system told it at a time; labels by name, or as a mapping."""
    return AlertEvent(
        labels={"alertname": name, **(labels or {}), **more},
        annotations=annotations or {},
        status=status,
        starts_at=at if starts_at is None else starts_at,
        ends_at=at if status == "resolved" and ends_at is None else ends_at,
        received_at=at,
        source="test",
        provider="generic",
    )


def alerting_settings(**alerting: Any) -> Settings:
    """A configuration with these keys of `alerting`; one receiver that is told everything where none is given."""
    return Settings.model_validate({"alerting": {**ONE_RECEIVER, **alerting}})


class Rehearsing:
    """A pipeline whose clock is turned by hand, and which keeps all that it says."""

    def __init__(
        self, *, topology: Sequence[tuple[str, str]] = (), start: float = START, **alerting: Any
    ) -> None:
        self.settings = alerting_settings(**alerting)
        memory = Memory()
        parts = make_parts(self.settings, new_id=memory.new_id, topology=Topology.of(topology))
        self.pipeline = Pipeline(memory, parts)
        self.now = start
        self.told: list[Notification] = []
        self.all: list[Changes] = []

    def take(self, *events: AlertEvent) -> None:
        """Let alerts come in now."""
        self.pipeline.take(events, self.now)
        self._turn()

    def fire(self, name: str, **labels: str) -> None:
        """Let an alert fire now."""
        self.take(alert(name, at=self.now, labels=labels))

    def resolve(self, name: str, **labels: str) -> None:
        """Let an alert end now."""
        self.take(alert(name, at=self.now, status="resolved", labels=labels))

    def wait(self, seconds: float) -> None:
        """Let time pass, second by second where something is due."""
        end = self.now + seconds
        while self.now < end:
            due = self.pipeline.next_at(self.now)
            self.now = end if due is None else min(end, max(due, self.now + 1.0))
            self._turn()

    def do(self, verb: str, *, who: str = "alice", **arguments: Any) -> dict[str, Any]:
        """Carry out a command of a person."""
        result = Commands(self.pipeline).do(verb, arguments, who=who, now=self.now)
        self._turn()
        return result

    def _turn(self) -> None:
        self.pipeline.turn(self.now)
        changes = self.pipeline.drain()
        self.told += changes.notifications
        self.all.append(changes)

    @property
    def incidents(self) -> list[IncidentState]:
        """All that are remembered."""
        return list(self.pipeline.memory.incidents.values())

    @property
    def alerts(self) -> list[AlertState]:
        """All that are remembered."""
        return list(self.pipeline.memory.alerts.values())

    @property
    def states(self) -> list[str]:
        """The states of all messages so far."""
        return [each.state for each in self.told]

    @property
    def timeline(self) -> list[str]:
        """The kinds of all entries of timelines so far."""
        return [each.kind for changes in self.all for each in changes.timeline]
