"""What changes while incidents go on: severities, routes, merges, clocks, ends and acknowledgements."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.alerts.pipeline.rules import CRITICAL, ON_CALL, escalating

from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.testing.alerting import Rehearsing, alert

PAGING = {"matchers": ['severity="critical"'], "receiver": "team", "escalation": "urgent"}


def test_people_are_called_when_what_was_told_as_less_becomes_critical() -> None:
    route = {"receiver": "team", "group_by": ["service"], "routes": [PAGING]}
    rules = Rehearsing(people=ON_CALL, routing={"route": route})
    rules.fire("HighLatency", service="checkout", severity="high")
    rules.wait(60)
    assert rules.states == ["firing"]
    rules.fire("Down", **CRITICAL)
    rules.wait(60)
    assert "escalated" in rules.states


def test_other_routes_after_a_restart_reach_what_fires_already() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    route = {
        "receiver": "team",
        "routes": [{"matchers": ['team="web"'], "receiver": "team"}, {"receiver": "team"}],
    }
    again = Rehearsing(routing={"route": route}, start=rules.now)
    again.pipeline.memory.load(
        rules.pipeline.memory.alerts.values(),
        rules.pipeline.memory.groups.values(),
        rules.pipeline.memory.incidents.values(),
    )
    again.pipeline.parts.correlator.load(again.alerts, again.incidents, {})
    again.pipeline.resume(again.now)
    again.wait(60)
    assert again.states == ["firing"]


def test_what_fires_is_not_merged_into_what_is_over() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.fire("CertificateExpired", service="mail", severity="critical")
    rules.wait(60)
    rules.do("incident.resolve", id="INC-1")
    with pytest.raises(Refused) as refused:
        rules.do("incident.merge", id="INC-1", others=["INC-2"])
    assert refused.value.status == 409


def test_a_merged_incident_hands_its_escalation_on() -> None:
    rules = escalating()
    rules.fire("CertificateExpired", service="mail", severity="info")
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    calling = next(each for each in rules.incidents if each.escalation)
    other = next(each for each in rules.incidents if each.id != calling.id)
    rules.do("incident.merge", id=other.id, others=[calling.id])
    before = rules.states.count("escalated")
    rules.wait(700)
    assert rules.states.count("escalated") > before


def test_an_alert_that_was_over_before_it_was_worked_off_is_not_lost() -> None:
    rules = Rehearsing()
    late = alert("HighLatency", at=rules.now - 600, ends_at=rules.now - 360, labels=CRITICAL)
    rules.take(late)
    rules.wait(200)
    assert rules.alerts
    assert rules.states == ["firing", "resolved"]


def test_an_end_that_is_brought_forward_counts() -> None:
    rules = Rehearsing()
    rules.take(alert("HighLatency", at=rules.now, ends_at=rules.now + 7200, labels=CRITICAL))
    rules.take(alert("HighLatency", at=rules.now, ends_at=rules.now + 300, labels=CRITICAL))
    rules.wait(400)
    assert rules.alerts[0].status == "resolved"


def test_an_alert_that_comes_and_goes_leaves_few_timers() -> None:
    rules = Rehearsing()
    for _ in range(300):
        rules.take(alert("HighLatency", at=rules.now, ends_at=rules.now + 240, labels=CRITICAL))
        rules.wait(15)
        rules.resolve("HighLatency", **CRITICAL)
        rules.wait(15)
    assert len(rules.pipeline.memory._timers) < 20


def test_an_acknowledgement_in_the_sending_system_stops_the_calls() -> None:
    rules = escalating()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.take(replace(alert("HighLatency", at=rules.now, labels=CRITICAL), acknowledged=True))
    rules.wait(3600)
    assert rules.incidents[0].status == "acknowledged"
    assert rules.states == ["firing", "escalated"]


def test_after_the_clock_was_set_back_what_is_new_is_told_in_time() -> None:
    rules = Rehearsing(topology=[("web", "checkout")])
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.now -= 3600
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(700)
    assert rules.states == ["firing", "updated"]


def test_a_person_who_reopens_an_incident_gets_what_follows_in_it() -> None:
    rules = Rehearsing(topology=[("web", "checkout")])
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.do("incident.resolve", id="INC-1")
    rules.do("incident.reopen", id="INC-1")
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(60)
    assert {each.incident_id for each in rules.alerts} == {"INC-1"}
