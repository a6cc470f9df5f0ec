"""Metrics of a service are judged together: told is what no single one of them tells, with a check, and the watch pays little for it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.across import AcrossMetrics
from sre_copilot.incidents.watch.across_words import ACROSS
from sre_copilot.incidents.watch.episodes import Episode
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.settings.document import Settings
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
MEASURES = ("mean_deviation", "robust_covariance")
WEAK = 5.0  # standard deviations of the noise: no detector of a single series tells a lasting move of it


def watching(
    folder: Path, source: SyntheticSource, clock: TurnedClock, measure: str = "mean_deviation"
) -> Service:
    settings = {"store": {"folder": folder}, "anomaly_detection": {"across_metrics": measure}}
    return make_service(Settings.model_validate(settings), sources=[source], clock=clock)


def ticks(service: Service, clock: TurnedClock, count: int) -> list[Episode]:
    opened: list[Episode] = []
    for _ in range(count):
        clock.wait(60.0, service.stop)
        opened += service.watch.tick().opened
    return opened


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=5, metrics=5)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOW)


@pytest.fixture(params=MEASURES)
def service(
    request: pytest.FixtureRequest, tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> Iterator[Service]:
    made = watching(tmp_path, source, clock, request.param)
    made.watch.request_learning(wait=True)
    yield made
    made.close()


def disturb(source: SyntheticSource, keys: tuple[SeriesKey, ...], add: float, *, minutes: int = 60) -> None:
    for key in keys:
        source.disturb(key, start=NOW + 600, end=NOW + 600 + 60 * minutes, add=add)


def test_a_fault_that_no_metric_shows_alone_is_told_of_the_service_and_ends_with_it(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    disturb(source, source.keys[5:10], WEAK)
    assert ticks(service, clock, 9) == []
    (episode,) = ticks(service, clock, 15)
    assert (episode.anomaly.entity, episode.anomaly.metric) == ("service-001", ACROSS)
    assert episode.anomaly.score >= 0.7
    ticks(service, clock, 90)
    (row,) = service.anomalies.page().rows
    assert row["closed_at"] is not None


def test_what_is_told_names_the_metrics_in_both_languages_and_can_be_checked(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    disturb(source, source.keys[5:10], WEAK)
    (episode,) = ticks(service, clock, 24)
    finding = episode.anomaly.finding
    for language in ("en", "zh"):
        assert sum(key.metric in say(finding.message, language) for key in source.keys[5:10]) >= 3
    (check,) = finding.checks
    assert check.query.window is not None
    reading = source.read(Window(NOW, clock.now() + 60))
    evaluator = Evaluator(Observation(incident=Incident(id="x"), current=reading.telemetry))
    assert evaluator.evaluate(check).holds
    source.disturbances.clear()
    calm = source.read(Window(NOW, clock.now() + 60))
    evaluator = Evaluator(Observation(incident=Incident(id="x"), current=calm.telemetry))
    assert not evaluator.evaluate(check).holds


def test_the_same_fault_is_not_told_where_it_is_switched_off(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    made = watching(tmp_path, source, clock, "off")
    made.watch.request_learning(wait=True)
    disturb(source, source.keys[5:10], WEAK)
    assert ticks(made, clock, 60) == []
    made.close()


def test_what_a_single_metric_tells_is_not_told_again(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    disturb(source, source.keys[5:6], 25.0)
    disturb(source, source.keys[6:10], WEAK)
    opened = ticks(service, clock, 150)
    assert {each.anomaly.metric for each in opened} == {source.keys[5].metric}


def test_a_single_metric_that_is_off_is_left_to_its_own_detector(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    disturb(source, source.keys[5:6], 3 * WEAK)
    assert ACROSS not in {each.anomaly.metric for each in ticks(service, clock, 90)}


def test_metrics_that_are_missing_are_said_and_the_others_are_judged(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    gone = source.keys[9]
    source.disturb(gone, start=NOW, end=NOW + 36_000, add=float("nan"))
    disturb(source, source.keys[5:9], WEAK)
    (episode,) = ticks(service, clock, 24)
    assert episode.anomaly.finding.kind == "live.across_partly"
    for language in ("en", "zh"):
        assert gone.metric in say(episode.anomaly.finding.message, language)
    assert dict(episode.anomaly.finding.params)["count"] == 4


def test_a_service_of_which_nothing_is_seen_is_not_told(
    service: Service, source: SyntheticSource, clock: TurnedClock
) -> None:
    for key in source.keys[5:10]:
        source.disturb(key, start=NOW, end=NOW + 36_000, add=float("nan"))
    assert ticks(service, clock, 60) == []
    held = service.watch._across._sources["synthetic"]._held
    assert held is not None
    assert np.flatnonzero(np.isnan(held.scores)).tolist() == [1]


def test_a_process_that_follows_goes_on_with_what_was_learned(
    tmp_path: Path, source: SyntheticSource, clock: TurnedClock
) -> None:
    first = watching(tmp_path, source, clock)
    first.watch.request_learning(wait=True)
    ticks(first, clock, 3)
    first.close()
    second = watching(tmp_path, source, clock)
    disturb(source, source.keys[5:10], WEAK)
    assert [each.anomaly.metric for each in ticks(second, clock, 30)] == [ACROSS]
    second.close()


def test_two_quiet_days_of_forty_services_are_quiet() -> None:
    across, watch, source = learned(services=40)
    assert tell(across, watch, source, steps=2 * 1440) == []


def test_services_that_cannot_be_judged_are_said(tmp_path: Path) -> None:
    with capture_logs() as said:
        learned(services=3, days=2, folder=tmp_path)
    assert any("3 services are not judged across their metrics" in each["event"] for each in said)


def test_instances_that_join_a_service_do_not_disturb_it() -> None:
    across, watch, source = learned(services=3)
    assert tell(across, watch, source, steps=30) == []
    pods = tuple(SeriesKey(key.service, key.metric, "new") for key in source.keys)
    for _ in range(150):
        block = following(watch, source)
        both = SeriesBlock((*source.keys, *pods), block.start, 60, np.vstack([block.values, block.values]))
        watch.take(both)
        assert across.take("synthetic", watch, found=[], going_on=[]) == []


def test_memory_does_not_grow_and_a_step_takes_little_of_it() -> None:
    across, watch, source = learned(services=100)
    tell(across, watch, source, steps=70)
    blocks = [following(watch, source, ahead) for ahead in range(1, 121)]
    tracemalloc.start()
    sizes, most = [], 0
    for block in blocks:
        watch.take(block)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        across.take("synthetic", watch, found=[], going_on=[])
        size, peak = tracemalloc.get_traced_memory()
        sizes.append(size - before)
        most = max(most, peak - before if block.start % 3600 else 0)
    tracemalloc.stop()
    assert sum(sizes[10:]) < 10_000
    assert most < 100 * len(source.keys) + 20_000  # bytes; once an hour a day's sample is looked at


def test_a_step_calls_as_often_for_many_services_as_for_few() -> None:
    assert calls(services=60) == calls(services=4)


def calls(*, services: int) -> int:
    """Function calls of a quiet step: what is done in arrays costs no call a service."""
    across, watch, source = learned(services=services)
    tell(across, watch, source, steps=2)
    watch.take(following(watch, source))
    count = 0

    def counted(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        across.take("synthetic", watch, found=[], going_on=[])
    finally:
        sys.setprofile(None)
    return count


def learned(
    *, services: int, days: int = 7, folder: Path = Path("/nonexistent")
) -> tuple[AcrossMetrics, MetricWatch, SyntheticSource]:
    """A watch of an invented source whose past was learned, without a store or a loop."""
    from sre_copilot.incidents.watch.learning import Lesson, lesson_of

    source = SyntheticSource(services=services, metrics=5)
    settings = Settings.model_validate({"baseline": {"learning_days": days}})
    across, watch = AcrossMetrics(settings, Unkept(folder)), MetricWatch(60)
    end = int(NOW) // 60 * 60
    block = source.series(Window(end - days * 86_400, end), step_seconds=60)
    across.hear("synthetic", block)
    across.learn()
    lesson = lesson_of(block, settings.baseline, now=NOW)
    assert isinstance(lesson, Lesson)
    watch.know(lesson.learned, lesson.state, committed=lesson.committed, history=lesson.day)
    return across, watch, source


class Unkept(ArrayStore):
    """Keeps nothing."""

    def save(self, name: str, arrays: Any, meta: Any = None) -> int:
        return 0


def following(watch: MetricWatch, source: SyntheticSource, ahead: int = 1) -> SeriesBlock:
    assert watch.committed is not None
    start = watch.committed + 60 * ahead
    return source.series(Window(start, start + 60), step_seconds=60)


def tell(across: AcrossMetrics, watch: MetricWatch, source: SyntheticSource, *, steps: int) -> list[Any]:
    told: list[Any] = []
    for _ in range(steps):
        watch.take(following(watch, source))
        told += across.take("synthetic", watch, found=[], going_on=[])
    return told
