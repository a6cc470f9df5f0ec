"""Payloads of PagerDuty and Zabbix."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.alerts.intake.bench import AT, event_of_pagerduty, event_of_zabbix, only, read


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
