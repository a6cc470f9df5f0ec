"""How well the scores of one series agree with its labels.

References
----------
Garg, Zhang, Samaran, Savitha and Foo, An Evaluation of Anomaly Detection and Diagnosis in Multivariate Time Series, IEEE TNNLS 33(6),
2022, sec. III-D: the composite F-score, events for recall and points for precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.eval.anomalies.vus import runs, vus_pr

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What one series is measured at; `unscored` is the share of points without a score, which count as least anomalous."""

    vus_pr: float
    auc_pr: float
    event_f1: float
    base_rate: float
    unscored: float
    points: int
    events: int
    window: int


def accuracy(labels: Flags, scores: Floats, *, window: int) -> Accuracy:
    """Measure the scores of one series against its labels (both of shape (times,)); NaN figures without any event."""
    ranked = least_anomalous_where_missing(scores)
    return Accuracy(
        vus_pr=vus_pr(labels, ranked, window=window),
        auc_pr=auc_pr(labels, ranked),
        event_f1=event_f1(labels, ranked),
        base_rate=float(labels.mean()),
        unscored=float(np.isnan(scores).mean()),
        points=len(labels),
        events=len(runs(labels)),
        window=window,
    )


def least_anomalous_where_missing(scores: Floats) -> Floats:
    """Scores with NaN below the lowest of the others: what was not judged raised no alarm."""
    finite = scores[~np.isnan(scores)]
    lowest = float(np.min(finite)) if len(finite) else 0.0
    below: Floats = np.where(np.isnan(scores), np.nextafter(lowest, -np.inf), scores)
    return below


def auc_pr(labels: Flags, scores: Floats) -> float:
    """Area under the precision-recall curve of points, as a step function (average precision)."""
    if not labels.any():
        return float("nan")
    hits, predicted = _by_threshold(labels, scores)
    gain = np.diff(hits / hits[-1], prepend=0.0)
    return float(np.dot(gain, hits / predicted))


def event_f1(labels: Flags, scores: Floats) -> float:
    """The best F1 of any threshold, of the share of events with a point above it and the share of points above it inside events.

    An event is a run of labelled points. Points and not runs count for precision: otherwise one alarm that never ends would find every event
    and be false only between them.
    """
    events = runs(labels)
    if not len(events):
        return float("nan")
    hits, predicted = _by_threshold(labels, scores)
    precision = hits / predicted
    highest = np.sort([scores[start : end + 1].max() for start, end in events])
    recall = 1 - np.searchsorted(highest, _thresholds(scores), side="left") / len(events)
    total = precision + recall
    return float(np.max(np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)))


def _thresholds(scores: Floats) -> Floats:
    """The distinct scores, highest first."""
    return np.unique(scores)[::-1]


def _by_threshold(labels: Flags, scores: Floats) -> tuple[Floats, Floats]:
    """Labelled points and all points at or above each distinct score, highest first."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits = np.cumsum(labels[order])[last].astype(np.float64)
    return hits, (last + 1).astype(np.float64)
