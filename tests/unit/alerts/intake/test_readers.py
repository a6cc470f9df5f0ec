"""What holds for every reader, whatever is sent; and what real systems have sent."""

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
from tests.unit.alerts.intake.bench import (
    ANOMALY,
    CLOUD,
    WEBHOOK_ALERT,
    event_of_pagerduty,
    event_of_zabbix,
    only,
    read,
)

from sre_copilot.alerts.intake.reader import Limits, TooMany, Unreadable
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.settings.alerting.intake import PROVIDERS, Provider


def golden(path: str) -> Any:
    folder = os.environ.get("SRE_COPILOT_CONTRACTS")
    if not folder:
        pytest.skip("SRE_COPILOT_CONTRACTS does not name the folder of upstream's golden files")
    return json.loads((Path(folder) / path).read_text(encoding="utf-8"))


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
