from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.mad import MedianAbsoluteDeviation
from sre_copilot.cognition.detectors.series.selection import rank
from sre_copilot.errors import MethodError


class Blind:
    """Scores by chance."""

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        scores: Series = np.random.default_rng(5).random(len(values))
        return scores


def noise(length: int = 1_200) -> Series:
    return 20 + np.random.default_rng(1).normal(size=length)


def test_a_detector_that_sees_is_ranked_before_one_that_guesses() -> None:
    ranked = rank(noise(), {"blind": Blind(), "mad": MedianAbsoluteDeviation()}, start=0, step_seconds=300)
    assert [each.name for each in ranked] == ["mad", "blind"]
    assert ranked[0].precision > 0.6
    assert ranked[1].precision < 0.35


def test_labels_take_the_place_of_planted_anomalies() -> None:
    values, labels = noise(), np.zeros(1_200, dtype=bool)
    for place in (700, 1_100):
        values[place] += 40
        labels[place] = True
    ranked = rank(values, {"mad": MedianAbsoluteDeviation()}, start=0, step_seconds=300, labels=labels)
    assert ranked[0].folds == (1.0, 1.0)
    with pytest.raises(MethodError, match="no label"):
        rank(values, {}, start=0, step_seconds=300, labels=np.zeros(1_200, dtype=bool))


def test_the_same_past_and_seed_rank_the_same_and_equal_detectors_keep_their_order() -> None:
    twins = {"first": MedianAbsoluteDeviation(), "second": MedianAbsoluteDeviation()}
    one, other = (rank(noise(), twins, start=0, step_seconds=300) for _ in range(2))
    assert one == other
    assert [each.name for each in one] == ["first", "second"]


def test_a_past_that_is_too_short_or_missing_is_refused() -> None:
    with pytest.raises(MethodError, match="too few"):
        rank(noise(100), {}, start=0, step_seconds=300)
    with pytest.raises(MethodError, match="no values"):
        rank(np.full(1_000, np.nan), {}, start=0, step_seconds=300)
