"""Golden signals as arrays: latency, availability and requests per node on one grid of time.

All nodes share one unit: latency is in the unit of its metric (scaled to seconds when the name says another), failures
are a fraction 0 to 1, requests are counts per row or, alike for every node, a rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.domain.incident import Observation

Array = NDArray[np.float64]
Kind = Literal["latency", "failures"]

MEASURED_NODES = 3  # two nodes have no path between them that could be told from a coincidence
MAXIMUM_ROWS = 12  # longer windows are averaged in blocks: a fault covers more than a twelfth of its window
WORDS: tuple[tuple[str, str], ...] = (
    ("availability", r"availab|success"),
    ("failures", r"fault|error|fail|5xx"),
    ("latency", r"latency|duration|response_?time|elapsed"),
    ("requests", r"requests?(?!.*(size|bytes))|calls|invocations|throughput|(^|[._])(qps|rps|volume|count)"),
)
MEAN = re.compile(r"(^|[^a-z])(mean|average|avg)([^a-z]|$)", re.IGNORECASE)
QUANTILE = re.compile(r"p_?\d\d|median|quantile|max|min", re.IGNORECASE)
SHARE = re.compile(r"rate|ratio|percent|%|share", re.IGNORECASE)
UNITS = ((r"(_|\.|\()(ms|milliseconds?)", 1e-3), (r"(_|\.|\()(us|microseconds?)", 1e-6))


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of one node on the grid: its metric, and its raw and normalised values, shape (rows,), NaN = missing.

    `falls` says that the raw metric gets worse by falling; `values` always get worse by rising.
    """

    metric: str
    falls: bool
    raw: Array
    values: Array


@dataclass(frozen=True, slots=True)
class Panel:
    """All golden signals of one recording; `ts` are the starts of the rows in epoch seconds, `step` their length."""

    ts: Array
    step: float
    latency: Mapping[str, Signal]
    failures: Mapping[str, Signal]
    requests: Mapping[str, Signal]

    def of(self, kind: Kind) -> Mapping[str, Signal]:
        """The signals of one kind by node."""
        return self.latency if kind == "latency" else self.failures

    def rows(self, first: int, last: int) -> Panel:
        """The rows `first <= row < last`."""
        return self._each(self.ts[first:last], self.step, lambda values: values[first:last])

    def blocks(self, size: int) -> Panel:
        """Averages of `size` rows each; an incomplete block at the end is left out."""
        if size <= 1:
            return self
        kept = self.ts.size // size * size
        return self._each(
            self.ts[:kept:size], self.step * size, lambda values: _mean(values[:kept].reshape(-1, size))
        )

    def _each(self, ts: Array, step: float, change: Callable[[Array], Array]) -> Panel:
        parts = (
            {
                node: replace(each, raw=change(each.raw), values=change(each.values))
                for node, each in part.items()
            }
            for part in (self.latency, self.failures, self.requests)
        )
        return Panel(ts, step, *parts)

    @property
    def measured(self) -> frozenset[str]:
        """Nodes whose excess can be weighed: requests, and latency or availability."""
        return frozenset(self.requests) & (frozenset(self.latency) | frozenset(self.failures))


def signal_kind(name: str) -> str:
    """The kind of signal that a metric's name speaks of, or an empty string."""
    lowered = name.lower()
    return next((kind for kind, words in WORDS if re.search(words, lowered)), "")


def applies(observation: Observation) -> bool:
    """Whether golden signals over a call graph are what is known: spans or cluster state would say more."""
    current = observation.current
    plain = current.traces is None and not current.state and current.metrics is not None
    return plain and bool(observation.topology.edges)


