from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from sre_copilot.eval.anomalies.period import NO_PERIOD, buffer_window, dominant_period
from sre_copilot.eval.anomalies.scores import accuracy, auc_pr, event_f1, least_anomalous_where_missing


def flags(text: str) -> np.ndarray:
    return np.array([each == "1" for each in text])


def test_the_area_of_points_is_average_precision() -> None:
    random = np.random.default_rng(0)
    labels = random.random(400) < 0.1
    scores = np.round(random.random(400) + 0.3 * labels, 1)
    assert auc_pr(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_an_event_is_found_by_any_of_its_points_and_paid_for_by_every_false_one() -> None:
    labels = flags("0011100011")
    one_each = np.array([0, 0, 9, 0, 0, 0, 0, 0, 9, 0.0])
    with_false_one = np.array([0, 9, 9, 0, 0, 0, 0, 0, 9, 0.0])
    assert event_f1(labels, one_each) == 1
    assert event_f1(labels, with_false_one) == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))


def test_an_alarm_that_never_ends_does_not_have_a_good_event_f1() -> None:
    labels = flags("0000010000" * 5)
    assert event_f1(labels, np.ones(50)) == pytest.approx(2 * 0.1 / 1.1)


def test_what_was_not_scored_counts_as_least_anomalous_and_is_said() -> None:
    labels = flags("0100000001")
    scores = np.array([0, 5, 0, 0, 1, 0, 0, 0, np.nan, np.nan])
    ranked = least_anomalous_where_missing(scores)
    assert ranked[8] < ranked[:8].min()
    assert accuracy(labels, scores, window=0).unscored == 0.2
    assert accuracy(labels, np.full(10, np.nan), window=0).auc_pr == pytest.approx(0.2)


def test_a_series_without_events_has_no_figures() -> None:
    measured = accuracy(flags("0000"), np.arange(4.0), window=1)
    assert math.isnan(measured.vus_pr)
    assert math.isnan(measured.event_f1)
    assert measured.events == 0


@pytest.mark.parametrize("period", [7, 24, 288])
def test_the_period_of_a_noisy_wave_with_holes_is_found(period: int) -> None:
    random = np.random.default_rng(0)
    values = 100 + np.sin(2 * np.pi * np.arange(2_400) / period) + 0.2 * random.normal(size=2_400)
    values[random.integers(0, 2_400, 50)] = np.nan
    assert abs(dominant_period(values) - period) <= max(1, period // 50)


def test_what_has_no_period_gets_the_usual_one_and_the_buffer_is_bounded() -> None:
    assert dominant_period(np.full(100, 5.0)) == NO_PERIOD
    assert dominant_period(np.zeros(0)) == NO_PERIOD
    wave = np.sin(2 * np.pi * np.arange(10_000) / 1_440)
    assert buffer_window(wave) == 100
