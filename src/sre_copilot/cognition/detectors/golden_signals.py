"""Nodes whose latency rose, whose availability fell or whose requests changed while the complaint lasted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.detectors.golden_excess import KINDS, Excess, Measurement, measure
from sre_copilot.cognition.detectors.golden_panel import Array, Kind, Panel, Signal
from sre_copilot.domain.evidence import Check, Combine, Finding, Gap, Message, Origin, Query, Relation
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window

NAMES = {"latency": "golden.latency_high", "failures": "golden.availability_low"}
REQUESTS = "golden.requests_change"
TYPES = {"latency": "degradation/latency", "failures": "degradation/availability"}
WORTH_SAYING = 1.0  # nats: below it a coincidence is as likely, and a list of coincidences is noise
COMPLAINED = 0.1  # nats of a complaint that is not refuted outright: others may still confirm it
HALF = 0.5  # a bound half-way between calm and observed: neither noise nor a smaller fault passes it
BRACKET = (
    0.25  # of the change: pins the check to the size that was seen, wide enough for averaging over instances
)
SURGE = 1.5  # times: the daily shape of traffic moves less within one window
NAMED = 5  # names that a gap lists before it counts the rest


def detect(observation: Observation) -> Detection:
    """Compare each node's golden signals during the complaint with its calm rows and with the reference.

    Applies to a call graph whose nodes report requests with latency or availability, when neither spans nor cluster
    state are recorded. The finding of the alerted entity carries `alarm`, the nats of the complaint itself.
    """
    measurement = measure(observation)
    if measurement is None:
        return Detection()
    gaps = tuple(_gaps(measurement, observation))
    if measurement.symptom.nats < COMPLAINED:
        return Detection(gaps=gaps)
    degraded = (finding for kind in KINDS for finding in _degraded(measurement, kind))
    return Detection(findings=(*degraded, *_changed(measurement)), gaps=gaps)


def _degraded(measurement: Measurement, kind: Kind) -> Iterator[Finding]:
    symptom = measurement.symptom
    for node, excess in sorted(measurement.excess[kind].items()):
        complained = (node, kind) == (symptom.entity, symptom.kind)
        if excess.total > 0 and (complained or excess.nats >= WORTH_SAYING):
            finding = _finding(measurement, kind, node, excess, symptom.nats if complained else None)
            if finding is not None:
                yield finding


def _finding(
    measurement: Measurement, kind: Kind, node: str, excess: Excess, alarm: float | None
) -> Finding | None:
    """The finding of one node, or None when its plain mean, which anyone can re-run, does not show the excess."""
    signal = measurement.current.of(kind)[node]
    usual = _usual(measurement, kind, node)
    change = _change(measurement, signal, usual)
    if change is None:
        return None
    observed, calm, _ = change
    params: dict[str, float | str] = {
        "value": _round(observed),
        "calm": _round(calm),
        "factor": _round(observed / calm) if calm else 0.0,
        "excess": _round(excess.total),
        "nats": _round(excess.nats),
        "scale": _round(excess.scale),
    }
    if alarm is not None:
        params["alarm"] = _round(alarm)
    return Finding(
        kind=NAMES[kind],
        entity=node,
        modality="metrics",
        weight=_round(excess.nats if alarm is None else alarm),
        checks=tuple(_checks(measurement, node, signal, usual)),
        params=tuple(params.items()),
        fault_type=TYPES[kind],
        window=_window(measurement.current, measurement.symptom.first, measurement.symptom.last),
    )


def _usual(measurement: Measurement, kind: Kind, node: str) -> Signal | None:
    reference = measurement.reference
    found = reference.of(kind).get(node) if reference else None
    same = found is not None and found.metric == measurement.current.of(kind)[node].metric
    return found if same else None


def _change(
    measurement: Measurement, signal: Signal, usual: Signal | None
) -> tuple[float, float, Window | None] | None:
    """Plain means of the raw metric during the complaint and in calm rows, with the calm rows' window (None: the reference)."""
    observed = _mean(signal.raw[measurement.symptom.first : measurement.symptom.last])
    calm_rows = _calm_rows(measurement, signal)
    if calm_rows is not None:
        calm, window = _mean(signal.raw[slice(*calm_rows)]), _window(measurement.current, *calm_rows)
    elif usual is not None:
        calm, window = _mean(usual.raw), None
    else:
        return None
    worse = calm - observed if signal.falls else observed - calm
    return (observed, calm, window) if worse > 0 else None


