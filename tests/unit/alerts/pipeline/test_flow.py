"""From alerts to messages."""

from __future__ import annotations

import pytest
from tests.unit.alerts.pipeline.rules import CRITICAL, escalating

from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.testing.alerting import ONE_RECEIVER, Rehearsing, alert


def test_one_alert_is_told_once_when_its_group_has_waited() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    assert rules.states == []
    rules.wait(60)
    assert rules.states == ["firing"]
    message = rules.told[0]
    assert message.key == "INC-1/team/firing/1"
    assert message.content["title"] == "HighLatency (checkout)"
    assert message.content["alerts"][0]["name"] == "HighLatency"


def test_repetitions_of_an_alert_tell_nobody_anything() -> None:
    rules = Rehearsing()
    for _ in range(20):
        rules.fire("HighLatency", **CRITICAL)
        rules.wait(60)
    assert rules.states == ["firing"]
    assert rules.alerts[0].received == 20


def test_what_goes_on_is_told_again_after_the_repeat_interval_unless_somebody_took_it_on() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(4 * 3600 + 400)
    assert rules.states == ["firing", "repeated"]
    rules.do("incident.acknowledge", id="INC-1")
    rules.wait(9 * 3600)
    assert rules.states == ["firing", "repeated"]


def test_the_end_is_told_once_to_whoever_was_told_the_beginning() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.resolve("HighLatency", **CRITICAL)
    rules.wait(3600)
    assert rules.states == ["firing", "resolved"]
    assert rules.incidents[0].status == "resolved"


def test_what_ends_before_anybody_was_told_is_not_told_at_all() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(5)
    rules.resolve("HighLatency", **CRITICAL)
    rules.wait(3600)
    assert rules.states == []


def test_an_alert_that_is_not_told_again_ends_when_its_sender_said() -> None:
    rules = Rehearsing()
    rules.take(alert("HighLatency", at=rules.now, ends_at=rules.now + 300, **CRITICAL))
    rules.wait(200)
    rules.take(alert("HighLatency", at=rules.now, ends_at=rules.now + 300, **CRITICAL))
    rules.wait(200)
    assert rules.alerts[0].status == "firing"
    rules.wait(200)
    assert rules.alerts[0].status == "resolved"
    assert rules.states[-1] == "resolved"


def test_the_end_of_something_that_was_never_seen_is_left_alone() -> None:
    rules = Rehearsing()
    rules.resolve("HighLatency", **CRITICAL)
    assert rules.alerts == []


def test_a_silenced_alert_is_listed_and_tells_nobody_until_the_silence_ends() -> None:
    rules = Rehearsing()
    matcher = {"name": "service", "value": "checkout", "isRegex": False, "isEqual": True}
    rules.do(
        "silence.put", matchers=[matcher], starts_at=rules.now, ends_at=rules.now + 3600, comment="planned"
    )
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(600)
    assert rules.alerts[0].muted
    assert rules.states == []
    rules.wait(3600)
    assert not rules.alerts[0].muted
    assert rules.states == ["firing"]


def test_maintenance_restores_what_it_muted_when_it_ends() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    matcher = {"name": "service", "value": "checkout", "isRegex": False, "isEqual": True}
    window = rules.do(
        "maintenance.put",
        matchers=[matcher],
        starts_at=rules.now,
        ends_at=rules.now + 7200,
        reason="new disks",
    )
    assert rules.alerts[0].maintained_by == [window["id"]]
    rules.do("maintenance.end", id=window["id"])
    assert rules.alerts[0].maintained_by == []
    assert rules.states == ["firing"]


def test_an_alert_that_fires_mutes_those_that_it_inhibits_at_once_and_lets_go_of_them() -> None:
    rule = {
        "source_matchers": ["alertname=NodeDown"],
        "target_matchers": ["severity=warning"],
        "equal": ["node"],
    }
    rules = Rehearsing(routing={**ONE_RECEIVER["routing"], "inhibit_rules": [rule]})
    rules.fire("DiskSlow", node="n1", severity="warning")
    rules.fire("NodeDown", node="n1", severity="critical")
    slow = next(each for each in rules.alerts if each.name == "DiskSlow")
    assert slow.inhibited_by
    assert slow.decisions["inhibit"]["outcome"] == "muted"
    rules.resolve("NodeDown", node="n1", severity="critical")
    assert not slow.inhibited_by


