"""What every detector of one series must keep to.

A test derives from `SeriesDetectorContract` and brings a detector. The series is one that any of them can learn: a day's rise and fall
with noise, ten minutes a value.
"""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.detectors.series.detector import Series, SeriesDetector

START = 1_767_225_600  # a midnight, UTC
STEP = 600
DAY = 86_400 // STEP
CLOSE = 1e-4  # a network's arithmetic depends on how many values it is given at once; beyond the fourth digit nobody looks


def series(*, days: int = 5, seed: int = 0) -> Series:
    """A daily wave between 40 and 60 with noise of one."""
    times = np.arange(days * DAY)
    wave: Series = (
        50 + 10 * np.sin(2 * np.pi * times / DAY) + np.random.default_rng(seed).normal(size=len(times))
    )
    return wave


class SeriesDetectorContract:
    """Derive a test class from it and bring the detector."""

    def detector(self) -> SeriesDetector:
        """Return a new one, with its defaults."""
        raise NotImplementedError

    def scores(self, values: Series) -> Series:
        """Score by a new detector."""
        return self.detector().score(values, start=START, step_seconds=STEP)

    @pytest.fixture
    def spiked(self) -> tuple[Series, int]:
        """A series with one value far above all others, on its fifth day."""
        values = series()
        place = int(4.4 * DAY)
        values[place] += 60
        return values, place

    def test_scores_are_finite_and_from_0_to_1_once_it_has_warmed_up(
        self, spiked: tuple[Series, int]
    ) -> None:
        values, _ = spiked
        before = values.copy()
        scores = self.scores(values)
        judged = scores[~np.isnan(scores)]
        assert scores.shape == values.shape
        assert np.isfinite(scores[3 * DAY :]).all()
        assert len(judged)
        assert judged.min() >= 0
        assert judged.max() <= 1
        assert np.array_equal(values, before), "the values of the caller are changed"

    def test_a_spike_is_more_anomalous_than_noise_and_worth_telling(self, spiked: tuple[Series, int]) -> None:
        values, place = spiked
        scores = self.scores(values)
        others = scores[3 * DAY : place]
        assert scores[place] >= 0.7
        assert scores[place] > np.quantile(others, 0.995)

    def test_a_score_depends_on_nothing_that_comes_later(self, spiked: tuple[Series, int]) -> None:
        values, place = spiked
        whole = self.scores(values)
        for length in (place, place + 7):
            np.testing.assert_allclose(self.scores(values[:length]), whole[:length], rtol=CLOSE, atol=CLOSE)

    def test_the_same_series_has_the_same_scores_each_time(self, spiked: tuple[Series, int]) -> None:
        values, _ = spiked
        np.testing.assert_array_equal(self.scores(values), self.scores(values))

    def test_a_missing_value_has_no_score_and_later_ones_have(self) -> None:
        values = series()
        holes = [DAY + 5, 3 * DAY + 3, *range(3 * DAY + 50, 3 * DAY + 60)]
        values[holes] = np.nan
        scores = self.scores(values)
        assert np.isnan(scores[holes]).all()
        assert np.isfinite(scores[4 * DAY :]).all()

    def test_a_series_that_never_moves_is_never_worth_telling(self) -> None:
        scores = self.scores(np.full(4 * DAY, 7.0))
        assert not (scores >= 0.7).any()

    @pytest.mark.parametrize(
        "values", [np.zeros(0), np.full(1, 3.0), np.full(50, np.nan)], ids=["empty", "one", "missing"]
    )
    def test_too_little_to_judge_has_no_scores(self, values: Series) -> None:
        scores = self.scores(values)
        assert scores.shape == values.shape
        assert np.isnan(scores).all()
