from dataclasses import replace

import polars as pl

from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.eval.rca.no_fault import fault_free

HOUR = 3600
SECOND = 1_000_000_000


def samples(hours: int) -> Telemetry:
    times = list(range(0, hours * HOUR, 300))
    table = {"ts": times, "service": "web", "instance": "web", "metric": "latency", "value": 1.0}
    return Telemetry(metrics=pl.DataFrame(table))


def case(reference: Telemetry | None) -> Observation:
    return Observation(
        incident=Incident(
            id="x", onset=9e9, complaint=Complaint(entity="web", metric="errors"), other_fault_times=(1.0,)
        ),
        current=Telemetry(),
        reference=reference,
        topology=Topology.of([("web", "cart")]),
    )


def test_a_long_recording_gives_25_minutes_every_two_hours_of_alternate_complaints() -> None:
    found = list(fault_free(case(samples(12))))
    assert [each.incident.onset for each in found] == [2 * HOUR * n for n in range(6)]
    assert [each.incident.complaint.metric for each in found[:3]] == ["latency", "availability", "latency"]
    assert {each.incident.complaint.entity for each in found} == {"web"}
    assert all(each.current.metrics is not None and each.current.metrics.height == 5 for each in found)
    assert found[0].topology.edges == (("web", "cart"),)


def test_the_window_and_an_hour_on_either_side_are_no_reference() -> None:
    second = list(fault_free(case(samples(12))))[1]
    assert second.reference is not None
    assert second.reference.metrics is not None
    times = second.reference.metrics["ts"]
    assert times.filter(times.is_between(HOUR, 2 * HOUR + 1500 + HOUR - 1)).is_empty()
    assert {HOUR - 300, 3 * HOUR + 1500} <= set(times)


def test_of_a_short_recording_the_second_half_is_judged_against_the_first() -> None:
    times = [n * SECOND for n in range(100)]
    spans = pl.DataFrame({"start_ns": times, "service": "web"})
    (found,) = fault_free(case(Telemetry(traces=spans, logs=spans.rename({"start_ns": "ts_ns"}))))
    assert found.current.traces is not None
    assert found.reference is not None
    assert found.reference.traces is not None
    assert found.current.traces["start_ns"].min() == 50 * SECOND
    assert found.reference.traces["start_ns"].max() == 49 * SECOND
    assert found.current.traces.height + found.reference.traces.height == 100
    assert found.current.metrics is None
    assert found.incident.other_fault_times == ()


def test_a_case_without_fault_free_telemetry_gives_no_window() -> None:
    assert list(fault_free(case(None))) == []
    assert list(fault_free(replace(case(None), reference=Telemetry()))) == []
