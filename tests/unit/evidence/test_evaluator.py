from dataclasses import replace

import polars as pl
import pytest

from sre_copilot.domain.evidence import Aggregate, Check, Combine, Query, Relation
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Alert, Change, Modality, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.evidence.evaluator import Evaluator, Observed, evaluate

SECOND = 1_000_000_000
T0 = 1_700_000_000

METRICS = pl.DataFrame(
    {
        "ts": [T0 + 10 * n for n in range(6)] * 2,
        "service": ["web"] * 6 + ["cart"] * 6,
        "instance": ["web-1"] * 6 + ["cart-1"] * 6,
        "metric": ["cpu"] * 12,
        "value": [1.0, 2.0, 3.0, 10.0, 20.0, 60.0, 5.0, 5.0, float("nan"), None, float("inf"), 5.0],
    }
)
LOGS = pl.DataFrame(
    {
        "ts_ns": [(T0 + n) * SECOND for n in (0, 1, 2, 30, 31)],
        "service": ["web", "web", "cart", "web", "cart"],
        "instance": ["web-1"] * 5,
        "level": ["INFO", "INFO", "INFO", "ERROR", "INFO"],
        "trace_id": [""] * 5,
        "span_id": [""] * 5,
        "message": ["order 17 placed", "order 18 placed", "cart [x] read", "order 19 failed", None],
    }
)


def span(
    name: str, parent: str, service: str, start: float, milliseconds: float, **more: str
) -> dict[str, object]:
    return {
        "trace_id": more.get("trace", "t"),
        "span_id": name,
        "parent_id": parent,
        "service": service,
        "instance": f"{service}-1",
        "operation": more.get("operation", f"{service}.op"),
        "start_ns": int((T0 + start) * SECOND),
        "duration_us": int(milliseconds * 1000),
        "status": more.get("status", "ok"),
    }


TRACES = pl.DataFrame(
    [
        span("a", "", "web", 0.0, 100),
        span("b", "a", "cart", 0.01, 60, status="error"),
        span("c", "a", "cart", 20.0, 30, operation="cart.list"),
        span("d", "b", "store", 0.02, 70),
        span("e", "gone", "store", 5.0, 9),
        span("b", "", "store", 6.0, 1, trace="another"),
    ]
)
STATE = {"kubectl get pods": "NAME    READY   STATUS\nweb-1   0/1     Pending\n\ncart-1  1/1     Running\n"}
OBSERVATION = Observation(
    incident=Incident(id="x"),
    current=Telemetry(
        metrics=METRICS,
        logs=LOGS,
        traces=TRACES,
        state=STATE,
        alerts=(
            Alert("slow", entity="web", text=("p90 = 3 s", "was 1 s"), window=Window(T0, T0 + 10)),
            Alert("odd", entity="cart"),
        ),
        changes=(Change(T0 + 5.0, "web", "deploy", "release 2", {"to": "2"}),),
        transactions=pl.DataFrame(
            {
                "ts": [T0, T0 + 60, T0 + 120],
                "service": ["web"] * 3,
                "channel": ["app"] * 3,
                "count": [10, 20, 0],
                "success": [10, 5, 0],
                "amount": [1.5, 2.5, 0.0],
                "latency_ms": [9.0, 11.0, None],
            }
        ),
    ),
    reference=Telemetry(metrics=METRICS.with_columns(pl.col("value") / 2)),
    topology=Topology.of([("web", "cart"), ("cart", "store")]),
)


def query(source: Modality, measure: str, window: Window | None = None, **where: str) -> Query:
    return Query(source=source, measure=measure, where=tuple(where.items()), window=window)


def observe(
    asked: Query,
    aggregate: Aggregate,
    relation: Relation = ">=",
    bound: float = 0.0,
    *,
    against: Query | None = None,
    combine: Combine = "value",
    observation: Observation = OBSERVATION,
) -> Observed:
    check = Check(
        query=asked, aggregate=aggregate, relation=relation, bound=bound, against=against, combine=combine
    )
    return evaluate(check, observation)


WEB_CPU = query("metrics", "value", service="web", metric="cpu")


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("count", 6), ("mean", 16), ("median", 6.5), ("p90", 40), ("p95", 50), ("p99", 58), ("min", 1), ("max", 60), ("last", 60),
        ("sum", 96),
    ],
)  # fmt: skip
def test_aggregates_are_what_a_hand_computes(aggregate: Aggregate, value: float) -> None:
    assert observe(WEB_CPU, aggregate).value == pytest.approx(value)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    assert observe(replace(WEB_CPU, window=Window(T0 + 10, T0 + 30)), "sum").value == 5.0


