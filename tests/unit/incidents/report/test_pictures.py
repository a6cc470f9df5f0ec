from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.incidents.report import example
from tests.unit.incidents.report.example import ONSET, where

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.incidents.report import RENDERERS, build, render
from sre_copilot.incidents.report.charts import TOP, band_words, chart
from sre_copilot.incidents.report.pictures import LINES, POINTS, draw, expected
from sre_copilot.incidents.report.series import points

OBSERVATION = example.observation()


def finding(query: Query, aggregate: str = "median") -> Finding:
    check = Check(query=query, aggregate=aggregate, relation=">", bound=0)  # type: ignore[arg-type]
    return Finding(kind="example.slow", entity="x", modality="metrics", weight=1.0, checks=(check,))


def test_each_instance_of_a_metric_is_a_line_and_the_past_gives_the_band() -> None:
    picture = draw(example.hot("payments"), OBSERVATION)
    assert picture is not None
    assert [line.label for line in picture.lines] == ["payments-7d9f-abcde", "payments-7d9f-fghij"]
    assert picture.band is not None
    assert picture.band.origin == "past"
    assert 10 < picture.band.low < 21 < picture.band.high < 40
    assert picture.unit == "%"
    assert picture.onset == ONSET


def test_a_hole_in_the_samples_interrupts_the_line() -> None:
    picture = draw(example.hot("payments"), OBSERVATION)
    assert picture is not None
    assert picture.lines[0].values.count(None) == 1


def test_the_gap_of_an_edge_is_the_parents_duration_minus_the_childs_per_bucket() -> None:
    picture = draw(example.slow_edge("checkout", "payments"), OBSERVATION)
    assert picture is not None
    assert picture.bucket_s == 5
    assert picture.statistic == "median"
    before = [
        v for t, v in zip(picture.lines[0].times, picture.lines[0].values, strict=True) if t < ONSET - 5
    ]
    after = [v for t, v in zip(picture.lines[0].times, picture.lines[0].values, strict=True) if t >= ONSET]
    assert all(v is not None and 2 < v < 6 for v in before)
    assert all(v is not None and 90 < v < 190 for v in after if v is not None)


def test_a_check_against_the_reference_takes_its_band_from_there() -> None:
    edge = example.slow_edge("checkout", "payments")
    against_reference = Finding(
        kind=edge.kind,
        entity=edge.entity,
        modality="traces",
        weight=1,
        checks=edge.checks[1:],
        params=edge.params,
    )
    picture = draw(against_reference, OBSERVATION)
    assert picture is not None
    assert picture.band is not None
    assert picture.band.origin == "reference"


def test_log_lines_that_vanish_fall_below_a_band_that_stays_above_zero() -> None:
    picture = draw(example.vanished("payments", "charged card of order"), OBSERVATION)
    assert picture is not None
    assert picture.band is not None
    assert picture.lines[0].values[-2] == 0.0
    assert picture.band.low > 0


def test_missing_telemetry_gives_no_picture_and_no_zeros() -> None:
    nothing = Observation(incident=Incident(id="x"), current=Telemetry())
    assert draw(example.hot("payments"), nothing) is None
    assert draw(example.vanished("payments", "x"), nothing) is None


def test_logs_without_times_give_no_picture() -> None:
    logs = example.logs().with_columns(ts_ns=pl.lit(None, dtype=pl.Int64))
    timeless = example.observation(current=Telemetry(logs=logs))
    assert draw(example.vanished("payments", "charged"), timeless) is None


def test_a_pattern_that_cannot_be_read_gives_no_picture() -> None:
    query = Query(source="logs", measure="rows", where=where(service="cart", pattern="(?<=x)y"))
    assert draw(finding(query, "count"), OBSERVATION) is None


def test_text_is_searched_literally() -> None:
    query = Query(source="logs", measure="rows", where=where(service="cart", contains="cart.*"))
    assert points(OBSERVATION.current, query) is None


def test_cluster_state_is_no_series() -> None:
    assert draw(example.killed("payments"), OBSERVATION) is None


def test_own_time_is_duration_without_the_children() -> None:
    query = Query(source="traces", measure="self_ms", where=where(service="checkout"))
    found = points(OBSERVATION.current, query)
    assert found is not None
    late = found.filter(pl.col("at") >= ONSET)["value"]
    assert 90 < float(late.median()) < 190  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", ["count", "amount", "success_rate", "latency_ms"])
def test_transactions_are_a_line_a_channel(measure: str) -> None:
    query = Query(source="transactions", measure=measure, where=where(service="checkout"))
    picture = draw(finding(query), OBSERVATION)
    assert picture is not None
    assert {line.label for line in picture.lines} == {"web", "小程序"}


