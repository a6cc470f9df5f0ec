"""A stretch of scraped samples, and a longer past made of pieces of it.

Nothing is invented: a past is blocks of the stretch in an order that a seed draws, the same blocks for all series. A gauge has the values that
were seen; a counter grows by the increments that were seen, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_S = 60  # a piece: two windows of a rate, so that most windows see what really followed on each other
COUNTERS = ("_total", "_bucket", "_count", "_sum")
Values = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Series:
    """One series with a value for each scrape; NaN where there was none."""

    name: str
    labels: dict[str, str]
    values: Values

    @property
    def text(self) -> str:
        """Name and labels as OpenMetrics has them."""
        inner = ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(self.labels.items()))
        return f"{self.name}{{{inner}}}"

    @property
    def counts(self) -> bool:
        """Whether it is a counter."""
        return self.name.endswith(COUNTERS)


@dataclass(frozen=True, slots=True)
class Stretch:
    """All series of a stretch of time that begins at `start` (epoch s), a scrape each `step_seconds`."""

    step_seconds: int
    start: int
    series: tuple[Series, ...]

    @property
    def width(self) -> int:
        """Scrapes."""
        return len(self.series[0].values) if self.series else 0

    def save(self, path: Path) -> None:
        """Keep it for another run."""
        path.parent.mkdir(parents=True, exist_ok=True)
        names = json.dumps([[one.name, one.labels] for one in self.series])
        np.savez_compressed(
            path,
            names=np.array(names),
            grid=np.array([self.step_seconds, self.start]),
            values=np.stack([one.values for one in self.series]),
        )

    @classmethod
    def load(cls, path: Path) -> Stretch:
        """Read one that was kept."""
        with np.load(path, allow_pickle=False) as kept:
            named, values = json.loads(str(kept["names"])), kept["values"]
            step, start = kept["grid"].tolist()
        series = [Series(name, labels, row) for (name, labels), row in zip(named, values, strict=True)]
        return cls(int(step), int(start), tuple(series))


def drawn(width: int, count: int, *, block: int, seed: int) -> Places:
    """Which scrape of the stretch (1 … width-1) stands at each of `count` places: blocks of successive ones, drawn with a seed.

    The first scrape has no increment to the one before it, and is only where others begin from.
    """
    block = min(block, width - 1)
    if block < 1:
        raise ValueError(f"a stretch of {width} scrapes is too short to draw from; let it run longer")
    begins = np.random.default_rng(seed).integers(1, width - block + 1, size=-(-count // block))
    return (begins[:, None] + np.arange(block)[None, :]).ravel()[:count]


def resampled(series: Series, places: Places) -> Values:
    """The values of a series at drawn places; a counter grows from zero and never falls."""
    if not series.counts:
        return series.values[places]
    seen = ~np.isnan(series.values)
    grown = np.cumsum(np.nan_to_num(increments(series.values))[places])
    return np.where(seen[places], grown, np.nan)


def increments(values: Values) -> Values:
    """How much a counter grew since its last known value; one that fell began anew at zero, one that appears was zero before."""
    known = np.flatnonzero(~np.isnan(values))
    found = np.full(len(values), np.nan)
    if len(known):
        before = np.concatenate([[0.0 if known[0] > 0 else values[known[0]]], values[known[:-1]]])
        now = values[known]
        found[known] = np.where(now >= before, now - before, now)
    return found


def past(
    stretch: Stretch, *, end: int, days: float, every: int, seed: int
) -> Iterator[tuple[Series, NDArray[np.int64]]]:
    """Each series as it was in the days before `end`, with a value each `every` seconds (a multiple of the scrapes')."""
    thin = max(1, every // stretch.step_seconds)
    count = int(days * 86_400) // (thin * stretch.step_seconds) * thin
    places = drawn(stretch.width, count, block=BLOCK_S // stretch.step_seconds, seed=seed)
    times = end - stretch.step_seconds * np.arange(count - 1, -1, -1, dtype=np.int64)
    for series in stretch.series:
        yield (
            Series(series.name, series.labels, resampled(series, places)[thin - 1 :: thin]),
            times[thin - 1 :: thin],
        )
