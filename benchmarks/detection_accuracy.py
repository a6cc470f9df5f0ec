"""How well the default detector agrees with labels, beside detectors of other libraries on the same series.

Needs labelled series: `SRE_COPILOT_DATA` names the folder above `timeseries/`.
"""

from __future__ import annotations

import os
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

Floats = NDArray[np.float64]
Collection = dict[tuple[str, str], LabelledSeries]


def measure(peers: Peers) -> Figure:
    """Mean over the sets of our VUS-PR and of that of the best peer; the ratio of each set in the details."""
    series = collection()
    ours = by_set(series, {key: _scores(each) for key, each in series.items()})
    detail: dict[str, float | str] = {f"ours {name}": value for name, value in ours.items()}
    try:
        theirs = peer_figures(series, peers)
    except PeerMissing as missing:
        return Figure(
            unit="VUS-PR", ours=fmean(ours.values()), detail={**detail, "peers_missing": str(missing)}
        )
    best = {name: max(figures[name] for figures in theirs.values()) for name in ours}
    detail |= {f"{peer} {name}": value for peer, figures in theirs.items() for name, value in figures.items()}
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


def peer_figures(series: Collection, peers: Peers) -> dict[str, dict[str, float]]:
    """VUS-PR of each peer by set; they get the values alone, never the labels."""
    keys = {str(number): key for number, key in enumerate(series)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "series.npz"), Path(folder, "scores.npz")
        np.savez(source, **{number: series[key].values for number, key in keys.items()})  # type: ignore[arg-type]
        peers.run("detectors.py", str(source), str(target))
        scored = dict(np.load(target))
    names = dict.fromkeys(name.rpartition("/")[0] for name in scored)
    return {
        peer: by_set(series, {key: scored[f"{peer}/{number}"] for number, key in keys.items()})
        for peer in names
    }


def _scores(series: LabelledSeries) -> Floats:
    grid = to_grid(series.times, series.values)
    found: Floats = load_one("sre_copilot.series_detectors", DETECTOR)().score(
        grid.values, start=grid.start, step_seconds=grid.step_seconds
    )
    return found[grid.cells]
