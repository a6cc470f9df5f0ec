"""Payloads of Alertmanager, Prometheus and Grafana."""

from __future__ import annotations

import pytest
from tests.unit.alerts.intake.bench import AT, WEBHOOK_ALERT, only, read


def test_a_firing_alert_of_the_webhook_has_no_end() -> None:
    event = only(read("alertmanager", {"version": "4", "alerts": [WEBHOOK_ALERT]}))
    assert (event.name, event.status, event.severity) == ("SlowDisk", "firing", "critical")
    assert event.ends_at is None
    assert event.starts_at == pytest.approx(1_795_241_059.119)
    assert event.generator_url == "http://prometheus.example/graph"
    assert event.links == (("https://wiki.example/disk", "runbook"),)
    assert (event.source, event.provider, event.received_at, event.dedup_key) == (
        "way",
        "alertmanager",
        AT,
        "",
    )


def test_a_resolved_alert_ends_when_it_says_and_never_before_it_began() -> None:
    resolved = {**WEBHOOK_ALERT, "status": "resolved"}
    early = {**resolved, "endsAt": "2026-11-21T06:00:00Z"}
    late = {**resolved, "endsAt": "2026-11-21T06:10:00Z"}
    events = read("alertmanager", {"alerts": [resolved, early, late]}).events
    assert [event.ends_at for event in events] == [AT, events[1].starts_at, 1_795_241_400.0]


def test_a_malformed_item_is_told_by_its_place_and_its_neighbours_are_kept() -> None:
    wrong = [
        {**WEBHOOK_ALERT, "status": "burning"},
        {**WEBHOOK_ALERT, "labels": {"a": 1}},
        {**WEBHOOK_ALERT, "startsAt": "noon"},
        {**WEBHOOK_ALERT, "annotations": []},
        "text",
        None,
    ]
    batch = read("alertmanager", {"alerts": [WEBHOOK_ALERT, *wrong, WEBHOOK_ALERT]})
    assert len(batch.events) == 2
    assert [(each.index, each.field) for each in batch.rejected] == [
        (1, "status"),
        (2, "labels.a"),
        (3, "startsAt"),
        (4, "annotations"),
        (5, "alert"),
        (6, "alert"),
    ]


def test_a_notification_for_grafana_adds_links_values_and_the_organisation() -> None:
    body = {
        "orgId": 3,
        "alerts": [
            {
                **WEBHOOK_ALERT,
                "dashboardURL": "https://g.example/d",
                "imageURL": "",
                "valueString": "[ B=1 ]",
                "values": {"B": 1},
            }
        ],
    }
    event = only(read("grafana", body))
    assert event.annotations["value_string"] == "[ B=1 ]"
    assert event.annotations["values"] == '{"B":1}'
    assert event.annotations["org_id"] == "3"
    assert event.links == (("https://wiki.example/disk", "runbook"), ("https://g.example/d", "dashboard"))


def test_posted_alerts_get_the_times_that_alertmanager_gives_them() -> None:
    labels = {"alertname": "X"}
    events = read(
        "alertmanager_api",
        [
            {"labels": labels},
            {"labels": labels, "startsAt": "2026-11-21T06:04:19Z"},
            {"labels": labels, "startsAt": "2026-11-21T06:04:19Z", "endsAt": "2026-11-21T07:00:00Z"},
            {"labels": labels, "endsAt": "2026-11-21T07:00:00Z"},
        ],
    ).events
    assert [event.status for event in events] == ["firing", "firing", "resolved", "resolved"]
    assert [event.ends_at for event in events] == [AT + 300, AT + 300, 1_795_244_400.0, 1_795_244_400.0]
    assert events[0].starts_at == AT
    assert events[3].starts_at == events[3].ends_at


def test_an_alert_that_ends_before_it_begins_is_refused() -> None:
    wrong = {
        "labels": {"alertname": "X"},
        "startsAt": "2030-01-01T00:00:00Z",
        "endsAt": "2020-01-01T00:00:00Z",
    }
    (rejected,) = read("alertmanager_api", [wrong]).rejected
    assert (rejected.index, rejected.field) == (0, "endsAt")
