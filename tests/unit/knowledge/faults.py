"""A small estate with a fault in it, and the findings that a fault leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Diagnosis, Incident, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.knowledge.past import past_fault
from sre_copilot.knowledge.probes import Holds, probes_of
from sre_copilot.knowledge.recall import Known

EDGES = (("gateway", "cart"), ("gateway", "checkout"), ("checkout", "payment"))
SERVICES = ("gateway", "cart", "checkout", "payment")
ONSET = 1000.0


@dataclass(frozen=True)
class Closed:
    """An investigation that came to its end."""

    observation: Observation
    diagnosis: Diagnosis
    considered: tuple[Finding, ...]


def observation(faulty: str = "", *, metric: str = "cpu", onset: float = ONSET) -> Observation:
    """Ten minutes of every service, in which one metric of one service jumps from 0.1 to 0.9 at the onset."""
    start, end = onset - 300, onset + 300
    rows = [
        (int(start + 10 * step), service, f"{service}-0", name, 0.9 if bad and 10 * step >= 300 else 0.1)
        for service in SERVICES
        for name in ("cpu", "disk", "errors")
        for bad in (service == faulty and name == metric,)
        for step in range(60)
    ]
    schema = ["ts", "service", "instance", "metric", "value"]
    metrics = pl.DataFrame(rows, schema=schema, orient="row")
    incident = Incident(id=f"{faulty}-{metric}", onset=onset, window=Window(start, end))
    return Observation(incident=incident, current=Telemetry(metrics=metrics), topology=Topology.of(EDGES))


def finding(
    entity: str, kind: str, fault_type: str, *, metric: str = "cpu", weight: float = 4.0, onset: float = ONSET
) -> Finding:
    """What a detector would say of it, with a check that can be re-run."""
    where = (("service", entity), ("instance", f"{entity}-0"), ("metric", metric))
    query = Query(source="metrics", measure="value", where=where, window=Window(onset, onset + 300))
    check = Check(query=query, aggregate="median", relation=">=", bound=0.5)
    return Finding(
        kind=kind, entity=entity, modality="metrics", weight=weight, checks=(check,), fault_type=fault_type
    )


CPU = ("metric.saturation_cpu", "resource/cpu")
DISK = ("metric.saturation_disk", "resource/disk")


def look(seen: Observation) -> tuple[Finding, ...]:
    """A detector of this estate: whichever metric jumped."""
    onset = seen.incident.onset or 0.0
    signs = (
        (entity, kind, fault, metric)
        for entity in SERVICES
        for kind, fault, metric in ((*CPU, "cpu"), (*DISK, "disk"))
    )
    holds = holds_on(seen)
    found = (
        finding(entity, kind, fault, metric=metric, onset=onset) for entity, kind, fault, metric in signs
    )
    return tuple(each for each in found if all(map(holds, each.checks)))


def holds_on(seen: Observation) -> Holds:
    """Re-runs checks by the evidence layer."""
    evaluator = Evaluator(seen)
    return lambda check: evaluator.evaluate(check).holds


def closed(entity: str, *, metric: str = "cpu") -> Closed:
    """An investigation that named it."""
    _, fault_type = CPU if metric == "cpu" else DISK
    seen = observation(entity, metric=metric)
    found = look(seen)
    suspect = Suspect(entity=entity, score=4.0, fault_type=fault_type, finding_ids=(found[0].id,))
    diagnosis = Diagnosis(
        incident=seen.incident, outcome=Outcome.FAULT, probability=0.95, suspects=(suspect,), findings=found
    )
    return Closed(seen, diagnosis, found)


def known(entity: str, *, metric: str = "cpu", probed: bool = True) -> Known:
    """The fault as it was learned and accepted."""
    one = closed(entity, metric=metric)
    fault_type = one.diagnosis.suspects[0].fault_type or ""
    past = past_fault(one, service=entity, fault_type=fault_type, key=f"past-{entity}-{metric}")
    probes = probes_of(one.considered, entity, one.observation, fault_type=fault_type)
    return Known(past=replace(past, standing="accepted"), probes=probes if probed else ())
