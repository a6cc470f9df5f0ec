"""Each payload as its system writes it, and what becomes of one that is not so."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sre_copilot.alerts.intake.cloudevents import from_headers
from sre_copilot.alerts.intake.reader import IntakeConfig, Limits, TooMany, Unreadable
from sre_copilot.alerts.intake.readers import READERS
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.domain.alert import AlertEvent, Batch
from sre_copilot.settings.alerting.intake import PROVIDERS, Fields, Provider

AT = 1_800_000_000.0
FIELDS = Fields.model_validate(
    {
        "items": "$.incidents",
        "name": "$.check.name",
        "labels": {"host": "$.host['host name']", "env": "prod", "nothing": "$.no.where"},
        "annotations": {"summary": "$.text", "all": "$.host"},
        "status": "$.state",
        "resolved": ["gut"],
        "severity": "$.level",
        "severities": {"rot": "critical"},
        "starts_at": "$.times[0]",
        "ends_at": "$.times[-1]",
        "dedup_key": "$.id",
        "url": "$.link",
    }
)
WEBHOOK_ALERT = {
    "status": "firing",
    "labels": {"alertname": "SlowDisk", "host": "db-1", "severity": "critical"},
    "annotations": {"summary": "the disk is slow", "runbook_url": "https://wiki.example/disk"},
    "startsAt": "2026-11-21T06:04:19.119Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus.example/graph",
    "fingerprint": "0000000000000000",
}


def read(provider: Provider, body: Any, **chosen: Any) -> Batch:
    fields = FIELDS if provider == "generic" else None
    intake = IntakeConfig(name="way", provider=provider, **{"fields": fields, **chosen})
    return READERS[provider](body, intake=intake, received_at=AT)


def only(batch: Batch) -> AlertEvent:
    assert batch.rejected == ()
    (event,) = batch.events
    return event


def golden(path: str) -> Any:
    folder = os.environ.get("SRE_COPILOT_CONTRACTS")
    if not folder:
        pytest.skip("SRE_COPILOT_CONTRACTS does not name the folder of upstream's golden files")
    return json.loads((Path(folder) / path).read_text(encoding="utf-8"))


def event_of_pagerduty(**changed: Any) -> dict[str, Any]:
    payload = {"summary": "disk almost full", "source": "db-1", "severity": "error", **changed.pop("payload", {})}  # fmt: skip
    return {"routing_key": "R" * 32, "event_action": "trigger", "payload": payload, **changed}


def event_of_zabbix(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": "42",
        "trigger_id": "7",
        "event_source": "0",
        "event_value": "1",
        "event_nseverity": "3",
        "event_name": "Load is high",
        "host_name": "db-1",
        "host_ip": "192.0.2.7",
        "event_tags": "service:shop, scope:capacity",
        "alert_message": "load 9",
        "zabbix_url": "https://zabbix.example/",
        "event_update_message": "{EVENT.UPDATE.MESSAGE}",
        **changed,
    }


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


def test_a_trigger_of_pagerduty_has_its_own_key_and_its_details() -> None:
    body = event_of_pagerduty(
        dedup_key="db-1/disk",
        client_url="https://monitor.example",
        client="monitor",
        payload={
            "component": "database",
            "class": "disk",
            "custom_details": {"free": 0.03, "mounts": ["/var"]},
            "timestamp": "2026-11-21T06:04:19.119+0000",
        },
        links=[{"href": "https://wiki.example", "text": "Runbook"}],
        images=[{"src": "https://monitor.example/i.png"}],
    )
    event = only(read("pagerduty", body))
    assert (event.name, event.severity, event.dedup_key) == ("disk", "high", "db-1/disk")
    assert event.labels["service"] == "database"
    assert event.labels["source"] == "db-1"
    assert event.annotations == {
        "free": "0.03",
        "mounts": '["/var"]',
        "client": "monitor",
        "summary": "disk almost full",
    }
    assert event.links == (("https://wiki.example", "Runbook"), ("https://monitor.example/i.png", "image"))
    assert event.generator_url == "https://monitor.example"


def test_acknowledge_and_resolve_of_pagerduty_name_the_trigger_by_its_key() -> None:
    common = {"routing_key": "r", "dedup_key": "k"}
    taken = only(read("pagerduty", {**common, "event_action": "acknowledge"}))
    ended = only(read("pagerduty", {**common, "event_action": "resolve"}))
    assert (taken.status, taken.acknowledged, taken.dedup_key) == ("firing", True, "k")
    assert (ended.status, ended.acknowledged, ended.ends_at) == ("resolved", False, AT)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (event_of_pagerduty(payload={"severity": "high"}), "payload.severity"),
        (event_of_pagerduty(payload={"summary": " "}), "payload.summary"),
        (event_of_pagerduty(payload={"source": 5}), "payload.source"),
        (event_of_pagerduty(event_action="close"), "event_action"),
        (event_of_pagerduty(event_action=["trigger"]), "event_action"),
        (event_of_pagerduty(routing_key=""), "routing_key"),
        (event_of_pagerduty(dedup_key="k" * 256), "dedup_key"),
        (event_of_pagerduty(images=[{"href": "https://x"}]), "images.0.src"),
        (event_of_pagerduty(links={"href": "https://x"}), "links"),
        (event_of_pagerduty(payload={"timestamp": "noon"}), "payload.timestamp"),
        ({"routing_key": "r", "event_action": "resolve"}, "dedup_key"),
        ({"routing_key": "r", "event_action": "trigger"}, "payload"),
    ],
)
def test_an_event_that_pagerduty_refuses_is_refused(body: dict[str, Any], field: str) -> None:
    batch = read("pagerduty", body)
    assert batch.events == ()
    assert batch.rejected[0].field == field


def test_a_problem_of_zabbix_is_known_by_its_trigger() -> None:
    event = only(read("zabbix", event_of_zabbix(event_timestamp="1795241059")))
    assert event.labels == {
        "alertname": "Load is high",
        "host": "db-1",
        "trigger_id": "7",
        "service": "shop",
        "scope": "capacity",
    }
    assert (event.severity, event.dedup_key, event.starts_at) == ("warning", "7", 1_795_241_059.0)
    assert event.annotations == {
        "summary": "Load is high",
        "description": "load 9",
        "host_ip": "192.0.2.7",
        "event_id": "42",
    }
    assert event.generator_url == "https://zabbix.example/tr_events.php?triggerid=7&eventid=42"


def test_parameters_of_zabbix_are_read_however_a_media_type_writes_their_names() -> None:
    written = {
        "EventID": "42",
        "TRIGGER.ID": "7",
        "eventvalue": "0",
        "EventNSeverity": "5",
        "EVENT.NAME": "Load is high",
        "HOST.NAME": "db-1",
        "Event-Tags": "*UNKNOWN*",
        "event_date": "2026.11.21",
        "event_time": "06:04:19",
        "time_zone": "+00:00",
    }
    event = only(read("zabbix", written))
    assert (event.status, event.severity, event.dedup_key) == ("resolved", "critical", "7")
    assert event.labels == {"alertname": "Load is high", "host": "db-1", "trigger_id": "7"}
    assert (event.starts_at, event.ends_at) == (1_795_241_059.0, AT)


def test_tags_of_zabbix_may_be_json_and_acknowledgement_is_seen() -> None:
    tags = '[{"tag":"service","value":"pay: eu"},{"tag":"","value":"x"},5]'
    event = only(read("zabbix", event_of_zabbix(event_tags_json=tags, event_ack_status="Yes")))
    assert event.labels["service"] == "pay: eu"
    assert event.acknowledged


def test_what_says_nothing_of_a_problem_of_zabbix_is_refused() -> None:
    wrong = [
        event_of_zabbix(event_value="{EVENT.VALUE}"),
        event_of_zabbix(event_source="3"),
        event_of_zabbix(event_name=""),
        event_of_zabbix(event_tags_json="{"),
        event_of_zabbix(event_tags_json="5"),
        event_of_zabbix(event_date="2026.99.21", event_time="06:04:19", time_zone="+00:00"),
    ]
    fields = [each.field for each in read("zabbix", wrong).rejected]
    assert fields == [
        "event_value",
        "event_source",
        "event_name",
        "event_tags_json",
        "event_tags_json",
        "event_date",
    ]


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


CLOUD = {"specversion": "1.0", "id": "1", "source": "/monitor", "type": "example.down"}


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


ANOMALY = {
    "id": "a1",
    "entity": "shop",
    "metric": "latency_seconds",
    "instance": "shop-1",
    "modality": "metrics",
    "severity": "high",
    "score": 0.9,
    "current": 2.0,
    "expected": 0.5,
    "deviation": 9.0,
    "since": AT - 60,
    "closed_at": None,
    "finding": {"sentences": {"en": "slow", "zh": "慢"}},
}


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


SAMPLES: dict[str, Any] = {
    "alertmanager": {"alerts": [WEBHOOK_ALERT]},
    "alertmanager_api": [WEBHOOK_ALERT],
    "grafana": {"alerts": [WEBHOOK_ALERT]},
    "pagerduty": event_of_pagerduty(),
    "zabbix": event_of_zabbix(),
    "cloudevents": CLOUD,
    "generic": {"incidents": [{"check": {"name": "ping"}}]},
    "anomalies": ANOMALY,
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["alerts", "labels", "data", "payload", "items", "startsAt", "status", "id"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(body=JSON)
def test_whatever_is_sent_is_read_or_refused(provider: Provider, body: Any) -> None:
    with suppress(Unreadable):
        batch = read(provider, body)
        assert all(event.labels["alertname"] and all(event.labels.values()) for event in batch.events)
        assert all(each.problem and each.field for each in batch.rejected)


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_field_with_anything_in_it_harms_nothing_but_its_own_item(
    provider: Provider, data: st.DataObject
) -> None:
    sample = orjson.loads(orjson.dumps(SAMPLES[provider]))
    holder = sample
    while True:
        if isinstance(holder, list):
            holder = holder[0]
        if not isinstance(holder, dict):
            return
        key = data.draw(st.sampled_from(sorted(holder)))
        if isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans()):
            holder = holder[key]
            continue
        holder[key] = data.draw(JSON)
        break
    with suppress(Unreadable):
        batch = read(provider, sample)
        assert all(each.problem and each.field for each in batch.rejected)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_whole_body_that_is_no_such_payload_is_refused(provider: Provider) -> None:
    with pytest.raises(Unreadable):
        read(provider, "text")


@pytest.mark.parametrize("provider", ["alertmanager", "alertmanager_api", "zabbix", "cloudevents", "generic"])
def test_more_alerts_than_one_message_may_hold_are_refused_at_once(provider: Provider) -> None:
    sample = SAMPLES[provider]
    key = next((key for key in ("alerts", "incidents") if isinstance(sample, dict) and key in sample), None)
    items = sample[key] * 6 if key else [sample[0] if isinstance(sample, list) else sample] * 6
    with pytest.raises(TooMany):
        read(provider, {key: items} if key else items, limits=Limits(items=5))


def test_a_thousand_alerts_are_read_in_a_fraction_of_what_their_sender_took() -> None:
    items = [
        {**WEBHOOK_ALERT, "labels": {**WEBHOOK_ALERT["labels"], "instance": str(i)}}  # type: ignore[dict-item]
        for i in range(1000)
    ]
    best = min(_seconds(items) for _ in range(5))
    assert best < 0.15  # ten times what it takes on a quiet machine: this catches a slow path, not a slow day


def _seconds(items: list[dict[str, Any]]) -> float:
    began = time.perf_counter()
    assert len(read("alertmanager_api", items).events) == 1000
    return time.perf_counter() - began


def test_the_webhook_of_a_real_alertmanager_is_read_with_its_own_fingerprint() -> None:
    for name, status in (("firing", "firing"), ("resolved", "resolved")):
        body = golden(f"alertmanager/webhook/{name}.json")
        event = only(read("alertmanager", body))
        assert event.status == status
        assert fingerprint(event.labels) == body["alerts"][0]["fingerprint"]


def test_the_webhooks_of_grafana_are_read_whole() -> None:
    for name, statuses in (
        ("firing", ["firing"]),
        ("resolved", ["resolved"]),
        ("mixed_truncated", ["firing", "resolved"]),
    ):
        batch = read("grafana", golden(f"grafana/webhook_{name}.json"))
        assert batch.rejected == ()
        assert [event.status for event in batch.events] == statuses
        assert all(event.ends_at is None or event.ends_at >= event.starts_at for event in batch.events)


def test_the_requests_of_pagerduty_are_read_and_its_bad_ones_refused() -> None:
    for name in ("trigger", "trigger_minimal", "acknowledge", "resolve"):
        only(read("pagerduty", golden(f"pagerduty/request_{name}.json")))
    for case in golden("pagerduty/rules.json")["must_be_refused"]:
        assert read("pagerduty", case["body"]).rejected, case["case"]
