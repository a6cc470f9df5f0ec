"""What a forecaster is: values in, quantiles of the coming hours out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sre_copilot.cognition.baselines.profile import Floats

QUANTILES = (0.025, 0.5, 0.975)  # the middle, and what 95 of 100 coming values lie between


@dataclass(frozen=True, slots=True)
class Forecast:
    """Quantiles of coming values.

    `values` of shape (n, steps, quantiles), float32; step i is the time `start + i * step_seconds` (epoch s, UTC); NaN: the series has no past
    to tell from. Quantiles never cross.
    """

    start: int
    step_seconds: int
    quantiles: tuple[float, ...]
    values: Floats

    @property
    def middle(self) -> Floats:
        """The quantile nearest to the median, shape (n, steps)."""
        result: Floats = self.values[:, :, self.middle_index]
        return result

    @property
    def middle_index(self) -> int:
        """Place of the quantile nearest to the median."""
        return int(np.argmin(np.abs(np.array(self.quantiles) - 0.5)))


class Forecaster(Protocol):
    """Forecasts many series, each on its own.

    Deterministic; looks at nothing but the values given; a series without any value is NaN, gaps are allowed.
    """

    def __call__(
        self,
        values: Floats,
        *,
        start: int,
        step_seconds: int,
        horizon_steps: int,
        quantiles: tuple[float, ...] = QUANTILES,
    ) -> Forecast:
        """Forecast the `horizon_steps` steps after the last column of `values` (n, times); raise `MethodError` when the method fails."""
        ...


def checked(values: Floats, *, step_seconds: int, horizon_steps: int, quantiles: tuple[float, ...]) -> None:
    """Raise ValueError, naming the field, for a request that no forecaster can serve."""
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(
            f"values have shape {values.shape}; (series, times) with at least one time is needed"
        )
    if step_seconds <= 0:
        raise ValueError(f"step_seconds is {step_seconds}; a step is at least 1 s")
    if horizon_steps <= 0:
        raise ValueError(f"horizon_steps is {horizon_steps}; at least 1 is needed")
    if (
        not quantiles
        or list(quantiles) != sorted(set(quantiles))
        or not 0 < quantiles[0] <= quantiles[-1] < 1
    ):
        raise ValueError(f"quantiles are {quantiles}; they rise and lie between 0 and 1")
