"""Findings about golden signals, on an invented shop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.unit.cognition.rca.grafting import AVAILABILITY, EDGES, LATENCY, REQUESTS, STEP, fault_free, graft

from sre_copilot.cognition.detectors.golden_excess import contrast, episodes, excess, surprise
from sre_copilot.cognition.detectors.golden_panel import panel, signal_kind
from sre_copilot.cognition.detectors.golden_signals import detect
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology

REFERENCE = fault_free(200, seed=1)
START = 10_000_000


def observe(metrics: pl.DataFrame, metric: str = "latency") -> Observation:
    """Five rows, with a complaint about the portal."""
    return Observation(
        incident=Incident(
            id="x", complaint=Complaint(entity="portal", metric=metric), metric_interval_s=STEP
        ),
        current=Telemetry(metrics=metrics),
        reference=Telemetry(metrics=REFERENCE),
        topology=Topology.of(EDGES),
    )


def faulty(metric: str = "latency") -> Observation:
    """Two bad rows of `billing`."""
    calm = fault_free(5, seed=3, start=START)
    harm = {"seconds": 70.0} if metric == "latency" else {"failures": 40.0}
    return observe(graft(calm, "billing", [2, 3], **harm), metric)


def found(observation: Observation, kind: str, entity: str) -> Finding:
    """The finding of one kind and entity."""
    (finding,) = [each for each in detect(observation).findings if (each.kind, each.entity) == (kind, entity)]
    return finding


def side(query: Query, observation: Observation) -> float:
    """The mean of a query, straight from the table."""
    telemetry = observation.current if query.origin == "incident" else observation.reference
    assert telemetry is not None
    assert telemetry.metrics is not None
    rows = telemetry.metrics.filter(*(pl.col(column) == value for column, value in query.where))
    if query.window:
        rows = rows.filter(pl.col("ts") >= query.window.start, pl.col("ts") < query.window.end)
    return float(np.mean(rows["value"].to_numpy())) if len(rows) else float("nan")


def holds(check: Check, observation: Observation) -> bool:
    """Re-run a check of a mean."""
    assert check.aggregate == "mean"
    left = side(check.query, observation)
    if check.against:
        other = side(check.against, observation)
        left = left / other if check.combine == "ratio" else left - other
    return left >= check.bound if check.relation == ">=" else left <= check.bound


@pytest.mark.parametrize("metric", ["latency", "availability"])
def test_every_check_of_every_finding_can_be_re_run_and_holds(metric: str) -> None:
    observation = faulty(metric)
    findings = detect(observation).findings
    assert {"portal", "orders", "billing"} <= {each.entity for each in findings}
    assert all(each.checks and holds(check, observation) for each in findings for check in each.checks)


@pytest.mark.parametrize("metric", ["latency", "availability"])
def test_the_same_checks_are_false_of_calm_rows_and_of_another_node(metric: str) -> None:
    observation = faulty(metric)
    kind = "golden.latency_high" if metric == "latency" else "golden.availability_low"
    checks = found(observation, kind, "billing").checks
    earlier = Window(START, START + 2 * STEP)
    assert not holds(replace(checks[0], query=replace(checks[0].query, window=earlier)), observation)
    where = tuple(
        (column, "search" if column == "service" else value) for column, value in checks[0].query.where
    )
    moved = [replace(check, query=replace(check.query, where=where)) for check in checks]
    assert not all(holds(check, observation) for check in moved)


def test_the_alerted_node_states_the_complaint_and_how_surprising_it_is() -> None:
    alarm = dict(found(faulty(), "golden.latency_high", "portal").params)
    assert alarm["alarm"] > 2
    assert "alarm" not in dict(found(faulty(), "golden.latency_high", "billing").params)


def test_a_finding_names_the_rows_of_the_fault_and_its_type() -> None:
    finding = found(faulty(), "golden.latency_high", "billing")
    assert finding.window == Window(START + 2 * STEP, START + 4 * STEP)
    assert finding.fault_type == "degradation/latency"
    assert (
        found(faulty("availability"), "golden.availability_low", "billing").fault_type
        == "degradation/availability"
    )


def test_a_surge_of_requests_at_the_entry_is_said() -> None:
    observation = faulty()
    metrics = observation.current.metrics
    assert metrics is not None
    surged = (
        (pl.col("service") == "portal")
        & (pl.col("metric") == REQUESTS)
        & pl.col("ts").is_between(START + 600, START + 900)
    )
    more = metrics.with_columns(
        pl.when(surged).then(pl.col("value") * 3).otherwise(pl.col("value")).alias("value")
    )
    surge = found(observe(more), "golden.requests_change", "portal")
    assert dict(surge.params)["new"] == 0
    assert all(holds(check, observe(more)) for check in surge.checks)


def test_what_the_reference_or_the_window_lacks_is_a_gap_and_few_gaps_say_it() -> None:
    observation = faulty()
    metrics = observation.current.metrics
    assert metrics is not None
    thin = replace(
        observation,
        current=Telemetry(metrics=metrics.filter(~pl.col("service").is_in(["search", "mailer"]))),
        reference=Telemetry(metrics=REFERENCE.filter(~pl.col("service").is_in(["billing", "orders"]))),
    )
    gaps = {gap.message.key: dict(gap.message.params) for gap in detect(thin).gaps}
    assert gaps["gap.golden_signals_absent"]["count"] == 2
    assert gaps["gap.golden_reference_absent"]["names"] == "billing, orders"
    unreferenced = detect(replace(observation, reference=None))
    assert [gap.message.key for gap in unreferenced.gaps] == ["gap.reference_absent"]


def test_a_long_recording_serves_as_its_own_reference() -> None:
    metrics = graft(fault_free(200, seed=5), "billing", [196, 197], seconds=70.0)
    window = Window(195 * STEP, 200 * STEP)
    observation = observe(metrics)
    incident = replace(observation.incident, window=window, onset=window.start)
    alone = replace(observation, reference=None, incident=incident)
    assert found(alone, "golden.latency_high", "billing").window == Window(196 * STEP, 198 * STEP)


def test_missing_and_broken_values_are_left_out() -> None:
    observation = faulty()
    metrics = observation.current.metrics
    assert metrics is not None
    broken = pl.DataFrame(
        {
            "ts": [START] * 3,
            "service": "portal",
            "instance": "",
            "metric": LATENCY,
            "value": [float("nan"), float("inf"), None],
        }
    )
    assert detect(observe(pl.concat([metrics, broken]))).findings == detect(observation).findings


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("latency.p99", "latency"),
        ("http_server_duration_ms_mean", "latency"),
        ("ResponseTime", "latency"),
        ("availability.Average", "availability"),
        ("success_rate", "availability"),
        ("Fault.Sum", "failures"),
        ("errors_per_second", "failures"),
        ("requests.Sum", "requests"),
        ("RequestCount", "requests"),
        ("invocations", "requests"),
        ("cpu_usage", ""),
        ("request_size_bytes", ""),
    ],
)
def test_the_kind_of_a_metric_is_read_from_its_name(name: str, kind: str) -> None:
    assert signal_kind(name) == kind


def test_errors_stand_in_for_an_availability_and_units_are_made_one() -> None:
    rows = [
        {"ts": ts, "service": "a", "instance": instance, "metric": metric, "value": value}
        for ts in (0, 60)
        for instance in ("a-1", "a-2")
        for metric, value in (
            ("duration_ms_mean", 200.0),
            ("duration_ms_p99", 900.0),
            ("errors", 1.0),
            ("requests", 10.0),
        )
    ]
    signals = panel(pl.DataFrame(rows), 60)
    assert signals.latency["a"].values.tolist() == [0.2, 0.2]
    assert signals.requests["a"].values.tolist() == [20.0, 20.0]
    assert signals.failures["a"].values.tolist() == pytest.approx([0.1, 0.1])
    assert not signals.failures["a"].falls


def test_a_fraction_and_a_percentage_of_availability_mean_the_same() -> None:
    def share(scale: float) -> list[float]:
        table = fault_free(6, seed=2).with_columns(
            pl.when(pl.col("metric") == AVAILABILITY)
            .then(pl.col("value") * scale)
            .otherwise(pl.col("value"))
            .alias("value")
        )
        return list(panel(table, STEP).failures["portal"].values)

    assert share(1.0) == pytest.approx(share(0.01))


@given(arrays(float, 60, elements=st.floats(-1e6, 1e6)), st.floats(-1e7, 1e7), st.floats(0, 1e6))
def test_surprise_is_finite_and_never_falls_as_the_value_rises(
    null: np.ndarray, value: float, more: float
) -> None:
    less, larger = surprise(value, null, 1e-3), surprise(value + more, null, 1e-3)
    assert 0 <= less <= larger < 10


def test_a_reference_that_is_too_short_brings_no_surprise() -> None:
    assert surprise(1e9, np.zeros(5), 1.0) == 0


@settings(max_examples=30)
@given(arrays(float, 6, elements=st.floats(-100, 100)), st.floats(-1000, 1000))
def test_contrast_ignores_a_shift_of_all_rows_but_for_the_stretch_of_all_rows(
    rows: np.ndarray, shift: float
) -> None:
    moved, stayed = contrast(rows + shift, shift), contrast(rows, 0.0)
    assert moved == pytest.approx(stayed, abs=1e-6)
    assert len(stayed) == len(episodes(6))
    assert contrast(rows + shift, 0.0)[:-1] == pytest.approx(stayed[:-1], abs=1e-6)


def test_excess_is_waiting_above_the_calm_level_times_requests() -> None:
    latency = np.array([1.0, 1.0, 3.0, np.nan, 1.0])
    requests = np.array([10.0, 10.0, 10.0, 0.0, 10.0])
    assert excess(latency, requests, 2, 4, 0.0) == pytest.approx(20.0)
    assert excess(latency, requests, 0, 5, 1.0) == pytest.approx(20.0)


def test_findings_come_in_the_same_order_whatever_the_order_of_rows() -> None:
    observation = faulty()
    metrics = observation.current.metrics
    assert metrics is not None
    assert detect(observe(metrics.reverse())) == detect(observation)
    assert all(
        a.kind <= b.kind or a.modality == b.modality for a, b in pairwise(detect(observation).findings)
    )


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_a_window_of_very_few_rows_is_judged_without_an_error(rows: int) -> None:
    metrics = fault_free(5, seed=3, start=START).filter(pl.col("ts") < START + rows * STEP)
    assert isinstance(detect(observe(metrics)).findings, tuple)


def test_a_reference_without_rows_or_values_is_no_reference_to_judge_by() -> None:
    observation = faulty()
    assert observation.reference is not None
    for table in (REFERENCE.clear(), REFERENCE.with_columns(value=pl.lit(float("nan")))):
        detection = detect(replace(observation, reference=Telemetry(metrics=table)))
        assert any(gap.message.key == "gap.golden_reference_absent" for gap in detection.gaps)


def test_a_long_window_is_averaged_in_blocks_and_keeps_its_culprit() -> None:
    metrics = graft(fault_free(40, seed=3, start=START), "billing", range(15, 27), seconds=70.0)
    finding = found(observe(metrics), "golden.latency_high", "billing")
    assert finding.window is not None
    assert finding.window.start <= START + 16 * STEP
    assert finding.window.end >= START + 26 * STEP
    assert all(holds(check, observe(metrics)) for check in finding.checks)
