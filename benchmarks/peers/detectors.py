"""Detectors of other people's libraries, made causal: each point is judged by a model of what came before it.

Called with the name of a detector, a file of series (`.npz`, one array each), and a file to write the scores to. One configuration
each for all series, the best of those tried on the labelled series of the evaluation.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]
FIRST = 30  # points before the first model
BLOCKS = 60  # models a series: a block of a sixtieth is judged by a model of all that came before it


def by_blocks(
    features: Floats, judge: Callable[[Floats, Floats], Floats], *, first: int = FIRST, blocks: int = BLOCKS
) -> Floats:
    """Scores of each block of rows by a function of (the rows before, the block)."""
    scores = np.full(len(features), np.nan)
    size = max(16, len(features) // blocks)
    begin = first
    while begin < len(features):
        end = min(begin + size, len(features))
        scores[begin:end] = judge(features[:begin], features[begin:end])
        begin = end
    return scores


def filled(values: Floats) -> Floats:
    """A missing value repeats the last one: the libraries accept none."""
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return np.nan_to_num(values[last])


def windows(values: Floats, width: int) -> Floats:
    """The last `width` values at each time, the first value repeated before the start."""
    padded = np.concatenate((np.full(width - 1, values[0]), values))
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, width))


def knn(values: Floats, *, width: int = 5, neighbours: int = 2) -> Floats:
    """Distance of a short raw window to its k-th nearest among the earlier ones (scikit-learn)."""

    def judge(past: Floats, block: Floats) -> Floats:
        model = NearestNeighbors(n_neighbors=min(neighbours, len(past))).fit(past)
        return model.kneighbors(block)[0][:, -1]

    return by_blocks(windows(values, width), judge)


def pca(values: Floats, *, width: int, kept: float = 0.0, weighted: bool = False) -> Floats:
    """What the leading components of earlier raw windows do not explain of a window (scikit-learn)."""

    def judge(past: Floats, block: Floats) -> Floats:
        if np.ptp(past) == 0:  # no component of what never moved
            return (block != past[0]).sum(1).astype(float)
        model = PCA(svd_solver="full").fit(past)
        turned = (model.transform(block)) ** 2
        if weighted:
            return (
                turned / np.maximum(model.explained_variance_, 1e-9 * model.explained_variance_[0] + 1e-12)
            ).sum(1)
        leading = np.cumsum(model.explained_variance_ratio_) <= kept
        return turned[:, ~leading].sum(1)

    return by_blocks(windows(values, width), judge, first=max(FIRST, 2 * width))


def rolling_mad(values: Floats, *, width: int = 1440) -> Floats:
    """Distance from the median of the last values in MADs, as dashboards draw it (pandas)."""
    series = pd.Series(values)
    rolling = series.shift(1).rolling(width, min_periods=FIRST)
    median = rolling.median()
    mad = (series.shift(1) - median).abs().rolling(width, min_periods=FIRST).median()
    return ((series - median).abs() / np.maximum(mad, 1e-3 * median.abs() + 1e-9)).to_numpy()


def isolation_forest(values: Floats, *, width: int = 4) -> Floats:
    """Isolation Forest on raw windows (scikit-learn)."""

    def judge(past: Floats, block: Floats) -> Floats:
        return -IsolationForest(n_estimators=100, random_state=0).fit(past).score_samples(block)

    return by_blocks(
        windows(values, width), judge, blocks=10
    )  # a forest of the past changes little from block to block


DETECTORS: dict[str, Callable[[Floats], Floats]] = {
    "rolling mad": rolling_mad,
    "knn 5": knn,
    "pca 16": lambda values: pca(values, width=16, weighted=True),
    "pca 64": lambda values: pca(values, width=64, kept=0.3),
    "isolation forest": isolation_forest,
}
"""What dashboards draw, the configurations that were best on one of the sets, and the detector that is named most. Tried and left out because
they were best on none and take many times as long: neighbours of longer windows, local outlier factor, half-space trees."""


def main(name: str, source: str, target: str) -> dict[str, Any]:
    """Score every series by one detector."""
    series = dict(np.load(source))
    began = time.perf_counter()
    scores = {key: DETECTORS[name](filled(values)) for key, values in series.items()}
    np.savez_compressed(target, **scores)  # type: ignore[arg-type]
    return {"seconds": round(time.perf_counter() - began, 2)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
