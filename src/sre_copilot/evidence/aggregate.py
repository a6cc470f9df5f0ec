"""Turn the measured values of the selected rows into one number, and compare it with a bound."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sre_copilot.domain.evidence import Aggregate, Combine, Relation
from sre_copilot.domain.signals import Window

Floats = npt.NDArray[np.float64]

ROUNDING: Final = 1e-9
"""Relative error that a sum of 64-bit floats in another order may have; equality is meant up to it."""

_STATISTICS: Final[dict[str, Callable[[Floats], np.floating[Any]]]] = {
    "mean": np.mean,
    "median": np.median,
    "p90": lambda values: np.quantile(values, 0.90),
    "p95": lambda values: np.quantile(values, 0.95),
    "p99": lambda values: np.quantile(values, 0.99),
    "min": np.min,
    "max": np.max,
}
_RELATIONS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


def aggregate(
    values: Floats, how: Aggregate, *, times: Floats | None = None, window: Window | None = None
) -> float | None:
    """Aggregate finite values; None when the aggregate means nothing for them.

    Quantiles are interpolated linearly, the median of an even number is the mean of the middle two, and `last` is the
    mean of the values at the latest time.
    """
    if how in ("count", "rate", "sum"):
        return _total(values, how, window)
    if values.size == 0:
        return None
    if how == "last":
        return _last(values, times)
    return float(_STATISTICS[how](values))


def combine(left: float, right: float, how: Combine) -> float | None:
    """Ratio or difference of two aggregates; a ratio to zero is no data."""
    if how == "difference":
        return left - right
    return left / right if right != 0 else None


def compare(value: float, relation: Relation, bound: float) -> bool:
    """Whether the relation holds; `>=`, `<=` and `==` allow for the rounding of floats."""
    if relation in (">=", "<=", "==") and abs(value - bound) <= ROUNDING * max(abs(value), abs(bound)):
        return True
    return _RELATIONS[relation](value, bound)


def _total(values: Floats, how: Aggregate, window: Window | None) -> float | None:
    if how == "rate":
        return values.size / window.seconds if window and window.seconds > 0 else None
    return float(values.sum() if how == "sum" else values.size)


def _last(values: Floats, times: Floats | None) -> float | None:
    if times is None or np.isnan(times).all():
        return None
    return float(values[times == np.nanmax(times)].mean())
