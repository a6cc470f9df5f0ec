"""Calls that fail, wait or are slow: which of their two ends is blamed."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from tests.unit.cognition.traces.span_shop import ONSET, START, Fault, observation

from sre_copilot.cognition.calls import call_graph
from sre_copilot.cognition.traces.detector import detect
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.evidence.evaluator import Evaluator

CALLERS = ("desk", "shelf")
TOPOLOGY = Topology.of([("desk", "vault"), ("shelf", "vault")])


def asking(start: float, end: float, *, failing: tuple[str, ...] = (), wait: float = 1.0) -> pl.DataFrame:
    """Two services that ask a database, which writes no spans; calls of `failing` fail and take `wait` ms after the onset."""
    rows = []
    for number in range(int((end - start) * 2)):
        at = start + number / 2
        for caller in CALLERS:
            trace = f"{caller}{start}-{number}"
            bad = caller in failing and at >= ONSET
            took = wait if bad else 1.0
            status = "error" if bad else "ok"
            rows.append(
                (trace, "a", "", caller, "POST /", "server", int(at * 1e9), int(1e3 * (took + 2)), status)
            )
            rows.append(
                (
                    trace,
                    "b",
                    "a",
                    caller,
                    "GET vault",
                    "client",
                    int(at * 1e9) + 10**6,
                    int(1e3 * took),
                    status,
                )
            )
    names = (
        "trace_id",
        "span_id",
        "parent_id",
        "service",
        "operation",
        "kind",
        "start_ns",
        "duration_us",
        "status",
    )
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(instance=pl.col("service"))


def database(**fault: object) -> Observation:
    return Observation(
        incident=Incident(id="invented", onset=ONSET),
        current=Telemetry(traces=asking(START, START + 120, **fault)),  # type: ignore[arg-type]
        reference=Telemetry(traces=asking(START - 9_000, START - 8_900)),
        topology=TOPOLOGY,
    )


def weight(findings: tuple[Finding, ...], entity: str) -> float:
    return sum(each.weight for each in findings if each.entity == entity)


def test_when_all_calls_to_a_database_fail_it_is_blamed_though_it_writes_no_spans() -> None:
    observed = database(failing=CALLERS)
    found = detect(observed).findings
    assert weight(found, "vault") > 1.5 * max(weight(found, caller) for caller in CALLERS)
    named = [each for each in found if each.kind == "trace.failed_calls"]
    assert {each.entity for each in named} == {"vault"}
    evaluator = Evaluator(observed)
    assert all(evaluator.evaluate(check).holds for each in named for check in each.checks)


def test_when_the_calls_of_one_caller_alone_fail_the_blame_is_divided() -> None:
    found = detect(database(failing=("desk",))).findings
    of_callee = [each.weight for each in found if each.kind == "trace.failed_calls"]
    of_caller = [each.weight for each in found if each.kind == "trace.failed_calls_out"]
    assert abs(of_callee[0] - of_caller[0]) < 0.2
    assert weight(found, "shelf") == 0


def test_waiting_for_a_database_speaks_for_it_as_much_as_for_its_caller() -> None:
    found = detect(database(failing=("desk",), wait=400.0)).findings
    slow = {each.kind: each for each in found if each.kind in ("trace.slow_dependency", "trace.self_time")}
    assert slow["trace.slow_dependency"].entity == "vault"
    assert slow["trace.slow_dependency"].weight == slow["trace.self_time"].weight


def pairs(start: float, end: float, *, slow: int) -> pl.DataFrame:
    """Four callers, each with a callee of its own; the ways of the first `slow` pairs take 300 ms after the onset."""
    rows = []
    for number in range(int((end - start) * 2)):
        at = start + number / 2
        for pair in range(4):
            way = 300_000 if pair < slow and at >= ONSET else 2_000
            trace, begin = f"p{pair}{start}-{number}", int(at * 1e9)
            rows.append((trace, "a", "", f"caller{pair}", "ask", begin, 5_000 + way))
            rows.append((trace, "b", "a", f"callee{pair}", "serve", begin + 10**6, 5_000))
    names = ("trace_id", "span_id", "parent_id", "service", "operation", "start_ns", "duration_us")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(instance=pl.col("service"))


@pytest.mark.parametrize(("slow", "strongest"), [(1, "callee0"), (4, None)])
def test_one_slow_way_accuses_its_ends_and_a_network_slow_everywhere_accuses_nobody(
    slow: int, strongest: str | None
) -> None:
    observed = Observation(
        incident=Incident(id="invented", onset=ONSET),
        current=Telemetry(traces=pairs(START, START + 120, slow=slow)),
        reference=Telemetry(traces=pairs(START - 9_000, START - 8_900, slow=0)),
    )
    gaps = [each for each in detect(observed).findings if each.kind.startswith("trace.edge_gap")]
    assert (gaps[0].entity if gaps and gaps[0].weight > 2 else None) == strongest


def test_an_entry_that_calls_nothing_any_more_is_found_whatever_it_is_asked() -> None:
    def entry(start: float, end: float, *, broken: bool) -> pl.DataFrame:
        rows = []
        for number in range(int((end - start) * 2)):
            at, trace = start + number / 2, f"e{start}-{number}"
            rows.append((trace, "a", "", "gate", "handle", int(at * 1e9), 9_000))
            if not (broken and at >= ONSET):
                callee = ("desk", "till", "store")[number % 3]
                rows.append((trace, "b", "a", "gate", f"call {callee}", int(at * 1e9) + 10**6, 6_000))
                rows.append((trace, "c", "b", callee, "serve", int(at * 1e9) + 2 * 10**6, 4_000))
        names = ("trace_id", "span_id", "parent_id", "service", "operation", "start_ns", "duration_us")
        return pl.DataFrame(rows, schema=names, orient="row").with_columns(instance=pl.col("service"))

    observed = Observation(
        incident=Incident(id="invented", onset=ONSET),
        current=Telemetry(traces=entry(START, START + 120, broken=True)),
        reference=Telemetry(traces=entry(START - 9_000, START - 8_900, broken=False)),
    )
    found = [each for each in detect(observed).findings if each.kind == "trace.no_calls"]
    assert [each.entity for each in found] == ["gate"]
    assert found[0].weight > 3
    assert all(Evaluator(observed).evaluate(check).holds for check in found[0].checks)


def test_calls_are_read_from_spans_where_no_topology_was_recorded() -> None:
    observed = observation(Fault())
    assert ("desk", "till") in call_graph(observed).edges
    assert call_graph(replace(observed, topology=TOPOLOGY)) == TOPOLOGY


def test_spans_outside_the_time_of_the_incident_are_said_to_be_elsewhere() -> None:
    observed = observation()
    far = replace(observed, incident=Incident(id="invented", onset=ONSET + 90_000))
    assert [gap.message.key for gap in detect(far).gaps] == ["gap.traces_elsewhere"]
