"""How well the default detector agrees with labels, beside detectors of other libraries on the same series.

Needs labelled series: `SRE_COPILOT_DATA` names the folder above `timeseries/`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, PeerMissing, Peers
from sre_copilot.eval.anomalies.datasets import (
    SERIES_SETS,
    LabelledSeries,
    present,
    read_series,
    series_names,
)
from sre_copilot.eval.anomalies.grid import to_grid
from sre_copilot.eval.anomalies.period import buffer_window
from sre_copilot.eval.anomalies.scores import accuracy
from sre_copilot.plugins import load_one

NAME = "detection_accuracy"
ABOUT = "mean VUS-PR of the labelled sets, ours beside the best single causal peer of each set"
DETECTOR = "ensemble"
VARIABLE = "SRE_COPILOT_DATA"
PEERS = ("rolling mad", "knn 5", "pca 16", "pca 64", "isolation forest")
"""In the order of what they cost."""

Floats = NDArray[np.float64]
Collection = dict[tuple[str, str], LabelledSeries]


def measure(peers: Peers) -> Figure:
    """Mean over the sets of our VUS-PR and of that of the best peer; the ratio of each set in the details.

    A peer that is missing might have been the best one: then there is no ratio.
    """
    series = collection()
    ours = by_set(series, {key: _scores(each) for key, each in series.items()})
    _say(DETECTOR, ours)
    theirs, missing = peer_figures(series, peers)
    detail: dict[str, float | str] = {f"ours {name}": value for name, value in ours.items()}
    detail |= {f"{peer} {name}": value for peer, figures in theirs.items() for name, value in figures.items()}
    if missing:
        said = "; ".join(f"{peer}: {reason}" for peer, reason in missing.items())
        return Figure(unit="VUS-PR", ours=fmean(ours.values()), detail={**detail, "peers_missing": said})
    best = {name: max(figures[name] for figures in theirs.values()) for name in ours}
    detail |= {f"ratio {name}": ours[name] / best[name] for name in ours}
    return Figure(unit="VUS-PR", ours=fmean(ours.values()), peer=fmean(best.values()), detail=detail)


def collection() -> Collection:
    """Every labelled series of the folder that the environment names."""
    root = os.environ.get(VARIABLE)
    if not root:
        raise LookupError(f"set {VARIABLE} to the folder above timeseries/")
    folder = Path(root, "timeseries")
    return {
        (dataset, name): read_series(folder, dataset, name)
        for dataset in present(folder)
        if dataset in SERIES_SETS
        for name in series_names(folder, dataset)
    }


def by_set(series: Collection, scores: Mapping[tuple[str, str], Floats]) -> dict[str, float]:
    """Mean VUS-PR of each set, every series counting once."""
    found: dict[str, list[float]] = {}
    for key, each in series.items():
        measured = accuracy(each.labels, scores[key], window=buffer_window(each.values))
        found.setdefault(key[0], []).append(measured.vus_pr)
    return {name: fmean(values) for name, values in found.items()}


def peer_figures(series: Collection, peers: Peers) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """VUS-PR of each peer by set, and why there is none of some; they get the values alone, never the labels."""
    keys = {str(number): key for number, key in enumerate(series)}
    found, missing = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "series.npz"), Path(folder, "scores.npz")
        np.savez(source, **{number: series[key].values for number, key in keys.items()})  # type: ignore[arg-type]
        for peer in PEERS:
            try:
                peers.run("detectors.py", peer, str(source), str(target))
            except PeerMissing as reason:
                missing[peer] = str(reason)
                continue
            with np.load(target) as scored:
                found[peer] = by_set(series, {key: scored[number] for number, key in keys.items()})
            _say(peer, found[peer])
    return found, missing


def _say(detector: str, figures: Mapping[str, float]) -> None:
    """Tell a figure as soon as it is known: the whole takes minutes."""
    print(
        f"bench: {NAME}: {detector}:",
        ", ".join(f"{name} {value:.3f}" for name, value in figures.items()),
        file=sys.stderr,
        flush=True,
    )


def _scores(series: LabelledSeries) -> Floats:
    grid = to_grid(series.times, series.values)
    found: Floats = load_one("sre_copilot.series_detectors", DETECTOR)().score(
        grid.values, start=grid.start, step_seconds=grid.step_seconds
    )
    return found[grid.cells]