def test_alerts_of_a_caller_join_the_incident_of_what_it_calls() -> None:
    rules = Rehearsing(topology=[("web", "checkout"), ("checkout", "database")])
    rules.fire("DatabaseDown", service="database", severity="critical")
    rules.wait(2)
    rules.fire("HighLatency", service="checkout", severity="critical")
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(120)
    assert len({each.incident_id for each in rules.alerts}) == 1
    assert rules.states.count("firing") == 1


def test_another_kind_of_alert_in_an_incident_is_told_as_an_update_at_the_next_interval() -> None:
    rules = Rehearsing(topology=[("web", "checkout")])
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(120)
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(600)
    assert rules.states == ["firing", "updated"]


def test_an_incident_that_comes_back_within_an_hour_is_the_same_one() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.resolve("HighLatency", **CRITICAL)
    rules.wait(600)
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(600)
    assert [each.id for each in rules.incidents] == ["INC-1"]
    assert rules.states == ["firing", "resolved", "firing"]
    assert [each.key for each in rules.told][-1] == "INC-1/team/firing/3"


def test_no_key_is_ever_told_twice() -> None:
    rules = Rehearsing()
    for _ in range(6):
        rules.fire("HighLatency", **CRITICAL)
        rules.wait(400)
        rules.resolve("HighLatency", **CRITICAL)
        rules.wait(400)
    keys = [each.key for each in rules.told]
    assert len(keys) == len(set(keys)) > 6


def test_merging_moves_alerts_and_closes_the_other_incident_for_whoever_was_told() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.fire("CertificateExpired", service="mail", severity="critical")
    rules.wait(60)
    assert len(rules.incidents) == 2
    rules.do("incident.merge", id="INC-1", others=["INC-2"])
    merged = rules.pipeline.memory.incidents["INC-2"]
    assert (merged.status, merged.merged_into) == ("merged", "INC-1")
    assert {each.incident_id for each in rules.alerts} == {"INC-1"}
    rules.resolve("HighLatency", **CRITICAL)
    rules.wait(100)
    assert rules.pipeline.memory.incidents["INC-1"].status == "firing"
    rules.resolve("CertificateExpired", service="mail", severity="critical")
    rules.wait(100)
    assert rules.pipeline.memory.incidents["INC-1"].status == "resolved"
    ends = [each for each in rules.told if each.state == "resolved"]
    assert [each.group for each in ends] == ["INC-2", "INC-1"]
    assert ends[0].content["summary"][0]["key"] == "incident.goes_on_in"


def test_splitting_gives_alerts_an_incident_of_their_own_that_is_told() -> None:
    rules = Rehearsing(topology=[("web", "checkout")])
    rules.fire("HighLatency", **CRITICAL)
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(60)
    errors = next(each for each in rules.alerts if each.name == "ErrorRate")
    fresh = rules.do("incident.split", id=errors.incident_id, fingerprints=[errors.fingerprint])
    rules.wait(400)
    assert errors.incident_id == fresh["id"] != "INC-1"
    assert rules.pipeline.memory.incidents["INC-1"].names == ["HighLatency"]
    assert [each.group for each in rules.told if each.state == "firing"] == ["INC-1", fresh["id"]]


def test_a_snoozed_incident_is_quiet_and_then_told_again() -> None:
    rules = Rehearsing(topology=[("web", "checkout")])
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.do("incident.snooze", id="INC-1", until=rules.now + 3600)
    rules.fire("ErrorRate", service="web", severity="critical")
    rules.wait(3000)
    assert rules.states == ["firing"]
    rules.wait(1200)
    assert rules.states == ["firing", "updated"]


def test_a_changed_revision_refuses_a_command_that_was_made_for_another_one() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    revision = rules.incidents[0].revision
    rules.do("incident.assign", id="INC-1", assignee="bob", revision=revision)
    with pytest.raises(Refused) as refused:
        rules.do("incident.resolve", id="INC-1", revision=revision)
    assert refused.value.status == 412


