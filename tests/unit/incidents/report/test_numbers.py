from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.domain.evidence import Query
from sre_copilot.incidents.report.numbers import (
    clock,
    compact,
    date,
    iso,
    metric_unit,
    number,
    percentage,
    unit_of,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.30000000000000004, "0.3"),
        (1234567.0, "1,234,567"),
        (93.456, "93.46"),
        (-4.2, "−4.2"),
        (0, "0"),
        (0.00001234, "1.23e-05"),
        (100.0, "100"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_are_written_with_four_digits_at_most(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_written_number_is_near_the_number(value: float) -> None:
    read = float(number(value).replace(",", "").replace("−", "-"))
    assert math.isclose(read, value, rel_tol=5e-3, abs_tol=1e-300)


@given(st.floats(0, 1))
def test_only_certainty_is_written_as_certain(probability: float) -> None:
    assert (percentage(probability) == "100") == (probability == 1)
    assert (percentage(probability) == "0") == (probability == 0)


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("cpu(%)", "%"),
        ("request_duration_seconds", "s"),
        ("heap_used_bytes", "bytes"),
        ("latency_ms", "ms"),
        ("queue_length", ""),
        ("items", ""),
    ],
)
def test_a_unit_is_read_from_the_name_of_a_metric(metric: str, unit: str) -> None:
    assert metric_unit(metric) == unit


def test_each_source_has_the_unit_of_its_rows() -> None:
    assert unit_of(Query(source="logs", measure="rows")) == "lines"
    assert unit_of(Query(source="traces", measure="gap_ms")) == "ms"
    assert unit_of(Query(source="transactions", measure="success_rate")) == ""


def test_times_are_utc_and_dates_are_those_of_the_language() -> None:
    assert clock(1_772_356_860.0) == "09:21:00"
    assert date(1_772_356_860.0, "en") == "2026-03-01"
    assert date(1_772_356_860.0, "zh") == "2026年3月1日"
    assert iso(1_772_356_860.0) == "2026-03-01T09:21:00Z"


@pytest.mark.parametrize("at", [math.nan, math.inf, 1e30, -1e30])
def test_a_time_outside_of_the_calendar_is_a_dash(at: float) -> None:
    assert clock(at) == date(at, "en") == "–"
    assert iso(at) == ""


def test_large_numbers_on_an_axis_are_short_in_the_way_of_the_language() -> None:
    assert [compact(value, "en") for value in (9500.0, 45_000.0, 4.5e6, 2e9)] == [
        "9,500",
        "45k",
        "4.5M",
        "2G",
    ]
    assert [compact(value, "zh") for value in (9500.0, 45_000.0, 4.5e6, 2e9)] == [
        "9,500",
        "4.5万",
        "450万",
        "20亿",
    ]
