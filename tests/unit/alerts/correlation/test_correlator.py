"""Which alerts are one incident, and which incidents wake somebody."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.correlation.placement import Placement
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.severity import declared
from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation, Rule

START = 1_700_000_000.0
SHOP = Topology.of(
    [
        ("web", "cart"),
        ("web", "search"),
        ("cart", "payment"),
        ("payment", "bank"),
        ("search", "index"),
        ("mobile", "cart"),
    ]
)


class Room:
    """A correlator with what surrounds it, at a clock that is told."""

    def __init__(self, settings: Correlation | None = None, topology: Topology = SHOP) -> None:
        self.settings = settings or Correlation()
        numbers = count(1)
        self.correlator = Correlator(self.settings, topology, new_id=lambda: f"INC-{next(numbers)}")
        self.enricher = Enricher.of(self.settings, topology)
        self.alerts: dict[str, AlertState] = {}

    def alert(self, name: str, at: float, *, lasts: float | None = None, **labels: str) -> AlertState:
        named = {"alertname": name, **labels}
        found = declared(named, {})
        alert = AlertState(
            fingerprint=fingerprint(named),
            correlation_key=name,
            labels=named,
            annotations={},
            source="test",
            provider="test",
            status="firing",
            severity=found.severity if found else "warning",
            starts_at=START + at,
            ends_at=None if lasts is None else START + at + lasts,
            updated_at=START + at,
            first_received_at=START + at,
            changed_at=START + at,
        )
        alert.context = self.enricher.context(alert, now=START + at)
        self.alerts[alert.fingerprint] = alert
        return alert

    def fire(self, name: str, at: float, **more: Any) -> Placement:
        alert = self.alert(name, at, **more)
        return self.keep(self.correlator.take(alert, now=START + at))

    def settle(self, at: float) -> list[Placement]:
        return [self.keep(each) for each in self.correlator.settle(START + at)]

    def keep(self, placement: Placement) -> Placement:
        self.alerts[placement.fingerprint].incident_id = placement.incident_id
        return placement

    def incident_of(self, service: str) -> set[str]:
        return {each.incident_id for each in self.alerts.values() if each.service == service}


def opened_by(placement: Placement) -> IncidentState:
    """The incident that one alert opened, as it is kept."""
    return IncidentState(
        id=placement.incident_id,
        number=1,
        title="",
        status="firing",
        severity="critical",
        priority="P1",
        started_at=START,
        opened_at=START,
        updated_at=START,
        fingerprints=[placement.fingerprint],
    )


def keys(placement: Placement) -> set[str]:
    return {each.message.key.removeprefix("correlation.") for each in placement.reasons}


def test_a_critical_alert_wakes_somebody_after_the_first_wait_and_not_before() -> None:
    room = Room()
    first = room.fire("Down", 0, service="bank", severity="critical")
    assert first.new
    assert not first.wakes
    assert room.settle(5) == []
    (told,) = room.settle(10)
    assert told.wakes
    assert told.worth >= 0.9
    assert "wakes" in keys(told)


def test_a_caller_of_what_fails_belongs_to_the_same_incident_as_its_victim() -> None:
    room = Room()
    cause = room.fire("Down", 0, service="bank", severity="critical")
    victim = room.fire("Slow", 5, service="cart", severity="warning")
    assert victim.incident_id == cause.incident_id
    assert "depends_on" in keys(victim)


def test_a_cause_that_fires_after_its_victim_joins_it_and_becomes_the_root() -> None:
    room = Room()
    victim = room.fire("Slow", 0, service="web", severity="warning")
    cause = room.fire("Down", 5, service="payment", severity="critical")
    assert cause.incident_id == victim.incident_id
    assert "serves" in keys(cause)
    other = room.fire("Down", 6, service="index", severity="critical")
    assert other.incident_id != cause.incident_id


def test_two_faults_with_a_caller_in_common_stay_two_incidents() -> None:
    room = Room()
    one = room.fire("Down", 0, service="payment", severity="critical")
    two = room.fire("Down", 1, service="index", severity="critical")
    shared = room.fire("Slow", 2, service="web", severity="warning")
    assert one.incident_id != two.incident_id
    assert shared.incident_id in {one.incident_id, two.incident_id}  # as near to the one as to the other
    assert {each.incident_id for each in room.settle(12) if each.wakes} == {one.incident_id, two.incident_id}


def test_victims_that_fired_apart_are_put_together_when_their_cause_shows() -> None:
    room = Room()
    first = room.fire("Slow", 0, service="web", severity="warning")
    second = room.fire("Errors", 1, service="mobile", severity="warning")
    assert first.incident_id != second.incident_id
    room.fire("Down", 4, service="cart", severity="critical")
    room.settle(15)
    assert len(room.incident_of("web") | room.incident_of("mobile") | room.incident_of("cart")) == 1


def test_the_same_kind_at_hosts_that_no_topology_knows_is_one_matter() -> None:
    room = Room()
    one = room.fire("DiskFull", 0, host="node-1", severity="warning")
    assert room.fire("DiskFull", 20, host="node-2", severity="warning").incident_id == one.incident_id


def test_alerts_that_are_far_apart_in_time_are_two_matters_once_the_first_is_over() -> None:
    room = Room()
    one = room.fire("DiskFull", 0, host="node-1", severity="warning")
    room.correlator.resolved(room.alerts[one.fingerprint], START + 30)
    assert room.fire("DiskFull", 1000, host="node-2", severity="warning").incident_id != one.incident_id


def test_an_event_with_an_end_of_its_own_reaches_only_as_far_as_it_lasts() -> None:
    room = Room()
    one = room.fire("Scan", 0, host="node-1", lasts=5)
    assert room.fire("Probe", 4, host="node-1", lasts=5).incident_id == one.incident_id
    assert room.fire("Shell", 20, host="node-1", lasts=5).incident_id != one.incident_id


def test_a_shared_change_joins_services_without_a_way_of_calls() -> None:
    room = Room()
    room.enricher = Enricher(SHOP, changes=lambda service, start, end: ["deploy-7"])
    one = room.fire("Down", 0, service="payment", severity="critical")
    two = room.fire("Errors", 30, service="index", severity="high")
    assert two.incident_id == one.incident_id
    assert "same_change" in keys(two)


def test_what_fires_all_the_time_becomes_routine_and_belongs_to_no_incident() -> None:
    room = Room(Correlation(learning_hours=0))
    for hour in range(80):
        last = room.fire("Login", hour * 600.0, host="mail", lasts=5)
        room.correlator.close(last.incident_id)
    assert last.incident_id == ""
    assert keys(last) >= {"routine", "known"}
    assert not last.wakes


def test_routine_with_a_high_severity_still_wakes() -> None:
    room = Room(Correlation(learning_hours=0))
    for hour in range(80):
        last = room.fire("Down", hour * 600.0, host="mail", severity="critical", lasts=5)
        woken = room.settle(hour * 600.0 + 10)
        room.correlator.close(last.incident_id)
    assert [each.wakes for each in woken] == [True]


def test_nothing_is_news_while_an_installation_learns_unless_somebody_gave_a_severity() -> None:
    room = Room()
    for number in range(12):
        room.fire(f"Kind{number}", number, host=f"host-{number}", lasts=1)
    assert len([each for each in room.settle(60) if each.wakes]) == room.settings.learning_pairs
    quiet = room.fire("Fresh", 3600, host="other")
    assert "learning" in keys(quiet)
    assert quiet.worth == 0
    assert room.settle(3620) == []
    given = room.fire("Given", 7200, host="third", severity="warning")
    assert [each.incident_id for each in room.settle(7210) if each.wakes] == [given.incident_id]


def test_a_kind_that_is_new_everywhere_wakes_and_one_that_is_only_new_here_waits_for_a_second() -> None:
    room = Room(Correlation(learning_hours=0))
    for occasion in range(9):
        room.fire("Known", occasion * 100, host="a", lasts=1)
        room.fire("Known2", occasion * 100, host="b", lasts=1)
    room.settle(999)
    fresh = room.fire("Fresh", 1000, host="c", lasts=5)
    assert [each.incident_id for each in room.settle(1010)] == [fresh.incident_id]
    here = room.fire("Known", 2000, host="d", lasts=5)
    assert room.settle(2010) == []
    room.fire("Known2", 2004, host="d", lasts=5)
    assert here.worth < room.settings.minimum_worth
    assert [each.incident_id for each in room.settle(2020)] == [here.incident_id]


def test_a_rule_asks_for_several_alerts_and_kinds_before_it_wakes() -> None:
    rule = Rule(name="pods", match={"team": "shop"}, minimum_alerts=3, minimum_kinds=2)
    room = Room(Correlation(rules=(rule,)))
    labels = {"team": "shop", "host": "node-1", "severity": "critical"}
    room.fire("Crash", 0, pod="a", **labels)
    room.fire("Crash", 1, pod="b", **labels)
    assert room.settle(30) == []
    room.fire("Crash", 31, pod="c", **labels)
    assert room.settle(40) == []
    room.fire("Oom", 41, pod="a", **labels)
    assert [each.wakes for each in room.settle(42)] == [True]


def test_a_muted_alert_is_placed_and_wakes_nobody_until_it_is_no_longer_muted() -> None:
    room = Room()
    alert = room.alert("Down", 0, service="bank", severity="critical")
    alert.silenced_by = ["s-1"]
    assert room.keep(room.correlator.take(alert, now=START)).incident_id
    assert room.settle(20) == []
    alert.silenced_by = []
    room.correlator.unmuted(alert, START + 60)
    assert [each.wakes for each in room.settle(60)] == [True]


def test_what_is_joined_to_an_incident_that_woke_says_so() -> None:
    room = Room()
    room.fire("Down", 0, service="bank", severity="critical")
    room.settle(10)
    assert room.fire("Slow", 20, service="payment", severity="warning").wakes


def test_nothing_joins_an_incident_that_is_closed() -> None:
    room = Room()
    one = room.fire("Down", 0, service="bank", severity="critical")
    room.correlator.close(one.incident_id)
    assert room.fire("Slow", 5, service="payment", severity="warning").incident_id != one.incident_id


def test_an_alert_moved_by_hand_takes_its_neighbours_of_later_with_it() -> None:
    room = Room(topology=Topology())
    one = room.fire("Down", 0, host="a", severity="critical")
    two = room.fire("Full", 1, host="b", severity="critical")
    room.correlator.move(two.fingerprint, one.incident_id)
    assert room.fire("Odd", 2, host="b", severity="high").incident_id in {one.incident_id, two.incident_id}
    room.correlator.close(two.incident_id)
    assert room.fire("Odder", 3, host="b", severity="high").incident_id == one.incident_id


def test_what_was_learned_survives_a_restart_as_plain_json() -> None:
    room = Room(Correlation(learning_hours=0))
    for hour in range(80):
        room.fire("Login", hour * 600.0, host="mail", lasts=5)
    kept = json.loads(json.dumps(room.correlator.memory()))
    again = Room(room.settings)
    again.correlator.load([], [], kept)
    assert again.fire("Login", 80 * 600.0, host="mail", lasts=5).incident_id == ""


def test_only_what_changed_is_written_again() -> None:
    room = Room()
    room.fire("Down", 0, service="bank", severity="critical")
    assert room.correlator.memory(changed_only=True)["novelty"]["pairs"]
    assert room.correlator.memory(changed_only=True)["novelty"]["pairs"] == {}


def test_open_incidents_and_alerts_that_wait_go_on_after_a_restart() -> None:
    room = Room()
    one = room.fire("Down", 0, service="bank", severity="critical")
    state = opened_by(one)
    again = Room()
    again.alerts = room.alerts
    again.correlator.load(room.alerts.values(), [state], room.correlator.memory())
    assert [each.incident_id for each in again.settle(12) if each.wakes] == [one.incident_id]
    assert again.fire("Slow", 20, service="payment", severity="warning").incident_id == one.incident_id


def test_an_alert_that_waited_without_an_incident_is_put_into_the_one_that_it_finds_after_a_restart() -> None:
    room = Room()
    one = room.fire("Down", 0, service="bank", severity="critical")
    waiting = room.fire("Slow", 1, service="bank", severity="warning")
    room.alerts[one.fingerprint].incident_id = one.incident_id
    room.alerts[waiting.fingerprint].incident_id = ""
    state = opened_by(one)
    again = Room()
    again.alerts = room.alerts
    again.correlator.load(room.alerts.values(), [state], room.correlator.memory())
    found = {each.fingerprint: each.incident_id for each in again.settle(2)}
    assert found[waiting.fingerprint] == one.incident_id


def test_the_next_time_to_settle_is_told() -> None:
    room = Room()
    assert room.correlator.next_at(START) is None
    room.fire("Down", 0, service="bank", severity="critical")
    assert room.correlator.next_at(START) == pytest.approx(START + room.settings.settle_seconds)


def test_what_begins_as_an_event_ends_is_another_matter() -> None:
    room = Room()
    one = room.fire("Scan", 0, host="node-1", lasts=5)
    room.correlator.resolved(room.alerts[one.fingerprint], START + 5)
    room.settle(5)
    assert room.fire("Scan", 5, host="node-1", lasts=5).incident_id != one.incident_id


def test_an_event_that_comes_again_before_the_first_wait_is_over_does_not_take_the_wake_from_the_first() -> (
    None
):
    room = Room()
    one = room.fire("Shell", 0, host="node-1", lasts=5)
    room.correlator.resolved(room.alerts[one.fingerprint], START + 5)
    (told,) = room.settle(5)
    assert told.wakes
    assert told.incident_id == one.incident_id
    assert room.fire("Shell", 8, host="node-1", lasts=5).incident_id != one.incident_id


def test_an_event_at_a_place_of_the_topology_waits_for_its_cause_though_it_is_over() -> None:
    room = Room()
    one = room.fire("Slow", 0, service="web", severity="critical", lasts=5)
    room.correlator.resolved(room.alerts[one.fingerprint], START + 5)
    assert room.settle(5) == []
    assert room.settle(10)[0].wakes
