"""Which stretch of a series of counts or levels deviates most from normal, and whether by more than chance.

References
----------
Kulldorff, A spatial scan statistic, 1997, section 3 (the window with the largest likelihood ratio of all windows);
Iglewicz and Hoaglin, How to detect and handle outliers, 1993, chapter 3 (robust z-score; 3.5 as its limit).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.robust import CONSISTENT, SPREAD_OF_LEVEL

Array = NDArray[np.float64]
Edges = tuple[NDArray[np.int64], NDArray[np.int64]]

FEWEST = 5  # rows that make a normal level, as for metrics
SHORTEST = 2  # rows that make a stretch: one alone is an outlier
MOST = 150  # stretches begin at that many places at most: neighbouring rows are pooled in a longer recording
LIMIT = 3.5  # Iglewicz and Hoaglin 1993, of one comparison; many stretches raise it
CLIP = 5.0  # robust distances that a single row can add, so that one slow row is no slow stretch


@dataclass(frozen=True, slots=True)
class Stretch:
    """What deviates most, `first` to `last` row of the suspect ones, and by how many robust standard deviations."""

    first: int
    last: int
    score: float


def stretches(rows: int) -> Edges:
    """First row of every stretch, and the row after its last."""
    places = np.unique(np.linspace(0, rows, min(rows, MOST) + 1).round().astype(np.int64))
    first, last = np.triu_indices(len(places), k=1)
    long = places[last] - places[first] >= SHORTEST
    return places[first][long], places[last][long]


def totals(values: Array, edges: Edges) -> Array:
    """Sum over each stretch."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[edges[1]] - running[edges[0]])


def most_deviating(score: Array, edges: Edges) -> Stretch | None:
    """The stretch that deviates most, if by more than the most deviating of so many would by chance (Bonferroni, normal tail)."""
    if not len(score):
        return None
    place = int(np.argmax(score))
    if score[place] < math.sqrt(LIMIT**2 + 2.0 * math.log(len(score))):
        return None
    return Stretch(int(edges[0][place]), int(edges[1][place]) - 1, float(score[place]))


def level_of(counts: Array) -> float:
    """Mean of rows, with outliers moved to the limit: the median of counts near 0 is too coarse."""
    middle = float(np.median(counts))
    reach = LIMIT * max(CONSISTENT * float(np.median(np.abs(counts - middle))), math.sqrt(middle), 1.0)
    return float(np.clip(counts, middle - reach, middle + reach).mean())


def overdispersion(counts: Array) -> float:
    """Robust variance over that of a Poisson distribution of the same level, at least 1."""
    spread = CONSISTENT * float(np.median(np.abs(counts - np.median(counts))))
    return max(1.0, spread**2 / max(level_of(counts), 1e-9))


def robust_distance(now: Array, usual: Array, edges: Edges, *, fewest: int = SHORTEST) -> Array:
    """Robust distance of each stretch from normal rows on a logarithmic scale; rows without a positive value say nothing."""
    logs = np.log(usual[usual > 0])
    if len(logs) < FEWEST:
        return np.zeros(len(edges[0]))
    spread = max(CONSISTENT * float(np.median(np.abs(logs - np.median(logs)))), SPREAD_OF_LEVEL)
    known = now > 0
    distance = np.where(known, np.log(np.where(known, now, 1.0)) - np.median(logs), 0.0) / spread
    length = totals(known.astype(float), edges)
    total = totals(np.clip(distance, -CLIP, CLIP), edges)
    score = total / np.sqrt(np.maximum(length, 1.0) * (1.0 + length / len(logs)))
    return np.asarray(np.where(length >= fewest, score, 0.0))
