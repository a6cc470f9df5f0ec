"""How well coming breaches are told: each container judged by a calibration that has not seen it.

At every half hour of every container the question is: below the limit now (five-minute median), will it be at or above it within the
horizon? Limits are two that operators set (80 and 90 % of the memory limit) and one learned from what came before. Only what was
recorded before counts; a case needs two thirds of the coming values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from sre_copilot.cognition.forecast.breach_calibration import BINS, Calibration, fit
from sre_copilot.cognition.forecast.breach_features import PACE_SECONDS, Past, features, read_past
from sre_copilot.cognition.forecast.breach_table import SHIPPED
from sre_copilot.cognition.forecast.thresholds import learned_capacity
from sre_copilot.errors import UsageError
from sre_copilot.eval.forecast.series import Recorded, container_series

GIVEN = (0.8, 0.9)  # the usual warning and critical level of a share of a limit
EVERY_SECONDS = 1_800
LEAST_PAST_SECONDS = 4 * 3_600
LEAST_COMING = 2 / 3
FOLDS = 5
PEER_SECONDS = 3_600  # the window that rules with predict_linear usually look back on
LEAST_WARNINGS = 10  # fewer of one probability tell no hit rate


@dataclass(frozen=True, slots=True)
class Case:
    """One question: what the past says, the peer's margin over the limit, and whether the limit was crossed."""

    group: int
    inputs: np.ndarray
    peer: float
    crossed: bool


def breach_cases(folder: Path, *, horizon_hours: float) -> list[Case]:
    """Return every case of every container."""
    found = []
    for group, series in enumerate(container_series(folder)):
        horizon = round(horizon_hours * 3_600)
        first, last = (
            LEAST_PAST_SECONDS // series.step_seconds,
            series.values.size - horizon // series.step_seconds,
        )
        for at in range(first, last + 1, EVERY_SECONDS // series.step_seconds):
            found += _cases(series, group, at, horizon)
    if sum(case.crossed for case in found) < FOLDS:
        raise UsageError(
            f"{folder} holds {len(found)} cases with fewer than {FOLDS} crossings; memory of containers is needed"
        )
    return found


def _cases(series: Recorded, group: int, at: int, horizon: int) -> list[Case]:
    step = series.step_seconds
    past = read_past(series.values[:at], step_seconds=step, sign=1.0)
    coming = series.values[at : at + horizon // step]
    if past is None or np.isfinite(coming).mean() < LEAST_COMING:
        return []
    highest = _highest(coming, max(1, PACE_SECONDS // step))
    limits = [*GIVEN, learned_capacity(past.blocks, ceiling=1.0)]
    return [
        Case(
            group,
            _question(past, limit, horizon),
            _straight_line(series.values[:at], step, horizon, limit),
            highest >= limit,
        )
        for limit in limits
        if past.blocks[-1] < limit <= 1.0
    ]


def _question(past: Past, limit: float, horizon: int) -> np.ndarray:
    return features(past, limit=limit, season_rise=0.0, horizon_seconds=horizon)


def _highest(values: np.ndarray, width: int) -> float:
    """Highest median of `width` columns."""
    kept = values[: values.size // width * width].reshape(-1, width)
    kept = kept[np.isfinite(kept).any(axis=1)]
    return float(np.nanmedian(kept, axis=1).max())


def _straight_line(values: np.ndarray, step: int, horizon: int, limit: float) -> float:
    """By how much a least-squares line through the last hour ends above the limit, as `predict_linear` draws it."""
    recent = values[-PEER_SECONDS // step :]
    known = np.flatnonzero(np.isfinite(recent))
    rate, level = np.polyfit(known, recent[known], 1) if known.size > 1 else (0.0, recent[known[-1]])
    return float(level + rate * (recent.size - 1 + horizon / step) - limit)


def out_of_fold(cases: list[Case]) -> np.ndarray:
    """Return the probability of each case by a calibration fitted without its container."""
    inputs, crossed, groups = _arrays(cases)
    order = np.random.default_rng(0).permutation(groups.max() + 1)
    fold = order[groups] % FOLDS
    result = np.empty(len(cases))
    for each in range(FOLDS):
        result[fold == each] = fit(inputs[fold != each], crossed[fold != each]).probability(
            inputs[fold == each]
        )
    return result


def calibrate(cases: list[Case], told: np.ndarray) -> Calibration:
    """Fit on all cases; the hit rates are those of the out-of-fold probabilities `told`."""
    inputs, crossed, _ = _arrays(cases)
    place = np.searchsorted(BINS, np.minimum(told, BINS[-1]))
    chosen = [crossed[place == each] for each in range(len(BINS))]
    rates = tuple(round(float(part.mean()), 3) if part.size >= LEAST_WARNINGS else None for part in chosen)
    return fit(inputs, crossed, hit_rates=rates)


def evaluate_breaches(folder: Path, *, horizon_hours: float = 6.0) -> dict[str, Any]:
    """Return the figures of `sre-copilot eval breach`."""
    cases = breach_cases(folder, horizon_hours=horizon_hours)
    told = out_of_fold(cases)
    inputs, crossed, groups = _arrays(cases)
    peer = np.array([case.peer for case in cases])
    warned = told >= 0.5
    return {
        "average_precision": float(average_precision_score(crossed, told)),
        "shipped_average_precision": float(average_precision_score(crossed, SHIPPED.probability(inputs))),
        "peer_predict_linear": float(average_precision_score(crossed, peer > 0)),
        "peer_predict_linear_ranked": float(average_precision_score(crossed, peer)),
        "chance": float(crossed.mean()),
        "brier": float(np.mean((told - crossed) ** 2)),
        "hit_rate": float(crossed[warned].mean()) if warned.any() else None,
        "recall": float(warned[crossed].mean()),
        "n": len(cases),
        "crossings": int(crossed.sum()),
        "containers": len(set(groups.tolist())),
        "containers_that_crossed": len(set(groups[crossed].tolist())),
        "horizon_hours": horizon_hours,
        "calibration": asdict(calibrate(cases, told)),
    }


def _arrays(cases: list[Case]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    inputs = np.array([case.inputs for case in cases])
    return inputs, np.array([case.crossed for case in cases]), np.array([case.group for case in cases])
