"""Calls of a running system."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from tests.unit.cognition.live.quiet import DAY, HOUR, MINUTE, START, traces

from sre_copilot.cognition.live import traces as module
from sre_copilot.cognition.live.traces import LiveTraces
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.evidence.evaluator import evaluate

NOW = Window(START + 2 * DAY + 10 * HOUR, START + 2 * DAY + 10 * HOUR + 5 * MINUTE)


@pytest.fixture(scope="module")
def live() -> LiveTraces:
    found, rng = LiveTraces(), np.random.default_rng(2)
    for start in range(START, START + 2 * DAY, 12 * HOUR):
        window = Window(start, start + 12 * HOUR)
        found.learn(traces(window, rng, a_minute=4.0), window)
    return found


def told(live: LiveTraces, **change: object) -> list[Anomaly]:
    table = traces(NOW, np.random.default_rng(6), a_minute=4.0, **change)  # type: ignore[arg-type]
    found = live.tick(table, NOW)
    observation = Observation(incident=Incident(id="x"), current=Telemetry(traces=table))
    assert all(evaluate(check, observation).holds for each in found for check in each.finding.checks)
    return found


def test_a_quiet_day_raises_nothing(live: LiveTraces) -> None:
    rng = np.random.default_rng(3)
    for start in range(START + 2 * DAY, START + 3 * DAY, 10 * MINUTE):
        window = Window(start, start + 10 * MINUTE)
        assert live.tick(traces(window, rng, a_minute=4.0), window) == []


def test_time_that_is_lost_on_the_way_is_told_of_that_edge_alone(live: LiveTraces) -> None:
    found = told(live, way={"bank": 200.0})
    assert {(each.finding.kind, each.entity) for each in found} == {("live.edge_gap", "bank")}
    assert found[0].finding.related == ("till",)


def test_a_slow_service_is_told_and_not_those_that_wait_for_it(live: LiveTraces) -> None:
    found = told(live, own={"bank": 400.0})
    assert {(each.finding.kind, each.entity) for each in found} == {("live.slow_service", "bank")}


def test_errors_are_told_of_the_deepest_service_that_fails(live: LiveTraces) -> None:
    found = told(live, failing={"bank": 0.6})
    assert {(each.finding.kind, each.entity) for each in found} == {("live.errors_begin", "bank")}
    assert dict(found[0].finding.params)["callers"] == "till"


def test_a_dependency_that_is_no_longer_called_is_told(live: LiveTraces) -> None:
    found = told(live, skipped=("stock",))
    assert {(each.finding.kind, each.entity) for each in found} == {("live.dependency_gone", "stock")}
    assert found[0].finding.related == ("front",)


def test_a_new_dependency_is_told_as_a_note(live: LiveTraces) -> None:
    table = traces(NOW, np.random.default_rng(6), a_minute=4.0)
    renamed = pl.col("service").replace({"stock": "shelf"})
    found = live.tick(table.with_columns(renamed), NOW)
    new = [each for each in found if each.finding.kind == "live.dependency_new"]
    assert [(each.entity, each.severity) for each in new] == [("shelf", "low")]


def test_what_was_not_recorded_is_not_judged(live: LiveTraces) -> None:
    assert live.tick(None, NOW) == []
    assert LiveTraces().tick(traces(NOW, np.random.default_rng(1)), NOW) == []
    assert [gap.message.key for gap in LiveTraces().gaps] == ["gap.live_traces_first_hour"]


def test_a_state_survives_json(live: LiveTraces) -> None:
    arrays, meta = live.state()
    again = LiveTraces.of(arrays, json.loads(json.dumps(meta)))
    assert told(again, way={"bank": 200.0}) == told(live, way={"bank": 200.0})


def test_merged_halves_tell_what_the_whole_tells() -> None:
    whole, halves = LiveTraces(), [LiveTraces(), LiveTraces()]
    for half, day in zip(halves, (0, 1), strict=True):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        part = traces(window, np.random.default_rng(day), a_minute=1.0)
        whole.learn(part, window)
        half.learn(part, window)
    halves[0].merge(halves[1])
    assert {each.finding.kind for each in told(halves[0], own={"bank": 400.0})} == {"live.slow_service"}
    assert told(halves[0], own={"bank": 400.0}) == told(whole, own={"bank": 400.0})


def test_edges_are_bounded_and_those_seen_last_stay(
    live: LiveTraces, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded, count = LiveTraces.of(*live.state()), len(live.counts.places)
    monkeypatch.setattr(module, "MOST_EDGES", count)
    window = Window(START + 2 * DAY, START + 2 * DAY + HOUR)
    table = traces(window, np.random.default_rng(2), a_minute=4.0)
    renamed = table.with_columns(pl.col("operation") + " " + (pl.col("operation").hash() % 3).cast(pl.String))
    bounded.learn(renamed, window)
    names = list(bounded.counts.places)
    assert len(names) == int(module.KEPT * count)
    arrays, _ = bounded.state()
    assert arrays["times"].shape[1] == len(arrays["errors"]) == len(arrays["total"]) == len(names)
    assert set(names) - set(live.counts.places)  # the newest are among them
    bounded.learn(table, Window(window.end, window.end + HOUR))
    assert len(bounded.counts.places) <= count