@pytest.mark.parametrize("measure", ["rows", "duration_ms", "calls", "error"])
def test_measures_of_spans_are_drawn_where_they_were_recorded(measure: str) -> None:
    query = Query(
        source="traces", measure=measure, where=where(service="payments") if measure != "calls" else ()
    )
    picture = draw(finding(query), OBSERVATION)
    assert (picture is None) == (measure == "error")  # this recording has no status


def many_instances(rows: int, instances: int) -> Observation:
    table = pl.DataFrame(
        {
            "ts": [int(ONSET) - rows + at for at in range(rows) for _ in range(instances)],
            "service": "x",
            "instance": [f"x-{at}" for _ in range(rows) for at in range(instances)],
            "metric": "m",
            "value": [float(at + 100 * (row == rows // 3)) for row in range(rows) for at in range(instances)],
        }
    )
    incident = Incident(id="x", onset=ONSET - rows / 2, window=Window(0, ONSET))
    return Observation(incident=incident, current=Telemetry(metrics=table))


def test_long_series_and_many_instances_are_thinned_and_no_spike_is_lost() -> None:
    query = Query(source="metrics", measure="value", where=where(service="x"))
    picture = draw(finding(query), many_instances(3000, 7))
    assert picture is not None
    assert len(picture.lines) == LINES
    assert picture.left_out == 7 - LINES
    assert all(len(line.times) <= POINTS for line in picture.lines)
    assert all(max(v for v in line.values if v is not None) >= 100 for line in picture.lines)


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = Telemetry(
        metrics=example.metrics().sample(fraction=1, shuffle=True, seed=1),
        logs=example.logs().sample(fraction=1, shuffle=True, seed=1),
        traces=example.traces().sample(fraction=1, shuffle=True, seed=1),
    )
    for each in (
        example.hot("payments"),
        example.slow_edge("checkout", "payments"),
        example.appeared("payments", "库存"),
    ):
        assert draw(each, example.observation(current=shuffled)) == draw(each, OBSERVATION)


def test_other_faults_are_no_normal_time() -> None:
    busy = example.incident(other_fault_times=tuple(ONSET - 300 * at for at in range(1, 6)))
    picture = draw(example.hot("payments"), example.observation(incident=busy))
    assert picture is not None
    assert picture.band is None


def test_the_legend_says_what_the_band_is() -> None:
    counts, levels = (
        expected([16.0, 17.0, 15.0] * 3, "count", "past"),
        expected([16.0, 17.0, 15.0] * 3, "value", "past"),
    )
    assert (counts.rule, counts.low, counts.high) == ("poisson", 4.0, 28.0)
    assert levels.rule == "deviation"
    scattered = expected([0.0, 100.0, 40.0, 80.0, 20.0, 60.0, 10.0, 90.0], "count", "past")
    assert scattered.rule == "deviation"
    picture = draw(example.hot("payments"), OBSERVATION)
    assert picture is not None
    for lang, words in (("en", "m ± 3√m"), ("zh", "m ± 3√m")):
        assert words in band_words(replace(picture, band=counts), lang)  # type: ignore[arg-type]
        assert "MAD" not in band_words(replace(picture, band=counts), lang)  # type: ignore[arg-type]
        assert "MAD" in band_words(replace(picture, band=levels), lang)  # type: ignore[arg-type]


def test_the_name_of_the_onset_stands_above_the_plot() -> None:
    picture = draw(example.hot("payments"), OBSERVATION)
    assert picture is not None
    (named,) = re.findall(r'<text x="[\d.]+" y="([\d.]+)" class="onset-name"', chart(picture, "en", key="k"))
    assert 14 < float(named) < TOP


@given(st.lists(st.floats(-1e9, 1e9), min_size=8, max_size=60), st.sampled_from(["value", "count", "median"]))
def test_a_band_is_finite_and_holds_its_middle(values: list[float], statistic: str) -> None:
    band = expected(values, statistic, "past")  # type: ignore[arg-type]
    assert min(band.low, 0) <= band.middle <= band.high
    assert band.low <= band.high


def test_a_single_point_is_no_picture() -> None:
    single = example.observation(
        current=Telemetry(metrics=example.metrics().filter(pl.col("ts") == int(ONSET)))
    )
    assert draw(example.hot(example.HOSTILE), single) is None


def test_values_near_the_limit_of_floats_are_drawn_in_every_form() -> None:
    assert OBSERVATION.current.metrics is not None
    even = pl.int_range(pl.len()) % 2 == 0
    wild = OBSERVATION.current.metrics.with_columns(value=pl.when(even).then(1e308).otherwise(-1e308))
    observation = replace(OBSERVATION, current=replace(OBSERVATION.current, metrics=wild))
    diagnosis = example.diagnosis()
    report = build(diagnosis, observation, example.observed(diagnosis))
    assert all(render(report, output=output, lang="en") for output in RENDERERS)
