"""A small method to be evaluated: the service whose spans became slower than normal, with checks that say so."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation, Suspect
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.investigation import Methods


def slower(observation: Observation) -> Detection:
    """Services whose median span lasts at least twice the reference's."""
    onset, now, normal = observation.incident.onset, observation.current.traces, observation.reference
    if onset is None or now is None or normal is None or normal.traces is None:
        return Detection()
    window = Window(onset, onset + 300)
    inside = now.filter((pl.col("start_ns") >= window.start * 1e9) & (pl.col("start_ns") < window.end * 1e9))
    found = [_slow(service, window, inside, normal.traces) for service in sorted(inside["service"].unique())]
    return Detection(tuple(finding for finding in found if finding is not None))


def _slow(service: str, window: Window, inside: pl.DataFrame, normal: pl.DataFrame) -> Finding | None:
    own = pl.col("service") == service
    high = inside.filter(own)["duration_us"].quantile(0.9, interpolation="linear")
    low = normal.filter(own)["duration_us"].quantile(0.9, interpolation="linear")
    if high is None or low is None or high < 2 * low:
        return None
    where = (("service", service),)
    return Finding(
        kind="standin.slow",
        entity=service,
        modality="traces",
        weight=min(20.0, high / low),
        fault_type="network/delay",
        window=window,
        checks=(
            Check(
                query=Query(source="traces", measure="duration_ms", where=where, window=window),
                aggregate="p90",
                relation=">=",
                bound=high / 1000 * 0.999,
            ),
            Check(
                query=Query(source="traces", measure="duration_ms", where=where, origin="reference"),
                aggregate="p90",
                relation="<=",
                bound=high / 2000,
            ),
        ),
    )


def heaviest(observation: Observation, findings: Sequence[Finding]) -> Localisation:
    """Services by the weight of what was found about them."""
    traces = observation.current.traces
    names = sorted(traces["service"].unique()) if traces is not None else []
    weights = {name: sum(each.weight for each in findings if each.entity == name) for name in names}
    ranked = sorted(names, key=lambda name: (-weights[name], name))
    suspects = tuple(
        Suspect(
            entity=name,
            score=float(weights[name]),
            fault_type="network/delay" if weights[name] else None,
            finding_ids=tuple(each.id for each in findings if each.entity == name),
        )
        for name in ranked
    )
    return Localisation("heaviest", suspects)


def methods() -> Methods:
    """What the tests evaluate."""
    return Methods(detectors={"slower": slower}, localisers={"heaviest": heaviest})
