"""Severity by the conventions of many systems, and priority by where it is."""

from __future__ import annotations

import pytest

from sre_copilot.alerts.severity import Rating, declared, priority, read_severity
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.alert import AlertEvent


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "critical"),
        ("Disaster", "critical"),
        ("SEV1", "critical"),
        ("page", "critical"),
        ("error", "high"),
        ("average", "warning"),
        ("ticket", "warning"),
        ("Not classified", "low"),
        ("紧急", "critical"),
        ("警告", "warning"),
        ("purple", None),
        ("", None),
    ],
)
def test_a_word_of_any_system_has_one_meaning(word: str, severity: str | None) -> None:
    assert read_severity(word) == severity


def event(given: str | None = None, **labels: str) -> AlertEvent:
    named = {"alertname": "Down", **labels}
    return AlertEvent(labels=named, severity=given, starts_at=0, received_at=0, source="s", provider="p")  # type: ignore[arg-type]


def test_what_the_senders_system_says_is_above_the_labels_and_those_above_the_default() -> None:
    rating = Rating()
    assert rating.severity(event("info", severity="critical"), {}) == "info"
    assert rating.severity(event(priority="P2"), {}) == "high"
    assert rating.severity(event(), {}) == "warning"


def test_a_label_that_says_nothing_gives_way_to_the_next() -> None:
    found = declared({"severity": "purple", "level": "error"}, {})
    assert found is not None
    assert (found.severity, found.name) == ("high", "level")
    assert declared({}, {"priority": "p1"}) is not None
    assert declared({}, {}) is None


def alert(severity: str, **context: int) -> AlertState:
    return AlertState(
        fingerprint="f",
        correlation_key="k",
        labels={"alertname": "Down"},
        annotations={},
        source="s",
        provider="p",
        status="firing",
        severity=severity,  # type: ignore[arg-type]
        starts_at=0,
        ends_at=None,
        updated_at=0,
        first_received_at=0,
        context=dict(context),
    )


def test_an_incident_is_as_severe_as_its_most_severe_alert() -> None:
    assert Rating().incident([alert("info"), alert("high"), alert("warning")]) == ("high", "P2")


def test_priority_rises_in_vital_services_and_with_reach_and_falls_in_the_least() -> None:
    assert priority("critical", tier=3, upstream=0) == "P1"
    assert priority("high", tier=1, upstream=0) == "P1"
    assert priority("warning", tier=3, upstream=5) == "P2"
    assert priority("high", tier=4, upstream=0) == "P3"
    assert priority("low", tier=4, upstream=0) == "P5"


def test_what_is_below_a_warning_never_becomes_urgent() -> None:
    assert priority("info", tier=1, upstream=100) == "P4"


def test_an_incident_without_alerts_has_the_default() -> None:
    assert Rating().incident([]) == ("warning", "P3")
