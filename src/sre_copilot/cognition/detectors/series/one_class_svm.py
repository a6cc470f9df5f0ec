"""One-Class SVM on short windows of one series: how far the last values lie outside the region of earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn.preprocessing import RobustScaler
from sklearn.svm import OneClassSVM as Machine

from sre_copilot.cognition.detectors.series.blocks import schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.windows import sample, score_windows

MOST_WINDOWS = (
    1_000  # a fit costs their square; evenly taken from the past, they cover a week at every ten minutes
)


@dataclass(frozen=True, slots=True)
class OneClassSVM:
    """One-Class SVM with a Gaussian kernel on raw windows, each place scaled by median and quartiles of the past.

    Parameters
    ----------
    width : values in a window; 4: an alarm that ends soon after its cause
    outside : share of the past that may lie outside the region (nu); 1 %

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola and Williamson, Estimating the Support of a High-Dimensional Distribution, Neural
    Computation 13, 2001, eq. 3.4.
    """

    width: int = 4
    outside: float = 0.01

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at what was exceeded by 1 in 200 windows of the past."""

        def judge(past: Series, block: Series) -> tuple[Series, Series]:
            chosen = sample(past, MOST_WINDOWS)
            scaler = RobustScaler().fit(chosen)
            machine = Machine(nu=self.outside, gamma="scale").fit(scaler.transform(chosen))
            return -machine.score_samples(scaler.transform(chosen)), -machine.score_samples(
                scaler.transform(block)
            )

        return score_windows(values, self.width, schedule(step_seconds), judge)
