"""Distances across metrics are calibrated, leave out what is missing, and are learned from days that the profile did not know."""

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.detectors.multivariate.joint import JointModel, JointScorer, Measure, fit
from sre_copilot.cognition.detectors.multivariate.members import MOST_METRICS, Members, members_of
from sre_copilot.cognition.detectors.multivariate.past import past_vectors
from sre_copilot.cognition.detectors.multivariate.running import Running, level_of, z_scores
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.testing.synthetic import SyntheticSource

MEASURES: tuple[Measure, ...] = ("mean_deviation", "robust_covariance")
FOUR = Members(("shop",), (("a", "b", "c", "d"),))


def past(*, times: int = 430, together: float = 0.0) -> np.ndarray:
    """Vectors of one service of four metrics; `together` is how much of each is common to all."""
    random = np.random.default_rng(1)
    common = random.normal(size=(times, 1))
    own = random.normal(size=(times, 4))
    vectors = together * common + np.sqrt(1 - together**2) * own
    return np.asarray(vectors, np.float32)[None]


def score(model: JointModel, vector: list[float]) -> float:
    return float(JointScorer(model).score(np.array([vector])).scores[0])


@pytest.mark.parametrize("measure", MEASURES)
def test_scores_grow_with_distance_and_cross_the_threshold_where_it_is_rare(measure: Measure) -> None:
    model = fit(FOUR, past(), measure=measure)
    found = [score(model, [far] * 4) for far in (0.0, 1.0, 2.0, 8.0)]
    assert found == sorted(found)
    assert found[0] < 0.1
    assert found[2] < 0.7 < found[3] < 1


@pytest.mark.parametrize("measure", MEASURES)
def test_a_metric_that_is_missing_is_not_counted_as_normal(measure: Measure) -> None:
    model = fit(FOUR, past(), measure=measure)
    scorer = JointScorer(model)
    as_normal = score(model, [6.0, 6.0, 0.0, 0.0])
    found = scorer.score(np.array([[6.0, 6.0, np.nan, np.nan]]))
    assert found.missing.tolist() == [[False, False, True, True]]
    assert found.shares[0, 2:].tolist() == [0.0, 0.0]
    assert found.scores[0] > as_normal
    assert np.isnan(scorer.score(np.array([[6.0, np.nan, np.nan, np.nan]])).scores[0])
    assert scorer.score(np.array([[6.0, 6.0, 0.0, 0.0]])).scores[0] == pytest.approx(as_normal)


def test_the_covariance_without_a_metric_is_that_of_the_others() -> None:
    model = fit(FOUR, past(together=0.7), measure="robust_covariance")
    assert model.covariance is not None
    away = np.array([3.0, -1.0, 2.0])
    expected = away @ np.linalg.inv(model.covariance[0][:3, :3]) @ away
    scorer = JointScorer(model)
    vector = model.centre[0] + model.unit[0] * np.array([*away, np.nan])
    found = scorer.score(vector[None]).scores[0]
    assert found / (1 - found) == pytest.approx(expected / (scorer._needed[0] * 3 / 7))


def test_only_the_covariance_sees_metrics_part_that_went_together() -> None:
    apart = [2.5, -2.5, 2.5, -2.5]
    vectors = past(together=0.95)
    assert score(fit(FOUR, vectors, measure="robust_covariance"), apart) > 0.9
    assert score(fit(FOUR, vectors, measure="mean_deviation"), apart) < 0.7


@pytest.mark.parametrize("measure", MEASURES)
def test_a_service_of_which_too_little_is_known_is_left_out(measure: Measure) -> None:
    two = Members(("known", "new"), (FOUR.metrics[0], FOUR.metrics[0]))
    vectors = np.concatenate([past(), past()])
    vectors[1, 60:] = np.nan
    still = np.concatenate([past(), past()])
    still[1, :, 1:] = 0.0
    for each in (vectors, still):
        model = fit(two, each, measure=measure)
        assert model.members.services == ("known",)
        assert model.unit.shape == (1, 4)


def test_a_disturbed_day_of_the_past_does_not_make_it_mute() -> None:
    vectors = past()
    vectors[0, :8] += 9.0
    assert score(fit(FOUR, vectors, measure="mean_deviation"), [7.0] * 4) > 0.7


def test_series_are_put_together_by_service_and_instances_by_their_mean() -> None:
    keys = [SeriesKey("a", "x", "1"), SeriesKey("a", "x", "2"), SeriesKey("a", "y"), SeriesKey("b", "x")]
    members = members_of(keys)
    assert (members.services, members.metrics) == (("a",), (("x", "y"),))
    values = np.array([1.0, 3.0, np.nan, 7.0], np.float32)
    np.testing.assert_array_equal(members.means(values, members.places(keys)), [[2.0, np.nan]])


def test_of_too_many_metrics_a_bounded_number_is_taken() -> None:
    members = members_of([SeriesKey("a", f"m{number:03}") for number in range(100)])
    assert len(members.metrics[0]) == members.width == MOST_METRICS


def test_the_mean_forgets_and_what_stops_is_soon_not_known() -> None:
    running = Running.fresh(1, step_seconds=60)
    running.level = np.zeros(1, np.float32)
    for _ in range(60):
        running.take(np.full(1, 4.0, np.float32))
    assert running.vectors()[0] == pytest.approx(4.0, abs=0.01)
    gaps = 0
    while np.isfinite(running.vectors()[0]):
        running.take(np.full(1, np.nan, np.float32))
        gaps += 1
    assert 3 <= gaps <= 6


def test_a_level_needs_two_hours_and_one_incident_does_not_move_it() -> None:
    samples = np.random.default_rng(0).normal(size=(144, 3)).astype(np.float32)
    samples[:30, 0] += 9.0
    samples[11:, 2] = np.nan
    level = level_of(samples)
    assert abs(level[0]) < 0.5
    assert np.isnan(level[2])


def test_a_value_without_an_expectation_has_no_score() -> None:
    one, none = np.ones(1, np.float32), np.full(1, np.nan, np.float32)
    assert np.isnan(z_scores(one, none, one)[0])
    assert np.isnan(z_scores(none, one, one)[0])


def learn(values: np.ndarray, start: int, step_seconds: int) -> Profile:
    return seasonal.learn(values, start=start, step_seconds=step_seconds)


def test_the_past_is_seen_as_unlike_its_profile_as_a_day_to_come() -> None:
    block = SyntheticSource(services=8, metrics=3).series(Window(0, 7 * 86_400), step_seconds=300)
    members = members_of(block.keys)
    vectors = past_vectors(block, members, learn)
    assert vectors.shape[::2] == (8, 3)
    assert np.isfinite(vectors[:, 1:]).all()
    profile = learn(block.values, 0, 300)
    running, known = Running.fresh(24, step_seconds=300), []
    running.level = np.zeros(24, np.float32)
    for column, time in enumerate(block.times.tolist()):
        running.take(z_scores(block.values[:, column], *seasonal.expected(profile, time)))
        known.append(running.vectors())
    assert np.nanstd(vectors) > 1.1 * np.nanstd(known)
