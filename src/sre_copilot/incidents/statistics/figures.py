"""Figures: a mean or a share with how many cases it is of, what is missing, and what is aimed at; of too few cases there is none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Unit = Literal["seconds", "ratio"]
LEAST_TIMES = 5
"""With five or more the median of all lies between the shortest and the longest of them in 94 of 100 samples; with fewer not even that."""
LEAST_TIMES_P90 = 10
"""With fewer, the 90th percentile is nothing but the longest."""
LEAST_SHARE = 20
"""With fewer, chance alone moves a share by more than a fifth either way (95 %)."""
Z_95 = 1.959964  # of the normal distribution, two-sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `value` is the mean of times or the share; None while `n` is below `least`.

    `of` is how many cases there were to look at, `missing` why the others do not count, by reason. `low` and `high` are the 95 % interval of a share (Wilson).
    """

    name: str
    unit: Unit
    n: int
    of: int
    least: int
    value: float | None = None
    median: float | None = None
    p90: float | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None
    traditional: float | None = None
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is no figure or no target."""
        if self.value is None or self.target is None:
            return None
        return self.value < self.target if self.unit == "seconds" else self.value >= self.target


def of_times(
    name: str,
    seconds: Sequence[float],
    *,
    missing: Mapping[str, int] | None = None,
    target: float | None = None,
    traditional: float | None = None,
) -> Figure:
    """The mean, the median and the 90th percentile of durations."""
    n, left_out = len(seconds), _some(missing)
    enough = n >= LEAST_TIMES
    return Figure(
        name=name,
        unit="seconds",
        n=n,
        of=n + sum(left_out.values()),
        least=LEAST_TIMES,
        value=statistics.fmean(seconds) if enough else None,
        median=statistics.median(seconds) if enough else None,
        p90=statistics.quantiles(seconds, n=10, method="inclusive")[8] if n >= LEAST_TIMES_P90 else None,
        target=target,
        traditional=traditional,
        missing=left_out,
    )


def of_share(
    name: str,
    good: int,
    n: int,
    *,
    missing: Mapping[str, int] | None = None,
    target: float | None = None,
) -> Figure:
    """The share of good cases, with its interval."""
    left_out = _some(missing)
    enough = n >= LEAST_SHARE
    low, high = wilson(good, n) if enough else (None, None)
    return Figure(
        name=name,
        unit="ratio",
        n=n,
        of=n + sum(left_out.values()),
        least=LEAST_SHARE,
        value=good / n if enough else None,
        low=low,
        high=high,
        target=target,
        missing=left_out,
    )


def of_reduction(name: str, kept: int, n: int) -> Figure:
    """1 - kept / n: a count of all and no sample, so that it has no interval; below zero when there are more messages than alerts."""
    enough = n >= LEAST_SHARE
    value = 1.0 - kept / n if enough else None
    return Figure(name=name, unit="ratio", n=n, of=n, least=LEAST_SHARE, value=value)


def wilson(good: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share: Wilson, J. Am. Stat. Assoc. 22 (1927) 209; it holds near 0 and 1, too."""
    share, square = good / n, Z_95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _some(missing: Mapping[str, int] | None) -> dict[str, int]:
    return {reason: count for reason, count in (missing or {}).items() if count}