def _calm_rows(measurement: Measurement, signal: Signal) -> tuple[int, int] | None:
    """The longer side of the complaint on which the node reported, the earlier one when both are as long."""
    symptom, rows = measurement.symptom, signal.raw.size
    sides = [(0, symptom.first), (symptom.last, rows)]
    reported = [(int(np.isfinite(signal.raw[slice(*side)]).sum()), side) for side in sides]
    count, side = max(reported, key=lambda each: each[0])
    return side if count else None


def _checks(measurement: Measurement, node: str, signal: Signal, usual: Signal | None) -> Iterator[Check]:
    change = _change(measurement, signal, usual)
    if change is None:
        return
    observed, calm, calm_window = change
    window = _window(measurement.current, measurement.symptom.first, measurement.symptom.last)
    query = _query(node, signal.metric, window)
    beyond: Relation = "<=" if signal.falls else ">="
    within: Relation = ">=" if signal.falls else "<="
    step = observed - calm
    yield Check(query=query, aggregate="mean", relation=beyond, bound=calm + HALF * step)
    yield Check(query=query, aggregate="mean", relation=within, bound=observed + BRACKET * step)
    if calm_window is not None:
        yield _against(query, _query(node, signal.metric, calm_window), "difference", beyond, HALF * step)
    if usual is None:
        return
    reference, normal = _query(node, signal.metric, None, "reference"), _mean(usual.raw)
    if signal.falls and observed < normal:
        yield _against(query, reference, "difference", beyond, HALF * (observed - normal))
    elif not signal.falls and observed > normal > 0:
        yield _against(query, reference, "ratio", beyond, 1 + HALF * (observed / normal - 1))


def _changed(measurement: Measurement) -> Iterator[Finding]:
    """Traffic that began or surged: of nodes hardly called before, and of the alerted entity."""
    for node in sorted(measurement.newly_called | {measurement.symptom.entity}):
        signal = measurement.current.requests[node]
        reference = measurement.reference.requests.get(node) if measurement.reference else None
        change = _change(measurement, signal, reference)
        if change is None or change[0] < SURGE * change[1]:
            continue
        observed, calm, _ = change
        new = node in measurement.newly_called
        yield Finding(
            kind=REQUESTS,
            entity=node,
            modality="metrics",
            weight=0.0,  # traffic is what callers do to a node: it shifts blame, and is none itself
            checks=tuple(_checks(measurement, node, signal, reference)),
            params=(("value", _round(observed)), ("calm", _round(calm)), ("new", int(new))),
            window=_window(measurement.current, measurement.symptom.first, measurement.symptom.last),
        )


def _gaps(measurement: Measurement, observation: Observation) -> Iterator[Gap]:
    current, reference = measurement.current, measurement.reference
    nodes = [node for node in observation.topology.entities if not node.startswith("_")]
    if reference is None:
        yield Gap(modality="metrics", message=Message(key="gap.reference_absent"))
    silent = [node for node in nodes if node not in current.latency and node not in current.failures]
    if silent:
        yield _gap("gap.golden_signals_absent", silent)
    if reference is not None:
        lacking = {
            node
            for kind in KINDS
            for node in current.of(kind)
            if node not in reference.of(kind) and node in current.requests
        }
        if lacking:
            yield _gap("gap.golden_reference_absent", sorted(lacking))


def _gap(key: str, nodes: list[str]) -> Gap:
    named = ", ".join(nodes[:NAMED]) + (", …" if len(nodes) > NAMED else "")
    return Gap(modality="metrics", message=Message(key=key, params=(("count", len(nodes)), ("names", named))))


def _against(query: Query, other: Query, combine: Combine, relation: Relation, bound: float) -> Check:
    return Check(
        query=query, aggregate="mean", relation=relation, bound=bound, against=other, combine=combine
    )


def _query(node: str, metric: str, window: Window | None, origin: Origin = "incident") -> Query:
    where = (("service", node), ("metric", metric))
    return Query(source="metrics", measure="value", where=where, window=window, origin=origin)


def _window(panel: Panel, first: int, last: int) -> Window:
    return Window(float(panel.ts[first]), float(panel.ts[last - 1]) + panel.step)


def _mean(values: Array) -> float:
    present = values[np.isfinite(values)]
    return float(present.mean()) if present.size else float("nan")


def _round(value: float) -> float:
    """Six significant digits, so that names of findings do not hang on the last bit."""
    return float(f"{value:.6g}")
