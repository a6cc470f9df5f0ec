"""A storm with faults inside: they stay apart, and people can read what they are told."""

from __future__ import annotations

import pytest

from sre_copilot.settings.alerting.correlation import Correlation
from sre_copilot.testing.alert_storms import AlertStorm, Replayed, make_storm, replay


@pytest.fixture(scope="module")
def storm() -> AlertStorm:
    return make_storm(alerts=100_000, seconds=60)


@pytest.fixture(scope="module")
def replayed(storm: AlertStorm) -> Replayed:
    return replay(storm, Correlation())


def test_a_hundred_thousand_alerts_in_a_minute_wake_at_most_ten_times(
    storm: AlertStorm, replayed: Replayed
) -> None:
    assert len(storm.events) == 100_000
    assert storm.events[-1].received_at - storm.events[0].received_at < 60
    assert 4 <= len(replayed.woken) <= 10


def test_each_fault_is_an_incident_of_its_own_with_its_victims(storm: AlertStorm, replayed: Replayed) -> None:
    found = {}
    for fault in storm.faults:
        (incident,) = {each.incident_id for each in replayed.alerts.values() if each.service == fault}
        assert incident in replayed.woken
        assert incident != replayed.whole
        assert storm.victims[fault] <= replayed.services(incident)
        found[fault] = incident
    assert len(set(found.values())) == len(storm.faults)


def test_the_rest_of_a_storm_is_one_incident(storm: AlertStorm, replayed: Replayed) -> None:
    assert replayed.whole in replayed.woken
    incidents = {each.incident_id for each in replayed.alerts.values()}
    assert incidents <= set(replayed.woken)


def test_the_same_seed_makes_the_same_storm() -> None:
    assert make_storm(alerts=500, seed=3) == make_storm(alerts=500, seed=3)
    assert make_storm(alerts=500, seed=3) != make_storm(alerts=500, seed=4)
