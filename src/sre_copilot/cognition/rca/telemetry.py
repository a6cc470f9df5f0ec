"""Rank services by what metrics, spans and logs say of each: evidence adds up, and causes explain away their effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from sre_copilot.cognition.detectors.metric_kind import metric_kind
from sre_copilot.cognition.rca.explaining import PROCESSOR, SLOW, SURE, explained
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.cognition.traces.spans import read_spans
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation, Suspect
from sre_copilot.domain.topology import Topology

METHOD = "telemetry"
REPEATED = (
    0.5  # each further finding of one kind says half as much new: they share their cause and their noise
)
SAME = {
    "trace.stops_early": "trace.missing_call",
    "trace.critical_path": "trace.self_time",
}  # two views of one fact
LEAST = 0.05  # nats; weaker findings are not cited
OF_A_SERVICE = frozenset({"cpu", "memory", "disk", "pool", "throttling", "waiting"})
PSEUDO = "_"
MODALITIES = ("metrics", "traces", "logs")
VAGUE = "degradation"  # a family of types that names a symptom; any other type is preferred


def localise(observation: Observation, findings: Sequence[Finding]) -> Localisation | None:
    """Rank every service that metrics, spans or logs know; None where another localiser knows better or nothing was recorded."""
    if observation.current.state is not None or not _applies(observation):
        return None
    candidates = _candidates(observation)
    if not candidates:
        return None
    graph = _graph(observation, candidates)
    relevant = [
        finding for finding in findings if finding.entity in candidates and finding.modality in MODALITIES
    ]
    relevant.sort(key=lambda finding: (-finding.weight, finding.kind, finding.id))
    relevant += _silent_callers(relevant, graph)
    weights = explained(relevant, graph, spans=_has_rows(observation.current.traces))
    symptoms = _symptoms(observation, graph)
    suspects = [_suspect(each, relevant, weights, graph, symptoms) for each in sorted(candidates)]
    return Localisation(METHOD, tuple(sorted(suspects, key=lambda each: (-each.score, each.entity))))


def _applies(observation: Observation) -> bool:
    current = observation.current
    if _has_rows(current.traces) or _has_rows(current.logs):
        return True
    if not _has_rows(current.metrics) or current.metrics is None:
        return False
    kinds = (metric_kind(name) for name in current.metrics["metric"].unique().to_list())
    return any(found.kind in OF_A_SERVICE and not found.host for found in kinds)


def _has_rows(table: pl.DataFrame | None) -> bool:
    return table is not None and not table.is_empty()


def _candidates(observation: Observation) -> set[str]:
    current = observation.current
    tables = (table for table in (current.metrics, current.traces, current.logs) if table is not None)
    names = {name for table in tables for name in table["service"].unique().to_list() if name}
    return {name for name in names if not name.startswith(PSEUDO)}


def _graph(observation: Observation, candidates: set[str]) -> Topology:
    """Calls between candidates: as recorded, else as seen in spans."""
    edges: Iterable[tuple[str, str]] = observation.topology.edges
    known = [edge for edge in edges if edge[0] in candidates and edge[1] in candidates]
    if not known and observation.current.traces is not None:
        spans = read_spans(observation.current.traces)
        known = list(spans.edges) if spans is not None else []
    return Topology.of(known)


def _silent_callers(findings: Sequence[Finding], graph: Topology) -> list[Finding]:
    """Whoever is no longer asked, while its caller is asked as before, has a caller that no longer asks."""
    idle = {finding.entity: finding for finding in findings if finding.kind == "metric.idle"}
    blamed = []
    for entity, finding in sorted(idle.items()):
        busy = [caller for caller in graph.callers(entity) if caller not in idle]
        blamed += [
            Finding(
                kind="metric.idle_callee",
                entity=caller,
                related=(entity,),
                modality="metrics",
                weight=finding.weight / len(busy),
                checks=finding.checks,
                params=finding.params,
                fault_type="code/exception",
                window=finding.window,
            )
            for caller in busy
        ]
    return blamed


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
) -> Suspect:
    own = [finding for finding in findings if finding.entity == entity and weights[finding.id] >= LEAST]
    own.sort(key=lambda finding: (-weights[finding.id], finding.id))
    return Suspect(
        entity=entity,
        score=_score(own, weights),
        fault_type=_fault_type(own, weights),
        finding_ids=tuple(finding.id for finding in own if finding.kind != "metric.idle_callee"),
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


def _fault_type(own: Sequence[Finding], weights: Mapping[str, float]) -> str | None:
    """The type with the most evidence; time lost around an exhausted processor is evidence of that."""
    processor = any(each.kind in PROCESSOR and weights[each.id] >= SURE for each in own)
    totals: dict[str, float] = {}
    for finding in own:
        kind = finding.fault_type
        if processor and finding.kind in SLOW:
            kind = "resource/cpu"
        if kind is not None:
            totals[kind] = totals.get(kind, 0.0) + weights[finding.id]
    precise = {kind: total for kind, total in totals.items() if not kind.startswith(VAGUE)} or totals
    return min(precise, key=lambda kind: (-precise[kind], kind)) if precise else None


def _path(entity: str, graph: Topology, symptoms: tuple[str, ...]) -> tuple[str, ...]:
    """The shortest chain of calls from a symptom to the entity, told from the entity upwards."""
    chains = [graph.path(symptom, entity) for symptom in symptoms]
    known = [chain for chain in chains if chain]
    return tuple(reversed(min(known, key=lambda chain: (len(chain), chain)))) if known else (entity,)
