"""Which time is normal, and what is normal in it."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.baselines.periods import inside, periods
from sre_copilot.cognition.baselines.robust import DAY_S, baseline, same_time_of_day
from sre_copilot.domain.incident import Incident


def test_the_suspect_time_surrounds_the_told_onset() -> None:
    found = periods(Incident(id="x", onset=1_000.0), start=0.0, end=2_000.0)
    assert found.suspect.start < 1_000.0 < found.suspect.end
    assert found.past.end == found.suspect.start


def test_without_an_onset_the_second_half_is_suspect() -> None:
    found = periods(Incident(id="x"), start=0.0, end=2_000.0)
    assert (found.suspect.start, found.past.start) == (1_000.0, 0.0)


def test_the_neighbourhood_of_other_incidents_is_excluded() -> None:
    found = periods(
        Incident(id="x", onset=1_000.0, other_fault_times=(400.0, 1_000.0)), start=0.0, end=2_000.0
    )
    assert [window.start for window in found.excluded] == [400.0]
    rows = pl.DataFrame({"ts": [399, 400, 699, 700]})
    assert rows.filter(inside("ts", found.excluded))["ts"].to_list() == [400, 699]


@given(st.floats(0, 3_000), st.floats(1, 2_000))
def test_periods_never_overlap(onset: float, end: float) -> None:
    found = periods(Incident(id="x", onset=onset), start=0.0, end=end)
    assert found.past.end <= found.suspect.start <= found.suspect.end


def test_a_flat_series_keeps_a_spread_in_proportion_to_its_level() -> None:
    table = pl.DataFrame({"key": ["a"] * 9, "value": [5.0] * 9})
    row = baseline(table, ["key"]).row(0, named=True)
    assert (row["normal"], row["mad"], row["spread"], row["distinct"]) == (5.0, 0.0, 0.5, 1)


def test_many_days_are_reduced_to_the_time_of_day() -> None:
    hours = pl.DataFrame({"ts": [hour * 3_600 for hour in range(24 * 3)]})
    kept = same_time_of_day(hours, at=5 * DAY_S + 7 * 3_600)["ts"].to_list()
    assert {ts % DAY_S // 3_600 for ts in kept} == {6, 7, 8}


def test_a_few_hours_are_kept_whole() -> None:
    hours = pl.DataFrame({"ts": [hour * 3_600 for hour in range(20)]})
    assert same_time_of_day(hours, at=0.0).height == 20


def test_very_many_other_incidents_become_a_few_stretches() -> None:
    times = tuple(float(each) for each in range(-50_000, 100_000))
    found = periods(Incident(id="x", onset=1_000.0, other_fault_times=times), start=0.0, end=2_000.0)
    assert len(found.excluded) <= 2


def test_a_recording_that_begins_after_the_onset_has_no_normal_time_of_its_own() -> None:
    found = periods(Incident(id="x", onset=1_000.0), start=1_060.0, end=2_000.0)
    assert found.suspect.start == 1_060.0
    assert found.suspect.end > 2_000.0
    assert found.past.seconds == 0
