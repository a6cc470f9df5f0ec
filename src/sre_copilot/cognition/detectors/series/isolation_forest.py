"""Isolation Forest on short windows of one series: how few cuts set the last values apart from earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from sre_copilot.cognition.detectors.series.blocks import schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.windows import sample, score_windows

MOST_RATED = 1_000  # windows of the past whose scores tell what is rare: five of them lie beyond


@dataclass(frozen=True, slots=True)
class IsolationForest:
    """Isolation Forest on each value, its step from the one before, and its distance from the median of the window before it.

    A forest cuts inside the range that it has seen: beyond it a value alone is no odder than the most extreme one of the past. A jump is extreme
    in level, step and distance at once, and so is set apart.

    Parameters
    ----------
    width : values in a window, the judged one among them; 8: seven before it tell a level, and an alarm ends soon after its cause
    trees : of the forest; 100, where the reference sees path lengths converge
    seed : of the forest

    References
    ----------
    Liu, Ting and Zhou, Isolation Forest, ICDM 2008, eq. 2.
    """

    width: int = 8
    trees: int = 100
    seed: int = 0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at what was exceeded by 1 in 200 windows of the past."""

        def judge(past: Series, block: Series) -> tuple[Series, Series]:
            forest = Forest(n_estimators=self.trees, random_state=self.seed).fit(_features(past))
            rated = _features(sample(past, MOST_RATED))
            return -forest.score_samples(rated), -forest.score_samples(_features(block))

        return score_windows(values, self.width, schedule(step_seconds), judge)


def _features(windows: Series) -> Series:
    away = windows[:, -1:] - np.median(windows[:, :-1], axis=1, keepdims=True)
    return np.hstack([windows[:, -1:], np.diff(windows, axis=1)[:, -1:], away])
