from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.remarks import Remark
from sre_copilot.perception.case_format.tables import normalise, problems
from sre_copilot.perception.columns import LOGS, METRICS, STATE, TRACES, TRANSACTIONS, Table

NOW = 1_700_000_000
METRIC = {"ts": NOW, "service": "a", "instance": "a-1", "metric": "cpu_percent", "value": 5.0}
LINE = {
    "ts_ns": NOW * 10**9,
    "service": "a",
    "instance": "a-1",
    "level": "INFO",
    "trace_id": "",
    "span_id": "",
    "message": "hello",
}
SPAN = {
    "trace_id": "t", "span_id": "s", "parent_id": "", "service": "a", "instance": "a-1", "operation": "get",
    "start_ns": NOW * 10**9, "duration_us": 1000,
}  # fmt: skip
ORDER = {
    "ts": NOW,
    "service": "a",
    "channel": "web",
    "count": 3,
    "success": 2,
    "amount": 9.5,
    "latency_ms": 4.0,
}


def rows(first: dict[str, Any], *changes: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**first, **change} for change in changes])


def told(remarks: tuple[Remark, ...]) -> dict[str, dict[str, str | float | int]]:
    return {each.key.rpartition(".")[2]: dict(each.params) for each in remarks}


def fields(table: pl.DataFrame, spec: Table) -> list[str]:
    return [problem.field for problem in problems(table, spec)]


def test_each_missing_column_is_named_with_the_one_that_may_be_meant() -> None:
    table = rows(METRIC, {}).rename({"service": "servce"}).drop("value")
    found = list(problems(table, METRICS))
    assert [(problem.file, problem.field) for problem in found] == [
        ("metrics.parquet", "service"),
        ("metrics.parquet", "value"),
    ]
    assert "rename 'servce'?" in found[0].remedy


def test_columns_that_need_not_be_there_are_filled_with_what_says_unknown() -> None:
    table, remarks = normalise(pl.DataFrame({"service": ["a"], "message": ["m"]}), LOGS)
    assert table.row(0, named=True) == {**LINE, "ts_ns": None, "instance": "", "level": "", "message": "m"}
    assert table.schema["ts_ns"] == pl.Int64
    assert remarks == ()


def test_kind_and_status_of_spans_stay_away_when_they_were_not_recorded() -> None:
    assert "status" not in normalise(rows(SPAN, {}), TRACES)[0].columns


def test_rows_and_columns_in_any_order_give_one_table() -> None:
    table = rows(METRIC, {"ts": NOW + 60}, {}, {"service": "b"}, {"metric": "a_metric"})
    expected, _ = normalise(table, METRICS)
    shuffled, _ = normalise(table.reverse().select(sorted(table.columns)), METRICS)
    assert_frame_equal(expected, shuffled)
    assert expected["metric"].to_list() == ["a_metric", *["cpu_percent"] * 3]


def test_nan_and_infinities_are_not_measured_and_null_is_so_by_the_format() -> None:
    table, remarks = normalise(
        rows(
            METRIC,
            {"value": float("nan")},
            {"ts": NOW + 1, "value": float("inf")},
            {"ts": NOW + 2, "value": None},
        ),
        METRICS,
    )
    assert table["value"].to_list() == [None, None, None]
    assert told(remarks) == {"not_a_number": {"rows": 2, "total": 3}}
    assert remarks[0].row == 0


def test_equal_rows_are_kept_once_and_contradicting_samples_become_their_mean() -> None:
    table, remarks = normalise(rows(METRIC, {}, {}, {"value": 7.0}, {"ts": NOW + 60}), METRICS)
    assert table["value"].to_list() == [6.0, 5.0]
    assert told(remarks) == {"duplicate_rows": {"rows": 1, "total": 4}, "contradicting_rows": {"rows": 1}}


def test_equal_log_lines_are_kept_since_a_line_may_be_written_twice() -> None:
    table, remarks = normalise(rows(LINE, {}, {}), LOGS)
    assert (table.height, remarks) == (2, ())


