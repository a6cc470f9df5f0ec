from __future__ import annotations

from dataclasses import replace

import polars as pl
from tests.unit.incidents.report import example
from tests.unit.incidents.report.example import ONSET, where

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.incidents.report.dating import began

LATE = Window(ONSET + 180, ONSET + 600)
OBSERVATION = example.observation()


def level(window: Window = LATE, metric: str = "m") -> Finding:
    query = Query(source="metrics", measure="value", where=where(service="x", metric=metric), window=window)
    check = Check(query=query, aggregate="median", relation=">=", bound=50.0)
    return Finding(kind="k", entity="x", modality="metrics", weight=1.0, checks=(check,), window=window)


def series(step: float, *, noisy: tuple[int, ...] = ()) -> Observation:
    """A step at `step`, every 15 s, and single samples before it that cross the bound."""
    ats = range(int(ONSET) - 900, int(ONSET) + 600, 15)
    values = [90.0 if at >= step or at - int(ONSET) in noisy else 10.0 for at in ats]
    table = pl.DataFrame({"ts": list(ats), "service": "x", "instance": "x-0", "metric": "m", "value": values})
    return replace(OBSERVATION, current=Telemetry(metrics=table))


def test_a_step_is_dated_by_its_first_sample_although_its_check_begins_later() -> None:
    assert began(level(), series(ONSET)) == ONSET
    assert began(level(), series(ONSET + 30)) == ONSET + 30


def test_a_step_shortly_before_the_reported_onset_is_dated_so() -> None:
    assert began(level(), series(ONSET - 60)) == ONSET - 60


def test_samples_that_cross_the_bound_now_and_then_do_not_begin_it() -> None:
    assert began(level(), series(ONSET, noisy=(-105, -90, -45))) == ONSET


def test_without_the_series_the_start_of_the_window_stands() -> None:
    assert began(level(metric="other"), series(ONSET)) == LATE.start
    assert began(replace(level(), checks=()), series(ONSET)) == LATE.start


def test_a_new_line_is_dated_by_its_first_row() -> None:
    found = example.appeared("payments", "库存不足")
    first = OBSERVATION.current.logs.filter(pl.col("message").str.contains("库存"))["ts_ns"].min()  # type: ignore[union-attr]
    assert began(found, OBSERVATION) == first / 1e9  # type: ignore[operator]


def test_what_vanished_is_missing_from_its_window_on_but_not_before_the_onset() -> None:
    gone = example.vanished("payments", "charged card of order")
    assert began(gone, OBSERVATION) == ONSET + 20
    early = replace(gone.checks[0].query, window=Window(ONSET - 1, ONSET + 300))
    checks = (replace(gone.checks[0], query=early),)
    assert began(replace(gone, checks=checks, window=early.window), OBSERVATION) == ONSET


def test_a_slow_call_is_dated_by_the_first_that_stays_slow() -> None:
    assert began(example.slow_edge("checkout", "payments"), OBSERVATION) == ONSET


def test_a_ratio_is_dated_by_what_it_means_for_a_single_value() -> None:
    found = example.slow_edge("checkout", "payments")
    assert began(replace(found, checks=found.checks[1:]), OBSERVATION) == ONSET
