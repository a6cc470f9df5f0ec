"""Payloads and how they are read."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig
from sre_copilot.alerts.intake.readers import READERS
from sre_copilot.domain.alert import AlertEvent, Batch
from sre_copilot.settings.alerting.intake import Fields, Provider

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


CLOUD = {"specversion": "1.0", "id": "1", "source": "/monitor", "type": "example.down"}


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