@pytest.mark.parametrize(("unit", "factor"), [("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_a_time_in_a_smaller_unit_is_converted_and_said(unit: str, factor: int) -> None:
    table, remarks = normalise(rows(METRIC, {"ts": NOW * factor}, {"ts": NOW + 60}), METRICS)
    assert table["ts"].to_list() == [NOW, NOW + 60]
    assert told(remarks) == {"unit_converted": {"rows": 1, "unit": unit}}


def test_seconds_in_a_column_of_nanoseconds_are_converted_and_said() -> None:
    table, remarks = normalise(
        rows(SPAN, {"start_ns": NOW}, {"start_ns": NOW * 1000, "span_id": "x"}), TRACES
    )
    assert table["start_ns"].to_list() == [NOW * 10**9] * 2
    assert {dict(each.params)["unit"] for each in remarks} == {"s", "ms"}


def test_fractions_of_a_second_are_rounded_down_and_said() -> None:
    table, remarks = normalise(rows(METRIC, {"ts": NOW + 0.9}), METRICS)
    assert table["ts"].to_list() == [NOW]
    assert told(remarks) == {"cast": {"found": "Float64", "expected": "Int64"}}


def test_datetimes_with_a_zone_are_converted_and_without_one_are_utc_and_said() -> None:
    there = datetime.fromtimestamp(NOW, timezone(timedelta(hours=8)))
    aware, remarks = normalise(
        rows(METRIC, {}).with_columns(pl.Series("ts", [there]).dt.convert_time_zone("Asia/Shanghai")), METRICS
    )
    assert aware["ts"].to_list() == [NOW]
    assert "no_offset" not in told(remarks)
    naive = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    bare, remarks = normalise(rows(METRIC, {"ts": naive}), METRICS)
    assert bare["ts"].to_list() == [NOW]
    assert told(remarks)["no_offset"] == {"rows": 1}


def test_text_times_of_several_zones_in_one_column_are_converted() -> None:
    times = [
        "2023-11-15T06:13:20+08:00",
        "2023-11-14 22:13:20Z",
        "2023-11-14T22:13:20",
        "20231114T221320Z",
        "soon",
    ]
    table, remarks = normalise(rows(METRIC, *({"ts": time, "service": time} for time in times)), METRICS)
    assert table["ts"].to_list() == [NOW] * 4
    said = told(remarks)
    assert said["no_offset"] == {"rows": 1}
    assert said["cells_unread"] == {"rows": 1, "total": 5}
    assert said["rows_without"] == {"rows": 1, "total": 5}


def test_numbers_written_as_text_are_read_and_said() -> None:
    table, remarks = normalise(
        rows(METRIC, {"ts": str(NOW), "value": "5.5"}, {"ts": str(NOW + 1), "value": "n/a"}), METRICS
    )
    assert table["ts"].to_list() == [NOW, NOW + 1]
    assert table["value"].to_list() == [5.5, None]
    assert told(remarks)["cells_unread"] == {"rows": 1, "total": 2}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("value", ["high", "low"]),
        ("value", [[1.0], [2.0]]),
        ("ts", ["noon", "night"]),
        ("service", [{"a": 1}, {"a": 2}]),
        ("ts", [True, False]),
    ],
)
def test_a_column_of_which_nothing_can_be_read_is_an_error(column: str, values: list[Any]) -> None:
    table = rows(METRIC, {}, {"ts": NOW + 1}).with_columns(pl.Series(column, values))
    assert fields(table, METRICS) == [column]
    with pytest.raises(BadCaseError, match=rf"metrics\.parquet.*'{column}'"):
        normalise(table, METRICS)


def test_wider_and_narrower_types_of_one_kind_are_a_note_and_no_gap() -> None:
    table = rows(METRIC, {}).cast({"ts": pl.UInt32, "service": pl.Categorical, "value": pl.Float32})
    found, remarks = normalise(table, METRICS)
    assert found.schema["service"] == pl.String
    assert len(remarks) == 3
    assert not any(each.is_gap for each in remarks)


def test_bytes_that_are_not_utf8_are_replaced_and_said() -> None:
    table = rows(LINE, {}, {}).with_columns(message=pl.Series([b"fine", b"caf\xe9"]))
    found, remarks = normalise(table, LOGS)
    assert found["message"].to_list() == ["caf�", "fine"]
    assert told(remarks) == {"not_utf8": {"rows": 1, "total": 2}}
    assert remarks[0].row == 1


def test_rows_without_what_identifies_them_are_left_out_and_said() -> None:
    table, remarks = normalise(
        rows(METRIC, {}, {"ts": None}, {"service": ""}, {"metric": None}, {"instance": None}), METRICS
    )
    assert table["instance"].to_list() == ["", "a-1"]
    assert {each.field for each in remarks} == {"ts", "service", "metric"}


def test_lines_of_which_some_have_no_time_are_kept_last_and_said() -> None:
    table, remarks = normalise(rows(LINE, {"ts_ns": None}, {}), LOGS)
    assert table["ts_ns"].to_list() == [NOW * 10**9, None]
    assert told(remarks) == {"lines_without_time": {"rows": 1, "total": 2}}


def test_spans_of_negative_duration_are_left_out_and_said() -> None:
    table, remarks = normalise(rows(SPAN, {}, {"span_id": "x", "duration_us": -5}), TRACES)
    assert table.height == 1
    assert told(remarks) == {"negative_duration": {"rows": 1, "total": 2}}


def test_a_span_whose_parent_is_absent_keeps_its_id_and_is_said() -> None:
    table, remarks = normalise(rows(SPAN, {}, {"span_id": "x", "parent_id": "gone"}), TRACES)
    assert "gone" in table["parent_id"].to_list()
    assert told(remarks) == {"absent_parents": {"rows": 1, "total": 2}}


def test_a_parent_in_another_trace_is_no_parent() -> None:
    _, remarks = normalise(rows(SPAN, {"trace_id": "other"}, {"span_id": "x", "parent_id": "s"}), TRACES)
    assert told(remarks) == {"absent_parents": {"rows": 1, "total": 2}}


def test_spans_in_a_circle_and_below_one_lose_their_parents() -> None:
    circle = [
        {"span_id": "x", "parent_id": "y"},
        {"span_id": "y", "parent_id": "x"},
        {"span_id": "z", "parent_id": "x"},
    ]
    table, remarks = normalise(rows(SPAN, {"span_id": "own", "parent_id": "own"}, {}, *circle), TRACES)
    assert table["parent_id"].to_list() == [""] * 5
    assert told(remarks) == {"circular_spans": {"rows": 4, "total": 5}}


def test_spans_that_share_an_id_are_kept_and_said_and_exact_repeats_are_not_kept() -> None:
    table, remarks = normalise(rows(SPAN, {}, {}, {"service": "b"}), TRACES)
    assert table["service"].to_list() == ["a", "b"]
    assert told(remarks) == {
        "duplicate_rows": {"rows": 1, "total": 3},
        "shared_span_ids": {"rows": 1, "total": 2},
    }


def test_words_of_opentelemetry_are_understood_and_others_are_unknown_and_said() -> None:
    words = [
        ("SPAN_KIND_SERVER", "STATUS_CODE_ERROR"),
        ("Client", "UNSET"),
        ("producer", "broken"),
        (None, None),
    ]
    table, remarks = normalise(
        rows(
            SPAN,
            *(
                {"span_id": str(at), "kind": kind, "status": status}
                for at, (kind, status) in enumerate(words)
            ),
        ),
        TRACES,
    )
    assert table["kind"].to_list() == ["server", "client", "client", ""]
    assert table["status"].to_list() == ["error", "", "", ""]
    assert told(remarks) == {"unknown_words": {"rows": 1, "total": 4, "expected": "error, ok"}}


def test_impossible_counts_of_transactions_are_left_out_and_said() -> None:
    table, remarks = normalise(rows(ORDER, {}, {"success": 4}, {"count": -1, "success": -1}), TRANSACTIONS)
    assert table.height == 1
    assert told(remarks) == {"impossible_counts": {"rows": 2, "total": 3}}


def test_outputs_of_one_command_are_joined_and_said() -> None:
    table = pl.DataFrame(
        {"key": ["get pods", "get nodes", "get pods", "get nodes"], "text": ["b", "n", "a", "n"]}
    )
    found, remarks = normalise(table, STATE)
    assert found.rows() == [("get nodes", "n"), ("get pods", "a\nb")]
    assert told(remarks) == {"outputs_joined": {"rows": 1}}


@pytest.mark.parametrize("spec", [METRICS, LOGS, TRACES, TRANSACTIONS, STATE], ids=lambda spec: spec.name)
def test_a_table_without_rows_has_its_columns_and_is_said(spec: Table) -> None:
    empty = pl.DataFrame(schema={column.name: pl.Null() for column in spec.required})
    table, remarks = normalise(empty, spec)
    assert table.height == 0
    assert [each.key for each in remarks if each.is_gap] == ["gap.reader.empty"]
    assert set(table.dtypes) <= {pl.Int64, pl.String, pl.Float64}
