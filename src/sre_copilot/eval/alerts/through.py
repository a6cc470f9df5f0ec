"""The whole pipeline on a stream of alerts, with its defaults and one receiver that is told everything: what people would get."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.stages import identity
from sre_copilot.app.alerting import make_parts
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.told import Incident, Run
from sre_copilot.settings.alerting.correlation import Correlation
from sre_copilot.settings.document import Settings

LASTS_S = 300.0
"""An event has no end; the pipeline takes it to last so long, as Alertmanager does by default (`resolve_timeout`): what ends before its group has waited is told to nobody."""
AFTER_S = 900.0  # after the last alert: by then everything has ended, and its end is told
DRAIN_EVERY = 2_000  # alerts: what is to be kept is let go


def play_through(scenario: Scenario, settings: Correlation, *, lasts_s: float = LASTS_S) -> Run:
    """Let all alerts of a scenario come in; messages are the notifications that the pipeline makes."""
    return _Through(settings, lasts_s).run(scenario)


class _Through:
    def __init__(self, correlation: Correlation, lasts_s: float) -> None:
        document: dict[str, Any] = {
            "alerting": {
                "correlation": correlation.model_dump(),
                "notify": {
                    "receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}]
                },
                "routing": {"route": {"receiver": "team", "group_by": ["alertname", "host"]}},
            }
        }
        self._lasts_s = lasts_s
        self._memory = Memory()
        parts = make_parts(Settings.model_validate(document), new_id=self._memory.new_id)
        self._pipeline = Pipeline(self._memory, parts)
        self._messages: Counter[str] = Counter()
        self._woken: set[str] = set()
        self._phases: dict[tuple[str, str], Counter[str]] = {}
        self._identities: dict[int, str] = {}

    def run(self, scenario: Scenario) -> Run:
        for place, (at, labels, phase) in enumerate(
            zip(scenario.times, scenario.labels, scenario.phases, strict=True)
        ):
            self._until(at)
            event = self._event(at, labels)
            self._pipeline.take((event,), at)
            self._count(event, phase)
            if place % DRAIN_EVERY == 0:
                self._drain()
        self._until(scenario.times[-1] + AFTER_S)
        self._drain()
        return Run(scenario.name, len(scenario.times), self._incidents())

    def _event(self, at: float, labels: dict[str, str]) -> AlertEvent:
        return AlertEvent(
            labels=labels,
            starts_at=at,
            ends_at=at + self._lasts_s,
            received_at=at,
            source="events",
            provider="events",
        )

    def _until(self, at: float) -> None:
        """Let the pipeline do what is due before a time."""
        due = self._pipeline.next_at(at)
        while due is not None and due <= at:
            self._pipeline.turn(due)
            following = self._pipeline.next_at(due)
            due = following if following is None or following > due else due + 1.0

    def _count(self, event: AlertEvent, phase: str) -> None:
        """Note a message with the incident of its alert at this time (a later move takes the alert along, not what was received before)."""
        key = self._identities.get(id(event.labels))
        if key is None:
            key = self._identities[id(event.labels)] = identity(event)
        incident = self._memory.alerts[key].incident_id
        if incident:
            self._phases.setdefault((incident, event.name), Counter())[phase] += 1

    def _drain(self) -> None:
        changes = self._pipeline.drain()
        self._woken.update(each.id for each in changes.incidents.values() if each.woken)
        for each in changes.notifications:
            self._messages[each.group] += 1

    def _incidents(self) -> tuple[Incident, ...]:
        found: dict[str, Incident] = {}
        for (ident, name), phases in self._phases.items():
            messages = self._messages[ident]
            incident = found.setdefault(ident, Incident(ident, woken=messages > 0, messages=messages))
            incident.phases += phases
            incident.kinds.add(name)
        return tuple(found.values())
