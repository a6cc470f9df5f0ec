"""How much worse a node's golden signals are in a few rows than otherwise, and how surprising that is.

The excess of a node is additive along calls: seconds of waiting (requests x latency above the calm level) and failed
requests appear in the callee and again, as many, in whoever waits for it. Hence one unit for all nodes, and no z-score
across nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import e, exp, log

import numpy as np

from sre_copilot.cognition.detectors.golden_panel import (
    MEASURED_NODES,
    Array,
    Kind,
    Panel,
    Signal,
    applies,
    observed,
    signal_kind,
)
from sre_copilot.domain.incident import Observation

KINDS: tuple[Kind, ...] = ("latency", "failures")
FEWEST_REFERENCE = 20  # windows; with fewer a tail of one in ten holds less than two
RAREST = 1e-3  # a reference of two days holds a hundred separate windows: ten times beyond is as far as its tail reaches
LATENCY_RESOLUTION = 0.02  # of the calm level: less than a fiftieth is within rounding and sampling
NEW_TRAFFIC = 5.0  # times: beyond what a daily shape does to the traffic of an edge that is in use


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is complained about: rows `first <= row < last` of one kind of one entity stand out by `nats`."""

    entity: str
    kind: Kind
    first: int
    last: int
    nats: float


@dataclass(frozen=True, slots=True)
class Excess:
    """Of one node over the symptom's rows.

    `total` is waiting in latency units or failed requests, `nats` how surprising it is given fault-free windows of the
    node, `scale` what such windows reach one time in ten.
    """

    total: float
    nats: float
    scale: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything the walk and the findings are made from."""

    current: Panel
    reference: Panel | None
    symptom: Symptom
    excess: Mapping[Kind, Mapping[str, Excess]]
    newly_called: frozenset[str]


def measure(observation: Observation) -> Measurement | None:
    """Measure an incident; None when golden signals over a call graph are not what was recorded."""
    if not applies(observation):
        return None
    current, reference = observed(observation)
    nodes = current.measured & set(observation.topology.entities)
    if len(nodes) < MEASURED_NODES:
        return None
    symptom = find_symptom(observation, current, reference)
    if symptom is None:
        return None
    excess = {kind: _excesses(current, reference, kind, symptom) for kind in KINDS}
    return Measurement(current, reference, symptom, excess, _newly_called(current, reference, symptom))


def surprise(value: float, null: Array, resolution: float) -> float:
    """Evidence, in nats, that `value` is no fault-free value.

    Parameters
    ----------
    value : larger is worse
    null : the same statistic of fault-free windows, shape (windows,)
    resolution : smallest step that counts, in the unit of `value`; keeps a constant reference from calling any change a certainty

    Returns
    -------
    Upper bound of the log Bayes factor of the tail probability p, `-ln(-e p ln p)`, at least 0. Beyond the largest reference value the
    tail is exponential with the mean excess over the ninth decile.

    References
    ----------
    Sellke, Bayarri, Berger, Calibration of p values for testing precise null hypotheses, 2001, eq. 3. Siffer et al., Anomaly
    detection in streams with extreme value theory, KDD 2017, eq. 1 with shape 0 (peaks over a threshold).
    """
    null = null[np.isfinite(null)]
    if null.size < FEWEST_REFERENCE or not np.isfinite(value):
        return 0.0
    threshold = float(np.quantile(null, 0.9))
    reached = int((null >= value).sum())
    probability = (1 + reached) / (1 + null.size)
    if not reached and value > threshold:
        over = null[null > threshold] - threshold
        spread = max(float(over.mean()) if over.size else 0.0, resolution)
        probability = min(probability, 0.1 * exp(-(value - threshold) / spread))
    probability = max(probability, RAREST)
    return -log(-e * probability * log(probability)) if probability < 1 / e else 0.0


def assumed(relative: float) -> float:
    """Nats of a relative change without any fault-free time to judge it by: half of at most 2 at a rise by a quarter."""
    return max(0.0, 2.0 * relative / (relative + 0.25)) if relative > 0 else 0.0


def find_symptom(observation: Observation, current: Panel, reference: Panel | None) -> Symptom | None:
    """The complaint on the grid; without a known alerted entity the worst root of the call graph that carries traffic."""
    candidates = complaints(observation, current)
    found = [
        Symptom(entity, kind, *_episode(current.of(kind)[entity], _usual(reference, kind, entity)))
        for entity, kind in candidates
    ]
    penalty = log(len(found)) if found else 0.0  # as many chances for a coincidence
    fair = [Symptom(each.entity, each.kind, each.first, each.last, each.nats - penalty) for each in found]
    return max(fair, key=lambda each: (each.nats, each.entity, each.kind), default=None)


def complaints(observation: Observation, current: Panel) -> list[tuple[str, Kind]]:
    """Entities and kinds that the complaint may be about."""
    complaint, topology = observation.incident.complaint, observation.topology
    spoken = {"latency": KINDS[:1], "availability": KINDS[1:], "failures": KINDS[1:]}
    kinds = spoken.get(signal_kind(complaint.metric), KINDS)
    roots = [node for node in topology.entities if not topology.callers(node) and topology.callees(node)]
    for entities, wanted in (
        ([complaint.entity], kinds),
        ([complaint.entity], KINDS),
        (roots, kinds),
        (roots, KINDS),
    ):
        usable = [
            (entity, kind)
            for entity in entities
            for kind in wanted
            if _usual(current, kind, entity) is not None and entity in current.requests
        ]
        if usable:
            return usable
    return []


def episodes(rows: int) -> list[tuple[int, int]]:
    """Stretches of rows that a fault may cover: any that leaves two rows to compare with, or all rows."""
    some = [(i, j) for i in range(rows) for j in range(i + 1, rows + 1) if rows - (j - i) >= 2]
    return [*some, (0, rows)]


def contrast(windows: Array, calm: float) -> Array:
    """How far each stretch of each window lies above its other rows, all rows above `calm`.

    Parameters
    ----------
    windows : shape (…, rows), larger is worse
    calm : level of fault-free times, for the stretch that covers all rows

    Returns
    -------
    Shape (…, stretches), scaled by `sqrt(m (n - m) / n)` so that stretches of different length compare.

    References
    ----------
    Levin, Kline, The CUSUM test of homogeneity with an application in spontaneous abortion epidemiology, 1985, section 2
    (epidemic alternative).
    """
    rows = windows.shape[-1]
    total = windows.sum(axis=-1)
    found = []
    for first, last in episodes(rows)[:-1]:
        length = last - first
        inside = windows[..., first:last].sum(axis=-1)
        difference = inside / length - (total - inside) / (rows - length)
        found.append(difference * np.sqrt(length * (rows - length) / rows))
    # half: a level that was shifted all along may also be drift since the reference was recorded
    found.append((total / rows - calm) * np.sqrt(rows) / 2)
    return np.stack(found, axis=-1)


def _episode(signal: Signal, reference: Signal | None) -> tuple[int, int, float]:
    """First and last row of the stretch that stands out most, and its nats."""
    values = signal.values
    source = values if reference is None else reference.values
    calm = float(np.nanmedian(source))
    statistics = contrast(np.nan_to_num(values, nan=calm), calm)
    first, last = episodes(values.size)[int(statistics.argmax())]
    if reference is None or source.size < values.size:
        inside, outside = values[first:last], np.delete(values, slice(first, last))
        change = _level(inside, calm) - _level(outside, calm)
        return first, last, assumed(change if calm <= 0 else change / calm)
    null = contrast(_windows(np.nan_to_num(source, nan=calm), values.size), calm).max(axis=-1)
    resolution = max(LATENCY_RESOLUTION * abs(calm), 1e-4)  # one failure in ten thousand requests
    return first, last, surprise(float(statistics.max()), null, resolution)


def _level(values: Array, otherwise: float) -> float:
    present = values[np.isfinite(values)]
    return float(present.mean()) if present.size else otherwise


def _usual(panel: Panel | None, kind: Kind, node: str) -> Signal | None:
    """The node's signal, if it ever reported."""
    found = panel.of(kind).get(node) if panel else None
    return found if found is not None and np.isfinite(found.values).any() else None


