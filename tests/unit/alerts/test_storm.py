"""When so much fires that people are told of the whole."""

from __future__ import annotations

import json

from sre_copilot.alerts.storm import Storm
from sre_copilot.settings.alerting.correlation import Storms

LIMITS = Storms(alerts=100, window_seconds=60, calm_seconds=300)


def test_a_storm_begins_at_the_limit_and_not_before() -> None:
    storm = Storm(LIMITS)
    assert [storm.note(each * 0.1) for each in range(100)] == [False] * 99 + [True]
    assert storm.since == 9.9


def test_the_same_number_over_an_hour_is_no_storm() -> None:
    storm = Storm(LIMITS)
    assert not any(storm.note(each * 36.0) for each in range(300))


def test_it_is_over_only_after_it_was_calm_for_a_while() -> None:
    storm = Storm(LIMITS)
    for each in range(150):
        storm.note(each * 0.1)
    assert storm.look(100)
    assert storm.look(100 + LIMITS.calm_seconds - 1)
    assert not storm.look(100 + LIMITS.calm_seconds)


def test_it_does_not_come_and_go_between_the_limits() -> None:
    storm = Storm(LIMITS)
    for each in range(120):
        storm.note(each * 0.1)
    verdicts = [storm.note(12 + each) for each in range(600)]  # 60 a minute: more than half of the limit
    assert all(verdicts)


def test_what_always_comes_is_no_storm() -> None:
    settings = Storms(alerts=100, window_seconds=60, times_usual=5)
    storm = Storm(settings)
    for minute in range(5 * 1440):
        for each in range(40):
            storm.note(minute * 60.0 + each)
    base = 5 * 1440 * 60.0
    assert not any(storm.note(base + each * 0.3) for each in range(150))
    assert storm.limit > 150


def test_a_storm_goes_on_after_a_restart() -> None:
    storm = Storm(LIMITS)
    for each in range(150):
        storm.note(each * 0.1)
    again = Storm(LIMITS)
    again.load(json.loads(json.dumps(storm.memory())))
    assert again.on
    assert again.alerts == 150
