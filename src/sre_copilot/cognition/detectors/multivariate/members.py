"""Which series make up the vector of which service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.domain.series import SeriesKey

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
MOST_METRICS = (
    32  # of a service: a week holds some three hundred half hours, and a covariance wants ten for each metric
)


@dataclass(frozen=True, slots=True)
class Members:
    """Services and the metrics of each, of which there are `width` at most; a metric of many instances is one entry, their mean."""

    services: tuple[str, ...]
    metrics: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        """Metrics of the service that has most."""
        return max(map(len, self.metrics), default=0)

    def places(self, keys: Sequence[SeriesKey]) -> Places:
        """Where each series belongs in the flattened vectors, shape (n,); -1: nowhere."""
        found = {
            (service, metric): row * self.width + column
            for row, (service, metrics) in enumerate(zip(self.services, self.metrics, strict=True))
            for column, metric in enumerate(metrics)
        }
        return np.array([found.get((key.service, key.metric), -1) for key in keys], np.intp)

    def means(self, values: Floats, places: Places) -> NDArray[np.float64]:
        """Mean over the instances, shape (services, width), NaN where none is known."""
        known = (places >= 0) & np.isfinite(values)
        shape = (len(self.services), self.width)
        size = shape[0] * shape[1]
        sums = np.bincount(places[known], values[known], size)
        counts = np.bincount(places[known], minlength=size)
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / np.where(counts > 0, counts, np.nan)).reshape(shape)


def members_of(keys: Sequence[SeriesKey]) -> Members:
    """The services with two metrics at least; of too many metrics those that most instances have, by name among equals."""
    counts: dict[str, Counter[str]] = {}
    for key in keys:
        counts.setdefault(key.service, Counter())[key.metric] += 1
    chosen = {
        service: tuple(sorted(sorted(found, key=lambda metric: (-found[metric], metric))[:MOST_METRICS]))
        for service, found in sorted(counts.items())
        if len(found) > 1
    }
    return Members(tuple(chosen), tuple(chosen.values()))
