"""Regular series: what detection and forecasts of live metrics work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Which series: one metric of one instance of one service, in the words of `domain.signals`."""

    service: str
    metric: str
    instance: str = ""

    def __str__(self) -> str:
        return (
            f"{self.service}/{self.instance}/{self.metric}"
            if self.instance
            else f"{self.service}/{self.metric}"
        )


@dataclass(frozen=True, slots=True)
class SeriesBlock:
    """Many series on one grid of time.

    `values` has shape (series, times), float32, C order, NaN where there is no value; column i is the time `start + i * step_seconds` (epoch s, UTC).
    """

    keys: tuple[SeriesKey, ...]
    start: int
    step_seconds: int
    values: Values

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.keys) != self.values.shape[0]:
            raise ValueError(f"{len(self.keys)} keys do not fit values of shape {self.values.shape}")
        if self.step_seconds <= 0:
            raise ValueError(f"step_seconds is {self.step_seconds}; a step is at least 1 s")

    @property
    def times(self) -> NDArray[np.int64]:
        """Epoch seconds of the columns, shape (times,)."""
        return self.start + self.step_seconds * np.arange(self.values.shape[1], dtype=np.int64)

    @property
    def end(self) -> int:
        """The time after the last column."""
        width: int = self.values.shape[1]
        return self.start + self.step_seconds * width