def _windows(values: Array, rows: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(values, rows)


def excess(values: Array, requests: Array, first: int, last: int, calm: float) -> Array:
    """Total excess of rows `first <= row < last` over the request-weighted level of the other rows.

    Parameters
    ----------
    values : latency or failing fraction, shape (…, rows), NaN = missing
    requests : requests per row, same shape
    calm : level to take where there are no other rows, or none with requests

    Returns
    -------
    Latency units or failed requests, shape (…).
    """
    missing = np.isnan(values) | np.isnan(requests)
    weight, level = np.where(missing, 0.0, requests), np.where(missing, 0.0, values)
    rest = np.ones(values.shape[-1], dtype=bool)
    rest[first:last] = False
    calls = weight[..., rest].sum(axis=-1)
    weighted = (weight * level)[..., rest].sum(axis=-1)
    base = np.where(calls > 0, weighted / np.maximum(calls, 1e-12), calm)
    inside: Array = (weight * (level - base[..., None]))[..., first:last].sum(axis=-1)
    return inside


def _excesses(current: Panel, reference: Panel | None, kind: Kind, symptom: Symptom) -> dict[str, Excess]:
    """Excess of every node of one kind; nodes that the reference lacks are judged by how much their peers vary."""
    found: dict[str, Excess] = {}
    lacking: dict[str, tuple[float, float]] = {}
    peers: list[Array] = []
    for node, signal in current.of(kind).items():
        calls = current.requests.get(node)
        if calls is None or not np.isfinite(signal.values).any():
            continue
        known = _usual(reference, kind, node)
        calm = float(np.nanmedian(known.values if known else signal.values))
        total = float(excess(signal.values, calls.values, symptom.first, symptom.last, calm))
        busy = max(float(np.nansum(calls.values[symptom.first : symptom.last])), 1.0)
        unit = busy * max(calm, 1e-12) if kind == "latency" else busy
        if known is None or reference is None or known.values.size < signal.values.size:
            lacking[node] = (total, unit)
            continue
        null = _null(known, reference.requests.get(node), signal.values.size, symptom, calm)
        resolution = 1.0 if kind == "failures" else LATENCY_RESOLUTION * unit
        scale = max(float(np.quantile(np.abs(null), 0.9)), resolution, 1e-12)
        found[node] = Excess(total, surprise(total, null, resolution), scale)
        peers.append(null / unit)
    return found | {node: _unreferenced(*each, peers) for node, each in lacking.items()}


def _unreferenced(total: float, unit: float, peers: list[Array]) -> Excess:
    relative = total / unit
    nats = surprise(relative, np.concatenate(peers), LATENCY_RESOLUTION) if peers else assumed(relative)
    return Excess(total, nats, max(abs(total), 1e-12))


def _null(known: Signal, usual: Signal | None, rows: int, symptom: Symptom, calm: float) -> Array:
    calls = np.ones(known.values.size) if usual is None else usual.values
    return excess(_windows(known.values, rows), _windows(calls, rows), symptom.first, symptom.last, calm)


def _newly_called(current: Panel, reference: Panel | None, symptom: Symptom) -> frozenset[str]:
    """Nodes that were hardly called before: who starts to call them has changed, they have not."""
    return frozenset(
        node
        for node, calls in current.requests.items()
        if _is_new(calls.values, reference.requests.get(node) if reference else None, symptom)
    )


def _is_new(calls: Array, usual: Signal | None, symptom: Symptom) -> bool:
    inside = np.nan_to_num(calls[symptom.first : symptom.last])
    outside = np.nan_to_num(np.delete(calls, slice(symptom.first, symptom.last)))
    if not outside.size and usual is None:
        return False
    before = max(
        float(np.nanmean(usual.values)) if usual else 0.0, float(outside.mean()) if outside.size else 0.0
    )
    return float(inside.mean()) > NEW_TRAFFIC * before + 1.0