def test_a_row_some_nanoseconds_before_a_window_is_not_in_it() -> None:
    early = LOGS.head(1).with_columns(pl.lit(1_674_982_992_542_715_931, pl.Int64).alias("ts_ns"))
    observation = replace(OBSERVATION, current=Telemetry(logs=early))
    window = Window(1_674_982_992.542716, 1_674_983_000.0)
    assert not observe(query("logs", "rows", window), "count", ">=", 1, observation=observation).holds


def test_rate_is_rows_a_second_of_the_window_and_means_nothing_without_one() -> None:
    assert observe(replace(WEB_CPU, window=Window(T0, T0 + 120)), "rate").value == pytest.approx(0.05)
    assert observe(WEB_CPU, "rate").value is None


def test_null_nan_and_infinity_are_no_data() -> None:
    assert observe(query("metrics", "value", service="cart"), "count").value == 3.0
    assert observe(query("metrics", "value", Window(T0 + 20, T0 + 50), service="cart"), "mean") == Observed(
        None, False, "no metrics of the incident match, or mean means nothing here"
    )


def test_an_empty_selection_counts_zero_only_where_the_source_was_recorded() -> None:
    inside, outside = Window(T0, T0 + 9), Window(T0 - 900, T0 - 800)
    failed = query("logs", "rows", inside, contains="failed")
    assert observe(failed, "count", "==", 0) == Observed(0.0, True)
    assert not observe(replace(failed, window=outside), "count", "==", 0).holds
    assert not observe(replace(failed, origin="reference"), "count", "==", 0).holds


def test_a_table_that_is_empty_throughout_was_recorded_and_nothing_happened() -> None:
    quiet = replace(OBSERVATION, current=Telemetry(logs=LOGS.clear()))
    assert observe(
        query("logs", "rows", Window(0, 9), service="web"), "count", "==", 0, observation=quiet
    ).holds


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"service": "web", "contains": "order 1"}, 3),
        ({"pattern": r"order \d+ placed"}, 2),
        ({"contains": "[x]"}, 1),
        ({"level": "ERROR", "pattern": "^order"}, 1),
        ({"service": "nobody"}, 0),
    ],
)
def test_log_lines_are_found_by_column_literal_and_pattern(where: dict[str, str], rows: int) -> None:
    assert observe(query("logs", "rows", **where), "count").value == rows


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", "[z-a]"])
def test_a_bad_pattern_refutes_with_a_reason(pattern: str) -> None:
    seen = observe(query("logs", "rows", pattern=pattern), "count")
    assert not seen.holds
    assert seen.reason.startswith("bad pattern")


def test_pairs_of_spans_are_selected_by_caller_and_callee_and_timed_by_the_child() -> None:
    edge = query("traces", "gap_ms", caller="web", callee="cart")
    assert observe(edge, "count").value == 2.0
    assert observe(edge, "max").value == pytest.approx(70.0)
    assert observe(replace(edge, window=Window(T0, T0 + 10)), "max").value == pytest.approx(40.0)
    assert observe(query("traces", "gap_ms", caller="cart", callee="store"), "min").value == pytest.approx(
        -10.0
    )
    named = query("traces", "calls", caller="web", callee_operation="cart.list")
    assert observe(named, "count").value == 1.0


def test_a_parent_is_looked_for_in_the_same_trace_and_need_not_be_recorded() -> None:
    assert observe(query("traces", "calls"), "count").value == 3.0


def test_no_call_in_a_window_means_something_only_where_spans_were_recorded() -> None:
    alone = replace(OBSERVATION, current=Telemetry(traces=TRACES.head(1)))
    calls = query("traces", "calls", Window(T0, T0 + 1), callee="cart")
    assert observe(calls, "count", "==", 0, observation=alone).holds
    assert not observe(
        replace(calls, window=Window(T0 + 50, T0 + 60)), "count", "==", 0, observation=alone
    ).holds


def test_a_span_identifier_that_occurs_twice_does_not_double_its_children() -> None:
    twice = replace(OBSERVATION, current=Telemetry(traces=pl.concat([TRACES, TRACES.head(1)])))
    assert observe(query("traces", "calls", callee="cart"), "count", observation=twice).value == 2.0


def test_self_time_is_what_the_children_leave_and_never_negative() -> None:
    assert observe(query("traces", "self_ms", service="web"), "sum").value == pytest.approx(10.0)
    assert observe(query("traces", "self_ms", service="cart"), "min").value == 0.0
    assert observe(query("traces", "duration_ms", service="cart"), "sum").value == pytest.approx(90.0)


