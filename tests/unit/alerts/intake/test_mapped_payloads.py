"""Documents that a mapping reads, CloudEvents, and anomalies of our own."""

from __future__ import annotations

from tests.unit.alerts.intake.bench import ANOMALY, AT, CLOUD, WEBHOOK_ALERT, only, read

from sre_copilot.alerts.intake.cloudevents import from_headers
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.settings.alerting.intake import Fields


def test_a_generic_document_is_read_by_its_mapping() -> None:
    item = {
        "check": {"name": "ping"},
        "host": {"host name": "db-1"},
        "text": "no answer",
        "state": "gut",
        "level": "ROT",
        "times": [1_795_241_059_000, "2026-11-21T07:00:00Z"],
        "id": 17,
        "link": "https://m.example",
    }
    event = only(read("generic", {"incidents": [item]}))
    assert event.labels == {"alertname": "ping", "host": "db-1", "env": "prod"}
    assert event.annotations == {"summary": "no answer", "all": '{"host name":"db-1"}'}
    assert (event.status, event.severity, event.dedup_key) == ("resolved", "critical", "17")
    assert (event.starts_at, event.ends_at) == (1_795_241_059.0, 1_795_244_400.0)
    assert event.generator_url == "https://m.example"


def test_a_word_that_a_mapping_does_not_know_leaves_an_alert_firing() -> None:
    batch = read("generic", {"incidents": [{"check": {"name": "ping"}, "state": "wat"}, {"state": "gut"}]})
    assert [event.status for event in batch.events] == ["firing"]
    assert [(each.index, each.field) for each in batch.rejected] == [(1, "name")]


def test_an_envelope_gives_what_its_data_does_not_say() -> None:
    event = only(read("cloudevents", {**CLOUD, "subject": "db-1", "time": "2026-11-21T06:04:19Z", "severity": "minor", "data": {"message": "no answer", "labels": {"team": "shop"}}}))  # fmt: skip
    assert event.labels == {
        "alertname": "example.down",
        "source": "/monitor",
        "subject": "db-1",
        "team": "shop",
    }
    assert event.annotations == {"summary": "no answer", "event_id": "1"}
    assert (event.severity, event.starts_at) == ("warning", 1_795_241_059.0)


def test_an_event_in_binary_mode_is_the_structured_one() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/monitor%20a",
        "ce-type": "t",
        "content-type": "application/json",
    }
    event = only(read("cloudevents", from_headers(headers, {"name": "Down", "status": "resolved"})))
    assert (event.name, event.labels["source"], event.status) == ("Down", "/monitor a", "resolved")


def test_a_batch_of_events_keeps_the_good_ones_and_a_webhook_inside_is_read_as_one() -> None:
    batch = read(
        "cloudevents",
        [
            {**CLOUD, "data": {"alerts": [WEBHOOK_ALERT, {"status": "x"}]}},
            {**CLOUD, "specversion": "0.3"},
            {**CLOUD, "id": ""},
            {**CLOUD, "data_base64": "eyJuYW1lIjoiRG93biJ9"},
            {**CLOUD, "data_base64": "###"},
            7,
        ],
    )
    assert [event.name for event in batch.events] == ["SlowDisk", "Down"]
    assert [(each.index, each.field) for each in batch.rejected] == [
        (0, "data.1.status"),
        (1, "specversion"),
        (2, "id"),
        (4, "data_base64"),
        (5, "event"),
    ]


def test_events_of_a_form_of_their_own_are_read_by_a_mapping_that_sees_the_envelope() -> None:
    fields = Fields(name="$.type", labels={"host": "$.data.h"}, severity="$.data.s")
    event = only(read("cloudevents", {**CLOUD, "data": {"h": "db-1", "s": "fatal"}}, fields=fields))
    assert event.labels == {"alertname": "example.down", "host": "db-1"}
    assert event.severity == "critical"


def test_an_anomaly_keeps_its_identity_while_its_score_and_severity_change() -> None:
    first = only(read("anomalies", ANOMALY))
    later = only(read("anomalies", {"items": [{**ANOMALY, "severity": "critical", "score": 0.99}]}))
    assert fingerprint(first.labels) == fingerprint(later.labels)
    assert first.anomaly_id == "a1"
    assert (first.severity, later.severity) == ("high", "critical")
    assert first.annotations["summary_zh"] == "慢"
    assert (first.starts_at, first.ends_at) == (AT - 60, None)


def test_an_anomaly_that_is_over_is_resolved_and_one_of_nothing_is_refused() -> None:
    ended = only(read("anomalies", [{**ANOMALY, "closed_at": "2027-01-15T08:00:10Z"}]))
    assert (ended.status, ended.ends_at) == ("resolved", AT + 10)
    assert [each.field for each in read("anomalies", [{**ANOMALY, "id": ""}, {"id": "x"}]).rejected] == [
        "id",
        "entity, metric",
    ]
