"""Rank services by what metrics, spans and logs say of each: evidence adds up, and causes explain away their effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from sre_copilot.cognition.calls import call_graph
from sre_copilot.cognition.detectors.metric_kind import of_services
from sre_copilot.cognition.rca.explaining import explained
from sre_copilot.cognition.rca.fault_type import fault_type
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation, Suspect
from sre_copilot.domain.topology import Topology

METHOD = "telemetry"
REPEATED = (
    0.5  # each further finding of one kind says half as much new: they share their cause and their noise
)
SAME = {
    "trace.stops_early": "trace.missing_call",
    "trace.no_calls": "trace.missing_call",
    "trace.critical_path": "trace.self_time",
    "metric.silent": "metric.down",
    "metric.restart": "metric.level_restarts",
}  # two views of one fact
LEAST = 0.05  # nats; weaker findings are not cited
PSEUDO = "_"
MODALITIES = ("metrics", "traces", "logs", "transactions", "changes")


def localise(observation: Observation, findings: Sequence[Finding]) -> Localisation | None:
    """Rank every service that metrics, spans or logs know; None where another localiser knows better or nothing was recorded.

    Beside the state of a cluster it needs to know when the incident began: without that no time is known to be normal.
    """
    if not _applies(observation):
        return None
    candidates = _candidates(observation)
    if not candidates:
        return None
    graph = _graph(observation, candidates)
    relevant = [
        finding for finding in findings if finding.entity in candidates and finding.modality in MODALITIES
    ]
    relevant.sort(key=lambda finding: (-finding.weight, finding.kind, finding.id))
    weights = explained(relevant, graph, spans=_has_rows(observation.current.traces))
    symptoms = _symptoms(observation, graph)
    traced = _services(observation.current.traces)
    suspects = [
        _suspect(each, relevant, weights, graph, symptoms, traced=each in traced or not traced)
        for each in sorted(candidates)
    ]
    return Localisation(METHOD, tuple(sorted(suspects, key=lambda each: (-each.score, each.entity))))


def _applies(observation: Observation) -> bool:
    current = observation.current
    if current.state is not None and observation.incident.onset is None:
        return False
    if _has_rows(current.traces) or _has_rows(current.logs):
        return True
    if not _has_rows(current.metrics) or current.metrics is None:
        return False
    return of_services(current.metrics["metric"].unique().to_list())


def _has_rows(table: pl.DataFrame | None) -> bool:
    return table is not None and not table.is_empty()


def _services(table: pl.DataFrame | None) -> frozenset[str]:
    return frozenset() if table is None else frozenset(table["service"].unique().to_list())


def _candidates(observation: Observation) -> set[str]:
    current = observation.current
    tables = (table for table in (current.metrics, current.traces, current.logs) if table is not None)
    names = {name for table in tables for name in table["service"].unique().to_list() if name}
    return {name for name in names if not name.startswith(PSEUDO)}


def _graph(observation: Observation, candidates: set[str]) -> Topology:
    """Calls between candidates."""
    edges = call_graph(observation).edges
    return Topology.of(edge for edge in edges if edge[0] in candidates and edge[1] in candidates)


def _symptoms(observation: Observation, graph: Topology) -> tuple[str, ...]:
    """Where users notice: the entity that was complained about, else services that nobody calls."""
    reported = observation.incident.complaint.entity
    if reported in graph.entities:
        return (reported,)
    return tuple(entity for entity in graph.entities if not graph.callers(entity))


def _suspect(
    entity: str,
    findings: Sequence[Finding],
    weights: Mapping[str, float],
    graph: Topology,
    symptoms: tuple[str, ...],
    *,
    traced: bool,
) -> Suspect:
    own = [finding for finding in findings if finding.entity == entity and weights[finding.id] >= LEAST]
    own.sort(key=lambda finding: (-weights[finding.id], finding.id))
    return Suspect(
        entity=entity,
        score=_score(own, weights),
        fault_type=fault_type(own, weights, traced=traced),
        finding_ids=tuple(finding.id for finding in own),
        path=_path(entity, graph, symptoms),
    )


def _score(own: Sequence[Finding], weights: Mapping[str, float]) -> float:
    """The sum of log-odds, with further findings of one kind worth ever less."""
    seen: dict[str, int] = {}
    total = 0.0
    for finding in own:
        group = SAME.get(finding.kind, finding.kind)
        again = seen.get(group, 0)
        total += weights[finding.id] * REPEATED**again
        seen[group] = again + 1
    return total


def _path(entity: str, graph: Topology, symptoms: tuple[str, ...]) -> tuple[str, ...]:
    """The shortest chain of calls from a symptom to the entity, told from the entity upwards."""
    chains = [graph.path(symptom, entity) for symptom in symptoms]
    known = [chain for chain in chains if chain]
    return tuple(reversed(min(known, key=lambda chain: (len(chain), chain)))) if known else (entity,)
