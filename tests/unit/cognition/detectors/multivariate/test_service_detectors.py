from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.detectors.multivariate.detector import Metrics, ServiceDetector
from sre_copilot.errors import MethodError
from sre_copilot.plugins import load_one, registered

GROUP = "sre_copilot.service_detectors"
STEP, DAY = 300, 288
FAULT = slice(7 * DAY + 100, 7 * DAY + 130)


def service(*, days: int = 8, seed: int = 0) -> Metrics:
    """Six metrics of one daily load in different units, one that drifts, and one that never moves."""
    random = np.random.default_rng(seed)
    times = np.arange(days * DAY)
    load = 1 + 0.5 * np.sin(2 * np.pi * times / DAY)
    metrics = [10.0**unit * (load + 0.03 * random.normal(size=len(times))) for unit in range(5)]
    return np.column_stack(
        [*metrics, times * 0.01 + random.normal(size=len(times)), np.full(len(times), 3.0)]
    )


@pytest.fixture(params=[plugin.name for plugin in registered(GROUP)])
def detector(request: pytest.FixtureRequest) -> ServiceDetector:
    found: ServiceDetector = load_one(GROUP, request.param)()
    return found


def split(values: Metrics) -> tuple[Metrics, Metrics]:
    return values[: 6 * DAY], values[6 * DAY :]


def scores(detector: ServiceDetector, train: Metrics, test: Metrics) -> tuple[Metrics, Metrics]:
    found = detector.fit(train, start=0, step_seconds=STEP).score(test, start=len(train) * STEP)
    return found.scores, found.contributions


def test_a_fault_of_a_few_metrics_stands_out_and_they_are_named(detector: ServiceDetector) -> None:
    values = service()
    values[FAULT, 1] *= 1.5
    values[FAULT, 3] *= 0.6
    train, test = split(values)
    found, shares = scores(detector, train, test)
    inside = slice(FAULT.start - 6 * DAY + 6, FAULT.stop - 6 * DAY)
    outside = np.delete(found, np.arange(inside.start - 6, inside.stop + 6))
    assert np.median(found[inside]) > np.quantile(outside, 0.99)
    assert set(np.argsort(-shares[inside].mean(axis=0))[:2]) == {1, 3}


def test_scores_are_finite_and_shares_add_up_to_one(detector: ServiceDetector) -> None:
    found, shares = scores(detector, *split(service()))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares[:, -1] == 0).all(), "a metric that never moved contributes"


def test_a_score_depends_on_nothing_that_comes_later(detector: ServiceDetector) -> None:
    train, test = split(service())
    whole, _ = scores(detector, train, test)
    part, _ = scores(detector, train, test[:150])
    np.testing.assert_allclose(part, whole[:150], rtol=1e-9)


def test_the_same_past_gives_the_same_model(detector: ServiceDetector) -> None:
    train, test = split(service())
    np.testing.assert_array_equal(scores(detector, train, test)[0], scores(detector, train, test)[0])


def test_the_unit_of_a_metric_does_not_matter(detector: ServiceDetector) -> None:
    train, test = split(service())
    units = np.array([1000, 0.001, 1, 60, 8, 1, 1.0])
    np.testing.assert_allclose(
        scores(detector, train * units, test * units)[0], scores(detector, train, test)[0], rtol=1e-6
    )


def test_a_missing_metric_says_nothing_and_no_metric_at_all_has_no_score(detector: ServiceDetector) -> None:
    train, test = split(service())
    test = test.copy()
    test[100:120, 2] = np.nan
    test[150:155] = np.nan
    found, shares = scores(detector, train, test)
    assert np.isfinite(found[100:120]).all()
    assert (shares[100:120, 2] == 0).all()
    assert np.isnan(found[150:155]).all()
    assert np.isnan(shares[150:155]).all()


def test_a_past_that_is_too_short_is_refused(detector: ServiceDetector) -> None:
    with pytest.raises(MethodError, match="too few"):
        detector.fit(service(days=3), start=0, step_seconds=STEP)
