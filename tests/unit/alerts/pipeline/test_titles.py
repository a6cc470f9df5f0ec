"""Incidents are called by the alert that says most of their cause."""

from __future__ import annotations

from sre_copilot.domain.alert import AlertEvent
from sre_copilot.testing.alerting import Rehearsing

CALLS = (("web", "cart"), ("cart", "redis"), ("web", "search"))


def anomaly(room: Rehearsing, service: str, metric: str, severity: str = "high") -> AlertEvent:
    return AlertEvent(
        labels={"alertname": "Anomaly", "service": service, "metric": metric},
        status="firing",
        severity=severity,  # type: ignore[arg-type]
        starts_at=room.now,
        received_at=room.now,
        source="watch",
        provider="anomaly",
        anomaly_id=f"A-{service}-{metric}",
    )


def only(room: Rehearsing) -> str:
    (incident,) = room.pipeline.memory.incidents.values()
    return incident.title


def test_the_most_severe_alert_at_the_deepest_service_names_it() -> None:
    room = Rehearsing(topology=CALLS)
    room.fire("Slow", service="web", severity="warning")
    assert only(room) == "Slow (web)"
    room.fire("Errors", service="web", severity="critical")
    room.fire("Down", service="redis", severity="critical")
    room.wait(15)
    assert only(room) == "Down (redis)"


def test_an_anomaly_is_called_with_its_metric_and_is_of_one_kind_with_it() -> None:
    room = Rehearsing()
    room.take(anomaly(room, "web", "queue_length"))
    room.wait(15)
    assert only(room) == "Anomaly: queue_length (web)"
    room.take(anomaly(room, "stock", "temperature"))
    room.take(anomaly(room, "orders", "queue_length"))
    found = {each.service: each.incident_id for each in room.pipeline.memory.alerts.values()}
    assert found["stock"] != found["web"], "another metric elsewhere has nothing to do with it"
    assert found["orders"] == found["web"], "the same metric at the same time may have"


def test_a_title_that_a_person_gave_stays() -> None:
    room = Rehearsing(topology=CALLS, correlation={"settle_seconds": 20})
    room.fire("Slow", service="web", severity="critical")
    (incident,) = room.pipeline.memory.incidents.values()
    room.do("incident.title", id=incident.id, title="the sale")
    room.fire("Down", service="redis", severity="critical")
    room.wait(30)
    assert incident.woken
    assert only(room) == "the sale"
