"""The localiser over findings of metrics, spans and logs."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.cognition.rca.telemetry import localise
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Modality, Telemetry
from sre_copilot.domain.topology import Topology

NAMES = ("gate", "desk", "till", "store")
GRAPH = Topology.of([("gate", "desk"), ("desk", "till"), ("desk", "store")])


def observation(metric: str = "cpu_percent", *, state: dict[str, str] | None = None) -> Observation:
    rows = {"ts": [0] * 5, "service": [*NAMES, "_front"], "instance": "0", "metric": metric, "value": 1.0}
    current = Telemetry(metrics=pl.DataFrame(rows), state=state)
    return Observation(incident=Incident(id="x"), current=current, topology=GRAPH)


def finding(kind: str, entity: str, weight: float, fault: str, *related: str) -> Finding:
    modality: Modality = (
        "metrics" if kind.startswith("metric") else "logs" if kind.startswith("log") else "traces"
    )
    return Finding(
        kind=kind,
        entity=entity,
        modality=modality,
        weight=weight,
        checks=(),
        fault_type=fault,
        related=related,
    )


def rank(*findings: Finding) -> Localisation:
    located = localise(observation(), findings)
    assert located is not None
    return located


def test_every_service_is_a_suspect_once_and_pseudo_services_are_none() -> None:
    suspects = rank().suspects
    assert sorted(suspect.entity for suspect in suspects) == sorted(NAMES)
    assert {suspect.score for suspect in suspects} == {0.0}


def test_evidence_of_several_kinds_adds_up_for_one_service() -> None:
    located = rank(
        finding("log.vanished", "till", 3.0, "code/missing-step"),
        finding("trace.missing_call", "till", 2.0, "code/missing-step"),
        finding("trace.self_time", "store", 2.0, "code/slow"),
    )
    assert (located.suspects[0].entity, located.suspects[0].score) == ("till", 5.0)


def test_an_exhausted_processor_explains_slow_edges_on_both_its_sides() -> None:
    located = rank(
        finding("metric.saturation_cpu", "desk", 6.0, "resource/cpu"),
        finding("trace.edge_gap", "desk", 5.0, "network/delay", "gate"),
        finding("trace.edge_gap", "till", 4.9, "network/delay", "desk"),
    )
    first, second = located.suspects[:2]
    assert (first.entity, first.fault_type) == ("desk", "resource/cpu")
    assert second.entity == "till"
    assert second.score < 1.5


def test_a_callee_that_its_callers_stop_after_explains_what_they_no_longer_do() -> None:
    located = rank(
        finding("trace.missing_call", "desk", 4.0, "code/missing-step"),
        finding("trace.stops_after", "till", 3.5, "code/exception", "desk"),
    )
    assert (located.suspects[0].entity, located.suspects[0].fault_type) == ("till", "code/exception")


def test_a_slow_callee_explains_its_slow_caller() -> None:
    located = rank(
        finding("trace.edge_gap", "till", 3.0, "network/delay", "desk"),
        finding("metric.level_latency", "desk", 3.2, "degradation/latency"),
    )
    assert located.suspects[0].entity == "till"


def test_a_service_that_is_down_explains_what_fails_above_it_however_far() -> None:
    located = rank(
        finding("metric.down", "till", 5.0, "process/killed"),
        finding("log.vanished", "desk", 5.5, "code/exception"),
        finding("trace.errors", "gate", 4.0, "code/exception"),
        finding("metric.level_errors", "gate", 2.5, "degradation/availability"),
    )
    assert located.suspects[0].entity == "till"
    assert all(suspect.score < 1.5 for suspect in located.suspects[1:])


def test_a_callee_that_loses_its_own_step_explains_callers_that_stop_after_it() -> None:
    located = rank(
        finding("trace.missing_call", "till", 4.0, "code/missing-step"),
        finding("trace.stops_after", "till", 1.4, "code/exception", "desk"),
        finding("trace.missing_call", "desk", 4.0, "code/exception"),
        finding("trace.stops_early", "desk", 3.9, "code/exception"),
    )
    assert located.suspects[0].entity == "till"


def test_of_two_exhausted_grounds_the_lower_one_stays() -> None:
    located = rank(
        finding("metric.level_waiting", "desk", 3.0, "resource/pool"),
        finding("trace.stops_after", "desk", 4.0, "code/exception", "gate"),
        finding("metric.level_locks", "store", 3.5, "database/lock"),
    )
    assert (located.suspects[0].entity, located.suspects[0].fault_type) == ("store", "database/lock")


def test_a_symptom_gives_its_type_only_when_nothing_more_precise_is_known() -> None:
    vague = finding("metric.level_latency", "till", 2.0, "degradation/latency")
    assert rank(vague).suspects[0].fault_type == "degradation/latency"
    precise = finding("trace.edge_gap", "till", 1.0, "network/delay", "desk")
    assert rank(vague, precise).suspects[0].fault_type == "network/delay"


def test_the_path_leads_from_the_suspect_to_where_users_notice() -> None:
    located = rank(finding("log.vanished", "till", 3.0, "code/missing-step"))
    assert located.suspects[0].path == ("till", "desk", "gate")


def test_the_path_ends_at_the_entity_that_was_complained_about() -> None:
    known = observation()
    complained = Observation(
        incident=Incident(id="x", complaint=Complaint(entity="desk")), current=known.current, topology=GRAPH
    )
    located = localise(complained, [finding("log.vanished", "till", 3.0, "code/missing-step")])
    assert located is not None
    assert located.suspects[0].path == ("till", "desk")


@given(st.permutations(range(4)))
def test_the_order_of_findings_does_not_matter(order: list[int]) -> None:
    found = [
        finding("trace.edge_gap", "till", 3.0, "network/delay", "desk"),
        finding("trace.edge_gap", "till", 2.0, "network/delay", "gate"),
        finding("trace.missing_call", "desk", 1.0, "code/missing-step"),
        finding("log.new_error", "gate", 1.0, "code/exception"),
    ]
    assert rank(*(found[place] for place in order)) == rank(*found)


def test_states_of_a_cluster_and_golden_signals_alone_are_left_to_others() -> None:
    assert localise(observation(state={"kubectl get pods": ""}), []) is None
    assert localise(observation("latency_seconds"), []) is None
    assert localise(Observation(incident=Incident(id="x"), current=Telemetry()), []) is None


def test_beside_the_state_of_a_cluster_telemetry_counts_where_the_beginning_is_known() -> None:
    seen = observation(state={"kubectl get pods": ""})
    begun = replace(seen, incident=Incident(id="x", onset=60.0))
    located = localise(begun, [finding("metric.down", "till", 3.0, "process/killed")])
    assert located is not None
    assert (located.suspects[0].entity, located.suspects[0].fault_type) == ("till", "process/killed")