@pytest.mark.parametrize(
    ("verb", "arguments", "status", "field"),
    [
        ("incident.acknowledge", {"id": "INC-9"}, 404, "id"),
        ("incident.snooze", {"id": "INC-1", "until": 1.0}, 422, "until"),
        ("incident.merge", {"id": "INC-1", "others": ["INC-1"]}, 422, "others"),
        ("incident.merge", {"id": "INC-1", "others": []}, 422, "others"),
        ("incident.split", {"id": "INC-1", "fingerprints": ["none"]}, 422, "fingerprints"),
        ("incident.comment", {"id": "INC-1", "text": " "}, 422, "text"),
        ("incident.severity", {"id": "INC-1", "severity": "terrible"}, 422, "severity"),
        ("silence.put", {"matchers": [], "starts_at": 0.0, "ends_at": 1.0}, 422, "matchers"),
        ("silence.expire", {"id": "nope"}, 404, "id"),
        ("maintenance.end", {"id": "nope"}, 404, "id"),
        ("incident.explode", {"id": "INC-1"}, 422, "verb"),
        ("alert.acknowledge", {"fingerprint": "nope"}, 404, "fingerprint"),
    ],
)
def test_a_refused_command_names_the_field_and_changes_nothing(
    verb: str, arguments: dict[str, object], status: int, field: str
) -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    before = rules.incidents[0].revision
    with pytest.raises(Refused) as refused:
        rules.do(verb, **arguments)
    assert (refused.value.status, refused.value.field) == (status, field)
    assert rules.incidents[0].revision == before


def test_a_diagnosis_is_told_to_whoever_was_told_of_the_incident() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.do(
        "incident.diagnosis",
        incident_id="INC-1",
        outcome="fault",
        cause="database",
        confidence=0.93,
        investigation_id="I-1",
    )
    assert rules.states == ["firing", "updated"]
    assert rules.told[-1].content["cause"] == "database"
    assert "diagnosis_fault" in rules.timeline


def test_a_diagnosis_that_names_nobody_wakes_nobody() -> None:
    rules = Rehearsing()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.do("incident.diagnosis", incident_id="INC-1", outcome="inconclusive", investigation_id="I-1")
    assert rules.states == ["firing"]
    assert "diagnosis_inconclusive" in rules.timeline


def test_people_are_called_step_by_step_until_somebody_takes_it_on() -> None:
    rules = escalating()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    assert rules.states == ["firing", "escalated"]
    assert [person["id"] for person in rules.told[1].people] == ["ann"]
    rules.wait(700)
    assert [person["id"] for person in rules.told[2].people] == ["ben"]


def test_an_acknowledgement_stops_the_calls() -> None:
    rules = escalating()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    rules.do("incident.acknowledge", id="INC-1")
    rules.wait(3600)
    assert rules.states == ["firing", "escalated"]


def test_nobody_is_called_while_everything_is_muted() -> None:
    rules = escalating()
    rules.fire("HighLatency", **CRITICAL)
    rules.wait(60)
    matcher = {"name": "service", "value": "checkout", "isRegex": False, "isEqual": True}
    rules.do(
        "silence.put", matchers=[matcher], starts_at=rules.now, ends_at=rules.now + 3000, comment="known"
    )
    rules.wait(2900)
    assert rules.states == ["firing", "escalated"]
    rules.wait(300)
    assert rules.states[-1] == "escalated"
    assert [person["id"] for person in rules.told[-1].people] == ["ben"]


def test_what_ended_by_itself_before_its_group_had_waited_is_told_once() -> None:
    rules = Rehearsing()
    rules.take(alert("LoginFromAbroad", at=rules.now, ends_at=rules.now + 15, **CRITICAL))
    rules.wait(300)
    assert rules.states == ["firing", "resolved"]
    assert rules.incidents[0].status == "resolved"


def test_an_alert_that_became_routine_does_not_open_its_old_incident_again() -> None:
    rules = Rehearsing()
    for _ in range(60):
        rules.fire("BackupSlow", service="backup", severity="info")
        rules.wait(200)
        rules.resolve("BackupSlow", service="backup", severity="info")
        rules.wait(400)
    assert rules.states.count("firing") <= 3
    assert rules.alerts[0].decisions["correlate"]["outcome"] == "routine"