def test_errors_are_a_share_where_a_status_was_recorded_and_no_data_elsewhere() -> None:
    failed = query("traces", "error", service="cart")
    assert observe(failed, "mean").value == 0.5
    blind = replace(OBSERVATION, current=Telemetry(traces=TRACES.drop("status")))
    assert observe(failed, "mean", observation=blind).value is None


def test_lines_of_state_fold_white_space_on_both_sides() -> None:
    pods = query("state", "rows", key="kubectl get pods", line="web-1  0/1 Pending")
    assert observe(pods, "count").value == 1.0
    assert observe(query("state", "rows", key="kubectl get pods"), "count").value == 3.0
    assert observe(query("state", "rows", key="kubectl get nodes"), "count").value == 0.0


def test_what_has_no_times_says_nothing_about_a_window() -> None:
    window = Window(T0, T0 + 100)
    timeless = replace(
        OBSERVATION, current=Telemetry(logs=LOGS.with_columns(pl.lit(None, pl.Int64).alias("ts_ns")))
    )
    assert not observe(query("state", "rows", window), "count").holds
    assert not observe(query("topology", "rows", window), "count").holds
    assert not observe(query("logs", "rows", window), "count", observation=timeless).holds
    assert observe(query("logs", "rows", service="web"), "count", observation=timeless).value == 3.0


def test_alerts_count_when_they_overlap_the_window() -> None:
    slow = query("alerts", "rows", contains="3 s")
    assert observe(slow, "count").value == 1.0
    assert observe(replace(slow, window=Window(T0 + 9, T0 + 99)), "count").value == 1.0
    assert observe(replace(slow, window=Window(T0 + 50, T0 + 99)), "count", "==", 0).holds


def test_changes_topology_and_transactions_answer_in_their_own_words() -> None:
    change = query(
        "changes", "rows", Window(T0, T0 + 9), **{"service": "web", "detail.to": "2", "contains": "release"}
    )
    assert observe(change, "count").value == 1.0
    assert observe(query("topology", "rows", caller="web", callee="cart"), "count").value == 1.0
    assert not observe(replace(query("topology", "rows"), origin="reference"), "count").holds
    rate = query("transactions", "success_rate", service="web")
    assert (observe(rate, "min").value, observe(rate, "count").value) == (0.25, 2.0)
    assert observe(query("transactions", "amount"), "sum").value == 4.0


def test_two_aggregates_combine_to_a_ratio_or_a_difference() -> None:
    normal = replace(WEB_CPU, origin="reference")
    assert observe(WEB_CPU, "median", against=normal, combine="ratio").value == pytest.approx(2.0)
    assert observe(WEB_CPU, "median", against=normal, combine="difference").value == pytest.approx(3.25)


def test_a_ratio_to_zero_and_a_combination_without_a_partner_do_not_hold() -> None:
    nothing = query("logs", "rows", contains="nowhere")
    assert not observe(query("logs", "rows"), "count", against=nothing, combine="ratio").holds
    assert not observe(WEB_CPU, "median", combine="ratio").holds
    assert not observe(WEB_CPU, "median", against=WEB_CPU, combine="value").holds


@pytest.mark.parametrize(
    "asked",
    [
        query("metrics", "speed"),
        query("metrics", "value", colour="red"),
        query("traces", "gap_ms", service="web"),
    ],
)
def test_an_unknown_measure_or_column_does_not_hold_and_says_so(asked: Query) -> None:
    seen = observe(asked, "count")
    assert not seen.holds
    assert "have no" in seen.reason


def test_equality_allows_for_the_rounding_of_floats() -> None:
    assert observe(WEB_CPU, "sum", "==", 96.0 * (1 + 1e-12)).holds
    assert observe(WEB_CPU, "sum", ">=", 96.0 * (1 + 1e-12)).holds
    assert not observe(WEB_CPU, "sum", ">", 96.0).holds
    assert not observe(WEB_CPU, "sum", "==", 96.001).holds


def test_one_evaluator_answers_many_checks_as_fresh_ones_do() -> None:
    shared = Evaluator(OBSERVATION)
    queries = [replace(WEB_CPU, window=Window(T0, T0 + n)) for n in range(5, 60, 5)]
    checks = [Check(query=each, aggregate="max", relation=">", bound=5.0) for each in queries]
    assert [shared.evaluate(check) for check in checks] == [evaluate(check, OBSERVATION) for check in checks]
