"""Detectors that are named for a metric judge it in place of the ensemble, tell what anyone can check, and have a bounded cost."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from sre_copilot.app.serving import check_methods, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.errors import MethodError, SettingsError
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.episodes import Episode
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.incidents.watch.named import NamedDetectors, chosen_for
from sre_copilot.plugins import load_one
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
STEP = 60


class Constant:
    """Gives the last value of everything one score."""

    def __init__(self, score: float, *, fails: bool = False) -> None:
        self.given, self.fails, self.asked = score, fails, 0

    def score(self, values: np.ndarray, *, start: int, step_seconds: int) -> np.ndarray:
        self.asked += 1
        if self.fails:
            raise MethodError("constant: fails")
        return np.full(len(values), self.given)


def block(values: np.ndarray, *, start: int = 0, metric: str = "latency") -> SeriesBlock:
    rows = np.atleast_2d(np.asarray(values, np.float32))
    keys = tuple(SeriesKey(f"service-{row}", metric) for row in range(len(rows)))
    return SeriesBlock(keys, start, STEP, rows)


def past(minutes: int = 300, *, last: float = 100.0, rows: int = 1) -> np.ndarray:
    values = np.random.default_rng(0).normal(50, 1, (rows, minutes))
    values[:, -1] = last
    return values


def test_a_whole_name_counts_before_the_longest_beginning() -> None:
    chosen = {"cpu*": ["mad"], "cpu_usage*": ["iqr"], "cpu_usage_percent": ["ewma", "cusum"]}
    assert chosen_for("cpu_usage_percent", chosen) == ("ewma", "cusum")
    assert chosen_for("cpu_usage_ratio", chosen) == ("iqr",)
    assert chosen_for("cpu", chosen) == ("mad",)
    assert chosen_for("memory", chosen) == ()


def test_of_several_the_highest_score_counts_and_is_named() -> None:
    made = {"low": Constant(0.2), "high": Constant(0.9)}
    named = NamedDetectors({"lat*": ["low", "high"]}, made.__getitem__, threshold=0.7, budget_seconds=9)
    (found,) = named.take(block(past()), MetricWatch(STEP))
    assert (found.method, found.score, found.current) == ("high", 0.9, 100.0)
    assert found.low is not None
    assert found.low < 50 < (found.high or 0) < 100
    for language in ("en", "zh"):
        assert "high" in say(found.finding.message, language)


def test_a_value_that_is_usual_is_not_told_whatever_its_score() -> None:
    named = NamedDetectors({"latency": ["a"]}, lambda name: Constant(0.99), threshold=0.7, budget_seconds=9)
    assert named.take(block(past(last=50.0)), MetricWatch(STEP)) == []


def test_a_missing_value_is_not_judged() -> None:
    named = NamedDetectors({"latency": ["a"]}, lambda name: Constant(0.99), threshold=0.7, budget_seconds=9)
    assert named.take(block(past(last=np.nan)), MetricWatch(STEP)) == []


def test_a_detector_that_fails_is_said_once_and_stops_no_other() -> None:
    made = {"bad": Constant(0.9, fails=True), "good": Constant(0.8)}
    named = NamedDetectors({"latency": ["bad", "good"]}, made.__getitem__, threshold=0.7, budget_seconds=9)
    with capture_logs() as said:
        (found,) = named.take(block(past()), MetricWatch(STEP))
        named.take(block(np.full((1, 1), 100.0), start=300 * STEP), MetricWatch(STEP))
    assert found.method == "good"
    assert sum("bad failed" in each["event"] for each in said) == 1


def test_what_is_too_slow_takes_turns_and_is_said() -> None:
    slow, time = Constant(0.9), itertools.count()
    named = NamedDetectors(
        {"latency": ["slow"]},
        lambda name: slow,
        threshold=0.7,
        budget_seconds=2,
        elapsed=lambda: float(next(time)),
    )
    with capture_logs() as said:
        first = named.take(block(past(rows=6)), MetricWatch(STEP))
        second = named.take(block(np.full((6, 1), 100.0), start=300 * STEP), MetricWatch(STEP))
    assert (len(first), len(second)) == (3, 6)
    assert slow.asked == 6
    assert [each["event"].startswith("named detectors are too slow: 3 of 6") for each in said] == [True]


@pytest.mark.parametrize("name", ["three_sigma", "mad", "iqr", "ewma", "cusum", "one_class_svm"])
def test_registered_detectors_can_be_named(name: str) -> None:
    named = NamedDetectors(
        {"latency": [name]},
        lambda name: load_one("sre_copilot.series_detectors", name)(),
        threshold=0.7,
        budget_seconds=30,
    )
    values = past(3 * 1440, last=90.0)
    values[:, -5:] = 90.0
    named.take(block(values[:, :-5]), MetricWatch(STEP))
    found = [
        named.take(block(values[:, at : at + 1], start=at * STEP), MetricWatch(STEP))
        for at in range(3 * 1440 - 5, 3 * 1440)
    ]
    assert any(each.method == name for tick in found for each in tick)


def test_the_watch_reads_the_past_that_they_need_and_tells_what_can_be_checked(tmp_path: Path) -> None:
    source, clock = SyntheticSource(services=3, metrics=2), TurnedClock(NOW)
    settings = Settings.model_validate(
        {"store": {"folder": tmp_path}, "anomaly_detection": {"detectors": {"lat*": ["mad"]}}}
    )
    service = make_service(settings, sources=[source], clock=clock)
    for key in source.keys[:2]:  # nothing was learned: only the named detector of the latency can tell
        source.disturb(key, start=NOW + 120, end=NOW + 900, add=200.0)
    opened: list[Episode] = []
    for _ in range(6):
        clock.wait(60, service.stop)
        opened += service.watch.tick().opened
    (episode,) = opened
    assert (episode.anomaly.metric, episode.anomaly.method) == ("latency", "mad")
    (check,) = episode.anomaly.finding.checks
    assert check.query.window is not None
    around = Window(check.query.window.start - 600, check.query.window.end + 60)
    seen = Observation(incident=Incident(id="x"), current=source.read(around).telemetry)
    assert Evaluator(seen).evaluate(check).holds
    service.close()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"anomaly_detection": {"detectors": {"cpu": ["madd"]}}}, "anomaly_detection.detectors.cpu"),
        ({"baseline": {"country": "XX"}}, "baseline.country"),
    ],
)
def test_what_is_not_there_is_said_before_anything_runs(document: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_methods(Settings.model_validate(document), now=NOW)
