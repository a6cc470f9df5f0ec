"""Alerts as they are handed over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sre_copilot.app.incidents import AFTER_S, BEFORE_S, incident_of, incident_since
from sre_copilot.errors import UsageError
from sre_copilot.perception.alert_files import HandedAlert, entity_of, read_alert

STARTED = "2026-02-06T14:30:22.123Z"
AT = datetime(2026, 2, 6, 14, 30, 22, 123000, tzinfo=UTC).timestamp()


def theirs(**changed: Any) -> dict[str, Any]:
    found = {
        "status": "firing",
        "labels": {"alertname": "SlowCheckout", "service": "checkout", "severity": "page"},
        "annotations": {"summary": "p95 above 1 s", "description": "for five minutes"},
        "startsAt": STARTED,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "c0ffee",
    }
    return {**found, **changed}


def test_a_webhook_of_alertmanager_gives_its_earliest_firing_alert() -> None:
    resolved = theirs(status="resolved", startsAt="2026-02-06T10:00:00Z", endsAt="2026-02-06T10:10:00Z")
    later = theirs(startsAt="2026-02-06T15:00:00Z", labels={"alertname": "Later", "service": "cart"})
    payload = {"version": "4", "groupKey": "{}", "receiver": "us", "alerts": [resolved, later, theirs()]}
    assert read_alert(payload) == HandedAlert(
        title="SlowCheckout", entity="checkout", text="p95 above 1 s for five minutes", at=AT
    )


def test_the_list_of_its_api_is_read_too() -> None:
    listed = [theirs(status={"state": "active", "silencedBy": [], "inhibitedBy": []}, updatedAt=STARTED)]
    assert read_alert(listed).at == AT


def test_an_alert_that_has_ended_says_until_when() -> None:
    alert = read_alert(theirs(status="resolved", endsAt="2026-02-06T14:40:22Z"))
    assert alert.until == datetime(2026, 2, 6, 14, 40, 22, tzinfo=UTC).timestamp()


def test_our_own_document_is_read_strictly() -> None:
    alert = read_alert({"service": "cart", "title": "slow", "at": STARTED})
    assert (alert.entity, alert.title, alert.at) == ("cart", "slow", AT)
    with pytest.raises(UsageError, match="servcie"):
        read_alert({"servcie": "cart", "title": "slow"})


@pytest.mark.parametrize(
    ("labels", "entity"),
    [
        ({"service": "cart", "job": "x"}, "cart"),
        ({"app": "cart", "pod": "other-1"}, "cart"),
        ({"job": "cart", "instance": "10.0.0.1:9100"}, "cart"),
        ({"pod": "cart-7d9f8b6c5-x2x4z"}, "cart"),
        ({"pod": "redis-0"}, "redis"),
        ({"pod": "cart-agent-bqmxt"}, "cart-agent"),
        ({"instance": "node-7:9100"}, "node-7"),
        ({"severity": "page"}, ""),
    ],
)
def test_whom_labels_are_about(labels: dict[str, str], entity: str) -> None:
    assert entity_of(labels) == entity


@pytest.mark.parametrize(
    "payload",
    [{}, [], {"alerts": []}, {"alerts": [{"labels": {}}]}, {"alerts": [{"labels": {"a": 1}}]}, "text", 7],
)
def test_what_is_no_alert_is_refused_with_the_forms_that_are_read(payload: Any) -> None:
    with pytest.raises(UsageError):
        read_alert(payload)


def test_an_error_does_not_repeat_what_was_given() -> None:
    with pytest.raises(UsageError) as error:
        read_alert({"title": "slow", "at": "the-password"})
    assert "at: " in str(error.value)
    assert "the-password" not in str(error.value)


def test_the_incident_begins_a_while_before_the_alert_and_ends_now_or_an_hour_after() -> None:
    fresh = incident_of(HandedAlert(title="slow", entity="cart", at=AT), now=AT + 600)
    assert fresh.window is not None
    assert (fresh.window.start, fresh.window.end) == (int(AT - BEFORE_S), int(AT + 600))
    assert (fresh.onset, fresh.complaint.entity) == (AT, "cart")
    old = incident_of(HandedAlert(title="slow", at=AT), now=AT + 86_400)
    assert old.window is not None
    assert old.window.end == int(AT + AFTER_S)
    with pytest.raises(UsageError, match="has not come"):
        incident_of(HandedAlert(title="slow", at=AT), now=AT - 60)


def test_a_supposed_incident_at_a_service_has_no_onset() -> None:
    found = incident_since("cart", seconds=1800, now=AT)
    assert found.onset is None
    assert found.window is not None
    assert found.window.end - found.window.start == pytest.approx(1800, abs=1)
