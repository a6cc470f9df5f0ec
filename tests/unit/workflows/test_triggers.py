"""What starts workflows, and that nothing starts one twice."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import UsageError
from sre_copilot.testing.workflows import NOW, Bench
from sre_copilot.workflows.triggers import Triggers, due, said_by

TEXT = """
workflow:
  id: watch
  at_once: 100
  inputs: [{name: service, default: none}]
  triggers:
    - type: alert
      cel: trigger.alert.severity == 'critical'
      filters: [{key: service, value: cart}]
      inputs: {service: "{{ trigger.alert.labels.service }}"}
    - {type: incident, events: [resolved]}
    - {type: interval, value: 10m}
    - {type: chat, phrases: ["check {service} now", "检查 {service}"]}
    - {type: webhook, cel: has(trigger.body.host), inputs: {service: "{{ trigger.body.host }}"}}
  steps: [{name: a, provider: {type: set, with: {v: "{{ inputs.service }}"}}}]
  outputs: {v: "{{ steps.a.output.v }}"}
"""


@pytest.fixture
def triggers(bench: Bench) -> Triggers:
    bench.collection.apply(TEXT, who="ann")
    return Triggers(bench.collection, bench.runs, bench.clock)


def alert(**more: Any) -> Event:
    data = {"labels": {"service": "cart"}, "severity": "critical", "status": "firing", **more}
    return Event(id="e1", type=EventType.ALERT_RECEIVED, key="f", at=NOW, data=data)


def runs(bench: Bench) -> list[dict[str, Any]]:
    bench.memory.run_until_idle()
    return list(bench.store.page().rows)


def test_an_alert_that_fits_starts_a_run_once_with_its_inputs(bench: Bench, triggers: Triggers) -> None:
    for _ in range(3):
        triggers.on_event(alert())
    (row,) = runs(bench)
    assert (row["outputs"], row["requested_by"], row["role"]) == ({"v": "cart"}, "sre-copilot", "viewer")
    assert row["trigger"]["alert"]["severity"] == "critical"


@pytest.mark.parametrize(
    "event",
    [
        alert(severity="warning"),
        alert(labels={"service": "pay"}),
        alert(status="resolved"),
        alert(severity=None),
        Event(id="e2", type=EventType.INCIDENT_OPENED, key="i", at=NOW, data={"incident_id": "INC-1"}),
    ],
)
def test_what_does_not_fit_starts_nothing(bench: Bench, triggers: Triggers, event: Event) -> None:
    triggers.on_event(event)
    assert runs(bench) == []


def test_an_incident_starts_a_run_that_belongs_to_it(bench: Bench, triggers: Triggers) -> None:
    triggers.on_event(
        Event(id="e3", type=EventType.INCIDENT_RESOLVED, key="i", at=NOW, data={"incident_id": "INC-1"})
    )
    assert [row["incident_id"] for row in runs(bench)] == ["INC-1"]


def test_an_interval_starts_once_in_each_of_its_times_and_missed_ones_are_not_made_up(
    bench: Bench, triggers: Triggers
) -> None:
    triggers.turn()
    assert runs(bench) == []  # it was applied within this interval
    bench.after(600.0)
    for _ in range(3):
        triggers.turn()
    Triggers(bench.collection, bench.runs, bench.clock).turn()  # another process
    assert len(runs(bench)) == 1
    bench.after(6 * 3600.0)
    triggers.turn()
    assert len(runs(bench)) == 2
    assert due(600, since=NOW, now=NOW + 599) is None or NOW % 600


def test_a_disabled_workflow_is_started_by_nothing_but_a_person(bench: Bench, triggers: Triggers) -> None:
    bench.collection.enable("watch", False)
    triggers.on_event(alert())
    assert runs(bench) == []
    assert bench.runs.start("watch", {}, who="ann", role="viewer").outcome == "started"
    bench.collection.enable("watch", True)
    triggers.on_event(alert())
    assert len(runs(bench)) == 2


def test_a_sentence_names_a_workflow_and_its_inputs(triggers: Triggers) -> None:
    (asked,) = triggers.asked_for("Please  check cart-service now!")
    assert (asked.workflow, asked.inputs, asked.acts) == ("watch", {"service": "cart-service"}, False)
    assert triggers.asked_for("请检查 支付服务。")[0].inputs == {"service": "支付服务"}
    assert triggers.asked_for("what is wrong?") == ()
    assert said_by("check (a+)+$", "check x") is None


def test_another_system_starts_a_run_once_for_each_key(bench: Bench, triggers: Triggers) -> None:
    first = triggers.webhook("watch", {"host": "h1"}, who="ci", key="7")
    again = triggers.webhook("watch", {"host": "h1"}, who="ci", key="7")
    assert first is not None
    assert again is not None
    assert (again.run, again.outcome) == (first.run, "known")
    assert triggers.webhook("watch", {"other": 1}, who="ci") is None
    assert runs(bench)[0]["outputs"] == {"v": "h1"}
    with pytest.raises(UsageError, match="is not there"):
        triggers.webhook("nothing", {}, who="ci")


def test_a_trigger_that_cannot_fill_an_input_holds_up_nothing_else(bench: Bench, triggers: Triggers) -> None:
    bench.collection.apply(
        TEXT.replace("id: watch", "id: aaa").replace("labels.service", "labels.nothing"), who="ann"
    )
    triggers.on_event(alert())
    assert [row["workflow_id"] for row in runs(bench)] == ["watch"]


def test_what_happened_before_a_workflow_was_enabled_or_long_ago_starts_nothing(
    bench: Bench, triggers: Triggers
) -> None:
    before = Event(
        id="old", type=EventType.INCIDENT_RESOLVED, key="i", at=NOW - 1, data={"incident_id": "INC-1"}
    )
    triggers.on_event(before)
    bench.after(2 * 3600.0)
    triggers.on_event(alert())
    assert runs(bench) == []


def test_an_incident_gives_its_first_service_as_examples_and_pages_write_it(bench: Bench) -> None:
    text = TEXT.replace("{type: incident, events: [resolved]}", "{type: incident, inputs: {service: '{{ trigger.incident.service }}'}}")  # fmt: skip
    bench.collection.apply(text, who="ann")
    told = {"incident_id": "INC-1", "services": ["pay", "cart"]}
    opened = Event(id="e2", type=EventType.INCIDENT_OPENED, key="INC-1", at=NOW, data=told)
    Triggers(bench.collection, bench.runs, bench.clock).on_event(opened)
    assert [row["outputs"] for row in runs(bench)] == [{"v": "pay"}]
