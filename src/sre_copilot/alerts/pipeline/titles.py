"""What an incident is called: by the alert that says most of its cause."""

from __future__ import annotations

from collections.abc import Iterable

from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.domain.topology import Topology

MOST_SERVICES = 20  # of one incident that are compared: each is a walk through the topology


def title_of(alert: AlertState) -> str:
    """What an incident is called by one alert."""
    where = alert.service or alert.labels.get("instance", "")
    return f"{alert.kind} ({where})" if where else alert.kind


def title(incident: IncidentState, alerts: Iterable[AlertState], topology: Topology) -> str:
    """The title by its leading alert: of the most severe the one at the service that calls no other one of the incident, of these the first; one that a person gave stays."""
    firing = list(alerts)
    if not firing or incident.titled:
        return incident.title
    worst = min(SEVERITIES.index(each.severity) for each in firing)
    heads = [each for each in firing if SEVERITIES.index(each.severity) == worst]
    services = list(dict.fromkeys(each.service for each in heads if each.service))[:MOST_SERVICES]
    calls = {each: len(topology.downstream(each).keys() & set(services)) for each in services}
    return title_of(
        min(
            heads, key=lambda each: (calls.get(each.service, MOST_SERVICES), each.starts_at, each.fingerprint)
        )
    )