def observed(observation: Observation) -> tuple[Panel, Panel | None]:
    """The rows to judge and the fault-free rows to judge them by, on one grid.

    Without a reference the rows before the incident serve, when the recording goes back that far.
    """
    incident, metrics = observation.incident, observation.current.metrics
    if metrics is None:
        return Panel(np.empty(0), 1.0, {}, {}, {}), None
    current = panel(metrics, incident.metric_interval_s)
    recorded = observation.reference.metrics if observation.reference else None
    reference = None if recorded is None else panel(recorded, current.step)
    start = incident.window.start if incident.window else incident.onset
    if current.ts.size > MAXIMUM_ROWS and start is not None:
        # three rows before: the onset is known to a minute or more, and calm rows are what the others are compared with
        cut = max(0, int((start - current.ts[0]) // current.step) - 3)
        end = current.ts[-1] if incident.window is None else incident.window.end
        past = current.rows(0, cut)
        current = current.rows(cut, int((end - current.ts[0]) // current.step) + 1)
        reference = reference or (past if past.ts.size else None)
    size = -(-current.ts.size // MAXIMUM_ROWS)
    return current.blocks(size), reference.blocks(size) if reference else None


def panel(metrics: pl.DataFrame, step: float | None = None) -> Panel:
    """Arrange the golden signals of a table of metrics on a grid.

    Parameters
    ----------
    metrics : ts, service, instance, metric, value in any order; instances are averaged (requests: added up)
    step : seconds between rows; None takes the median distance of the recorded times

    Returns
    -------
    The panel; of several statistics of latency the mean is taken, since only means add up along calls.
    """
    coded = _coded(metrics)
    kinds = {name: signal_kind(name) for name in coded.metrics}
    wanted = np.array([bool(kinds[name]) for name in coded.metrics], dtype=bool)
    keep = wanted[coded.metric] & np.isfinite(coded.value) & ~coded.pseudo[coded.service]
    if not keep.any():
        return Panel(np.empty(0), step or 1.0, {}, {}, {})
    coded = coded.where(keep)
    start, step = float(coded.ts.min()), step or _step(coded.ts)
    grids = _grids(coded, _chosen(kinds), start, step)
    requests = _signals(grids, "requests")
    rows = int((float(coded.ts.max()) - start) // step) + 1
    times: Array = start + step * np.arange(rows, dtype=np.float64)
    return Panel(times, step, _signals(grids, "latency"), _failures(grids, requests), requests)


@dataclass(frozen=True, slots=True)
class _Coded:
    """The table of metrics with numbers for names, which is what makes arranging it fast."""

    ts: NDArray[np.int64]
    value: Array
    metric: NDArray[np.int64]
    service: NDArray[np.int64]
    instance: NDArray[np.int64]
    metrics: tuple[str, ...]
    services: tuple[str, ...]
    pseudo: NDArray[np.bool_]

    def where(self, keep: NDArray[np.bool_]) -> _Coded:
        """The rows of a mask."""
        return replace(
            self,
            ts=self.ts[keep],
            value=self.value[keep],
            metric=self.metric[keep],
            service=self.service[keep],
            instance=self.instance[keep],
        )


def _coded(metrics: pl.DataFrame) -> _Coded:
    table = metrics.drop_nulls(["ts", "service", "metric", "value"])
    (metric, metrics_), (service, services), (instance, _) = (
        _codes(table[name]) for name in ("metric", "service", "instance")
    )
    pseudo = np.array([name.startswith("_") for name in services], dtype=bool)
    return _Coded(
        table["ts"].to_numpy(),
        table["value"].to_numpy(),
        metric,
        service,
        instance,
        metrics_,
        services,
        pseudo,
    )


def _codes(column: pl.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A number for each text, in the order of the texts."""
    names = sorted(column.fill_null("").unique().to_list())
    numbers = column.fill_null("").cast(pl.Enum(names)).to_physical().to_numpy()
    return numbers.astype(np.int64), tuple(names)


def _step(seconds: NDArray[np.int64]) -> float:
    times = np.unique(seconds)
    return float(np.median(np.diff(times))) if times.size > 1 else 1.0


def _chosen(kinds: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Metrics of each kind, best first: a mean before an unnamed statistic before a quantile."""
    found: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        found.setdefault(kind, []).append(name)
    return {
        kind: tuple(
            sorted(names, key=lambda name: (not MEAN.search(name), bool(QUANTILE.search(name)), name))
        )
        for kind, names in found.items()
    }


Grids = dict[str, dict[str, tuple[str, Array]]]


def _grids(coded: _Coded, chosen: Mapping[str, tuple[str, ...]], start: float, step: float) -> Grids:
    """Values by kind and node; a node takes the best metric that it has."""
    grids: Grids = {}
    for kind, names in chosen.items():
        for name in names if kind else ():
            taken = grids.setdefault(kind, {})
            served = np.array([node in taken for node in coded.services], dtype=bool)
            part = coded.where((coded.metric == coded.metrics.index(name)) & ~served[coded.service])
            if not part.ts.size:
                continue
            counted = kind == "requests" or (kind == "failures" and not SHARE.search(name))
            for node, raw in _spread(part, start, step, int(coded.ts.max()), counted).items():
                taken.setdefault(node, (name, raw))
    return grids


def _spread(part: _Coded, start: float, step: float, last: int, add: bool) -> dict[str, Array]:
    """One metric as a row per node: instances are averaged within a row of time, then averaged or added up."""
    rows = int((last - start) // step) + 1
    row = ((part.ts - start) // step).astype(np.int64)
    series, which = np.unique(part.service * (part.instance.max() + 1) + part.instance, return_inverse=True)
    owner = series // (part.instance.max() + 1)
    cells = len(series) * rows
    count = np.bincount(which * rows + row, minlength=cells)
    total = np.bincount(which * rows + row, weights=part.value, minlength=cells)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(series), rows)
    return {part.services[node]: _combined(means[owner == node], add) for node in np.unique(owner)}


def _mean(values: Array) -> Array:
    """Mean along the last axis of what is present, NaN where nothing is."""
    present = np.isfinite(values)
    count = present.sum(axis=-1)
    mean: Array = np.where(
        count > 0, np.where(present, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan
    )
    return mean


def _combined(instances: Array, add: bool) -> Array:
    present = np.isfinite(instances)
    total, count = np.where(present, instances, 0.0).sum(axis=0), present.sum(axis=0)
    return np.where(count > 0, total / (1 if add else np.maximum(count, 1)), np.nan)


def _signals(grids: Grids, kind: str) -> dict[str, Signal]:
    signals = {}
    for node, (name, raw) in grids.get(kind, {}).items():
        scale = next((factor for unit, factor in UNITS if re.search(unit, name.lower())), 1.0)
        signals[node] = Signal(name, False, raw, raw * (scale if kind == "latency" else 1.0))
    return signals


def _failures(grids: Grids, requests: Mapping[str, Signal]) -> dict[str, Signal]:
    """The fraction that fails: from an availability, else from an error share, else from errors per request."""
    available = grids.get("availability", {})
    whole = _whole(raw for _, raw in available.values())
    found = {node: Signal(name, True, raw, 1.0 - raw / whole) for node, (name, raw) in available.items()}
    for node, (name, raw) in grids.get("failures", {}).items():
        if node in found:
            continue
        if SHARE.search(name):
            found[node] = Signal(
                name, False, raw, raw / (100.0 if re.search(r"percent|%", name.lower()) else 1.0)
            )
        elif node in requests:
            calls = requests[node].values
            share = np.where(calls > 0, raw / np.maximum(calls, 1e-12), np.where(calls == 0, 0.0, np.nan))
            found[node] = Signal(name, False, raw, np.minimum(share, 1.0))
    return found


def _whole(arrays: Iterable[Array]) -> float:
    """100 for percentages, 1 for fractions: told by whether any value is above 1."""
    return 100.0 if any(np.nanmax(raw) > 1.0 for raw in arrays) else 1.0
