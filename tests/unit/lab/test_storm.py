"""The storm of the lab: what is sent, what counts as separate, and where an interrupted one goes on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lab.live import state, storm
from lab.live.noise import FLAPS, MAIN, OTHER, Noise
from lab.live.rules import RULES, rules_text
from lab.live.storm import Course, Held, Result

NOISE = Noise(alerts=2_500, seconds=10, batch=1_000, seed=3)


def course() -> Course:
    return Course(noise=NOISE, faults=storm.TRIO, began=100.0, worked_before=0.0)


def test_a_batch_is_the_same_whenever_it_is_made() -> None:
    assert NOISE.batches == 3
    assert [len(NOISE.body(number, now=0)["alerts"]) for number in range(3)] == [1_000, 1_000, 500]
    assert NOISE.body(1, now=5) == NOISE.body(1, now=5)
    assert NOISE.body(1, now=5) != replace(NOISE, seed=4).body(1, now=5)
    assert NOISE.due(2) == pytest.approx(20 / 3)


def test_everything_that_it_may_begin_is_ended() -> None:
    ended = [each for body in NOISE.ends(now=0) for each in body["alerts"]]
    assert {each["status"] for each in ended} == {"resolved"}
    assert len(ended) == len(MAIN) + len(FLAPS) + len(OTHER)


def test_an_interrupted_storm_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(state.VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match="lab storm"):
        Course.read()
    begun = replace(course(), batches=2, sent=2_000)
    begun.write()
    assert Course.read() == begun


def test_faults_are_separate_when_each_is_named_in_an_incident_of_its_own() -> None:
    held = tuple(
        Held(fault="f", service=service, incident=f"INC-{number}", named=True)
        for number, service in enumerate(("a", "b", "c"))
    )
    assert Result(course=course(), held=held, told=(), incidents=()).separate
    same = (*held[:2], replace(held[2], incident="INC-1"))
    assert not Result(course=course(), held=same, told=(), incidents=()).separate
    unseen = (*held[:2], Held(fault="f", service="c"))
    assert not Result(course=course(), held=unseen, told=(), incidents=()).separate


def test_every_rule_says_how_severe_it_is() -> None:
    (group,) = json.loads(rules_text())["groups"]
    assert [each["alert"] for each in group["rules"]] == [each[0] for each in RULES]
    assert {each["labels"]["severity"] for each in group["rules"]} == {"critical", "warning"}
