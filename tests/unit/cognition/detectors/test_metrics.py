"""The metric detector on invented series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sre_copilot.cognition.detectors.metric_kind import metric_kind
from sre_copilot.cognition.detectors.metrics import detect
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology
from sre_copilot.evidence.evaluator import Evaluator

ONSET = 1_800
TIMES = range(0, 2_400, 60)
DURING = slice(30, 34)


def series(
    service: str, metric: str, level: float, *, during: float | None = None, noise: float = 0.05
) -> pl.DataFrame:
    random = np.random.default_rng(len(metric))
    values = level * (1 + noise * random.standard_normal(len(TIMES)))
    if during is not None:
        values[DURING] = during
    return pl.DataFrame(
        {"ts": list(TIMES), "service": service, "instance": f"{service}-0", "metric": metric, "value": values}
    )


def observed(*tables: pl.DataFrame) -> Observation:
    incident = Incident(id="invented", onset=float(ONSET), metric_interval_s=60.0)
    return Observation(incident=incident, current=Telemetry(metrics=pl.concat(tables)))


def findings(*tables: pl.DataFrame) -> tuple[Finding, ...]:
    return detect(observed(*tables)).findings


@pytest.mark.parametrize("level", [2.0, 30.0, 60.0])
def test_an_exhausted_processor_is_found_whatever_it_normally_uses(level: float) -> None:
    found = findings(
        series("desk", "cpu_usage_percent", level, during=99.0), series("gate", "cpu_usage_percent", 55.0)
    )
    assert (found[0].entity, found[0].kind, found[0].fault_type) == (
        "desk",
        "metric.saturation_cpu",
        "resource/cpu",
    )
    assert found[0].weight > 5


def test_a_processor_that_always_works_hard_is_no_fault() -> None:
    assert findings(series("desk", "cpu_usage_percent", 78.0, noise=0.02)) == ()


def test_a_single_high_minute_is_no_saturation() -> None:
    table = series("desk", "cpu_usage_percent", 5.0).with_columns(
        pl.when(pl.col("ts") == ONSET + 60).then(100.0).otherwise("value").alias("value")
    )
    assert not [each for each in findings(table) if each.kind == "metric.saturation_cpu"]


def test_a_constant_series_that_jitters_is_not_ranked() -> None:
    assert findings(series("desk", "request_latency_seconds", 0.01, during=0.013, noise=0.0)) == ()


@pytest.mark.parametrize(
    ("metric", "level", "during", "kind"),
    [
        ("http_latency_p95_seconds", 0.05, 0.9, "metric.level_latency"),
        ("http_error_ratio", 0.01, 0.5, "metric.level_errors"),
        ("process_cpu_ratio", 0.05, 0.98, "metric.saturation_cpu"),
        ("disk_used_ratio", 0.4, 0.99, "metric.saturation_disk"),
        ("success_rate_percent", 99.0, 40.0, "metric.availability"),
        ("http_requests_per_second", 20.0, 0.0, "metric.idle"),
        ("process_uptime_seconds", 5_000.0, 20.0, "metric.restart"),
        ("tls_certificate_seconds_left", 90_000.0, -5.0, "metric.expired"),
        ("db_pool_waiting", 0.2, 30.0, "metric.level_waiting"),
    ],
)
def test_each_kind_of_metric_is_judged_by_its_own_direction(
    metric: str, level: float, during: float, kind: str
) -> None:
    observation = observed(series("desk", metric, level, during=during))
    found = detect(observation).findings
    assert kind in {each.kind for each in found}
    evaluator = Evaluator(observation)
    for finding in found:
        assert len(finding.checks) == 2
        assert all(evaluator.evaluate(check).holds for check in finding.checks)


def test_callers_that_wait_longer_than_the_service_reports_show_the_way_between() -> None:
    found = findings(
        series("till", "source_latency_seconds", 0.02, during=0.5),
        series("till", "destination_latency_seconds", 0.015),
    )
    gap = next(each for each in found if each.kind == "metric.reporter_gap")
    assert (gap.entity, gap.fault_type) == ("till", "network/delay")
    both = findings(
        series("till", "source_latency_seconds", 0.02, during=0.5),
        series("till", "destination_latency_seconds", 0.015, during=0.49),
    )
    assert "metric.reporter_gap" not in {each.kind for each in both}


def test_pseudo_services_and_machines_are_not_judged() -> None:
    assert findings(
        series("_front", "cpu_usage_percent", 5.0, during=100.0),
        series("desk", "node_cpu_usage_percent", 5.0, during=100.0),
    ) == ()  # fmt: skip


def test_not_a_number_is_missing_and_not_zero() -> None:
    table = series("desk", "http_requests_per_second", 20.0).with_columns(
        pl.when(pl.col("ts").is_between(ONSET, ONSET + 200))
        .then(float("nan"))
        .otherwise("value")
        .alias("value")
    )
    assert "metric.idle" not in {each.kind for each in findings(table)}


def test_the_order_of_rows_does_not_matter() -> None:
    observation = observed(
        series("desk", "cpu_usage_percent", 5.0, during=99.0),
        series("till", "latency_seconds", 0.1, during=2.0),
    )
    assert observation.current.metrics is not None
    shuffled = observation.current.metrics.sample(fraction=1.0, shuffle=True, seed=2)
    again = replace(observation, current=Telemetry(metrics=shuffled))
    assert [each.id for each in detect(again).findings] == [each.id for each in detect(observation).findings]


def test_a_target_that_no_longer_answers_its_monitoring_is_down() -> None:
    up = series("desk", "up", 1.0, noise=0.0, during=0.0)
    found = findings(up, series("gate", "up", 1.0, noise=0.0))
    assert [(each.kind, each.entity) for each in found] == [("metric.down", "desk")]


def test_a_counter_of_restarts_that_grows_shows_a_process_that_ends() -> None:
    table = series("desk", "process_restarts", 0.0, noise=0.0, during=4.0)
    assert [(each.kind, each.fault_type) for each in findings(table)] == [
        ("metric.level_restarts", "process/killed")
    ]


def test_transactions_left_open_are_a_lock() -> None:
    table = series("store", "db_longest_transaction_seconds", 0.0, noise=0.0, during=40.0)
    assert [(each.kind, each.fault_type) for each in findings(table)] == [
        ("metric.level_locks", "database/lock")
    ]


def test_a_service_whose_metrics_all_end_is_silent_and_the_checks_say_so() -> None:
    tables = [
        series(name, metric, 20.0)
        for name in ("desk", "gate", "till")
        for metric in ("cpu_percent", "threads")
    ]
    ended = [table.filter((pl.col("service") != "desk") | (pl.col("ts") <= ONSET)) for table in tables]
    observation = observed(*ended)
    found = [each for each in detect(observation).findings if each.kind == "metric.silent"]
    assert [each.entity for each in found] == ["desk"]
    assert all(Evaluator(observation).evaluate(check).holds for check in found[0].checks)
    assert not any(each.kind == "metric.silent" for each in findings(*tables))


def test_when_all_metrics_end_it_is_the_monitoring_that_stopped() -> None:
    tables = [series(name, "cpu_percent", 20.0) for name in ("desk", "gate", "till")]
    ended = [table.filter(pl.col("ts") <= ONSET) for table in tables[:2]]
    assert not any(each.kind == "metric.silent" for each in findings(*ended, tables[2]))


def test_a_callee_that_is_no_longer_asked_accuses_the_caller_that_still_is() -> None:
    incident = Incident(id="invented", onset=float(ONSET), metric_interval_s=60.0)
    rate = "http_requests_per_second"
    tables = [
        series("gate", rate, 20.0),
        series("desk", rate, 20.0),
        series("till", rate, 20.0, during=0.0),
        series("till", "cpu_percent", 20.0),
    ]
    observation = Observation(
        incident=incident,
        current=Telemetry(metrics=pl.concat(tables)),
        topology=Topology.of([("gate", "desk"), ("desk", "till")]),
    )
    found = [each for each in detect(observation).findings if each.kind == "metric.idle_callee"]
    assert [(each.entity, each.related) for each in found] == [("desk", ("till",))]
    assert all(Evaluator(observation).evaluate(check).holds for check in found[0].checks)


def test_metrics_without_resources_are_said_to_lack_them_and_not_to_be_absent() -> None:
    table = series("desk", "latency_seconds", 0.1)
    assert [gap.message.key for gap in detect(observed(table)).gaps] == ["gap.metrics_resources_absent"]


def test_no_metrics_are_a_gap() -> None:
    detection = detect(Observation(incident=Incident(id="x"), current=Telemetry()))
    assert detection.findings == ()
    assert [gap.message.key for gap in detection.gaps] == ["gap.metrics_absent"]


def test_few_samples_are_a_gap() -> None:
    table = series("desk", "cpu_usage_percent", 5.0, during=99.0).filter(
        pl.col("ts").is_between(ONSET - 60, ONSET + 200)
    )
    assert [gap.message.key for gap in detect(observed(table)).gaps] == ["gap.metrics_few"]


@pytest.mark.parametrize(
    ("name", "kind", "unit", "host"),
    [
        ("container_memory_working_set_bytes", "memory", "bytes", False),
        ("container_cpu_cfs_throttled_ratio", "throttling", "ratio", False),
        ("node_cpu_utilization", "cpu", "ratio", True),
        ("system.cpu.utilization", "cpu", "ratio", False),
        ("http.server.request.duration", "latency", "plain", False),
        ("http_requests_total", "other", "plain", False),
        ("db_pool_max", "other", "plain", False),
        ("up", "up", "plain", False),
        ("container_restarts_total", "restarts", "plain", False),
        ("db_locks_waiting", "locks", "plain", False),
        ("Latency(ms)", "latency", "milliseconds", False),
    ],
)
def test_names_of_common_conventions_are_understood(name: str, kind: str, unit: str, host: bool) -> None:
    found = metric_kind(name)
    assert (found.kind, found.unit, found.host) == (kind, unit, host)


def replaced(service: str, metric: str, level: float, *, during: float | None) -> pl.DataFrame:
    """A service whose instance is another one from shortly before the onset on."""
    whole = series(service, metric, level, during=during)
    came = TIMES[28]
    name = pl.when(pl.col("ts") < came).then(pl.lit("old")).otherwise(pl.lit("new"))
    return whole.with_columns(name.alias("instance")).filter(pl.col("ts") <= TIMES[34])


def test_an_instance_without_a_past_is_judged_by_that_of_those_before_it() -> None:
    table = replaced("desk", "memory_bytes", 2e8, during=1.2e9)
    observation = observed(table, series("gate", "memory_bytes", 2e8))
    found = [each for each in detect(observation).findings if each.kind == "metric.level_memory"]
    assert [(each.entity, dict(each.params)["instance"]) for each in found] == [("desk", "new")]
    assert len(found[0].checks) == 2
    assert all(each.holds for each in map(Evaluator(observation).evaluate, found[0].checks))


def test_an_instance_that_does_as_those_before_it_is_no_fault() -> None:
    assert not findings(
        replaced("desk", "memory_bytes", 2e8, during=None), series("gate", "memory_bytes", 2e8)
    )


def test_an_instance_that_comes_beside_others_that_live_is_not_judged_by_them() -> None:
    born = series("desk", "memory_bytes", 1.2e9).filter(pl.col("ts") >= ONSET)
    beside = born.with_columns(pl.lit("desk-1").alias("instance"))
    found = findings(series("desk", "memory_bytes", 2e8), beside, series("gate", "memory_bytes", 2e8))
    assert not [each for each in found if dict(each.params).get("instance") == "desk-1"]


def test_the_processor_time_of_an_instance_that_starts_up_is_no_fault() -> None:
    table = replaced("desk", "cpu_usage_percent", 10.0, during=60.0)
    assert not findings(table, series("gate", "cpu_usage_percent", 10.0))
