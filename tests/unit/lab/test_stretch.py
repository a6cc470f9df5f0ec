"""A resampled past holds what was seen and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.live import openmetrics
from lab.live.stretch import Series, Stretch, drawn, increments, past, resampled

STEP = 5


def counter(*values: float) -> Series:
    return Series("orders_total", {"service": "cart", "route": "/items/{customer}"}, np.array(values, float))


def gauge(*values: float) -> Series:
    return Series("memory_bytes", {"service": "cart"}, np.array(values, float))


@given(
    st.lists(st.integers(0, 1000), min_size=3, max_size=60),
    st.integers(1, 400),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_a_counter_never_falls_and_grows_only_by_increments_that_were_seen(
    values: list[int], count: int, block: int, seed: int
) -> None:
    series = counter(*values)
    found = resampled(series, drawn(len(values), count, block=block, seed=seed))
    grown = np.diff(found)
    assert len(found) == count
    assert (grown >= 0).all()
    assert set(grown.tolist()) <= set(increments(series.values).tolist())


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=60),
    st.integers(1, 400),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_a_gauge_has_only_values_that_were_seen(
    values: list[float], count: int, block: int, seed: int
) -> None:
    found = resampled(gauge(*values), drawn(len(values), count, block=block, seed=seed))
    assert set(found.tolist()) <= set(values)


@given(st.integers(3, 80), st.integers(1, 500), st.integers(1, 30), st.integers(0, 99))
def test_blocks_are_runs_of_successive_scrapes_inside_of_the_stretch(
    width: int, count: int, block: int, seed: int
) -> None:
    places = drawn(width, count, block=block, seed=seed)
    assert places.min() >= 1
    assert places.max() < width
    inside = (np.arange(1, count) % min(block, width - 1)) != 0
    assert (np.diff(places)[inside] == 1).all()


def test_the_same_seed_draws_the_same_past_and_another_seed_another() -> None:
    assert (drawn(70, 500, block=12, seed=3) == drawn(70, 500, block=12, seed=3)).all()
    assert (drawn(70, 500, block=12, seed=3) != drawn(70, 500, block=12, seed=4)).any()


def test_a_stretch_of_one_scrape_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        drawn(1, 10, block=12, seed=0)


def test_a_counter_that_began_anew_counts_from_zero_and_a_missed_scrape_joins_the_next() -> None:
    found = increments(np.array([10, 13, np.nan, 20, 2, 5]))
    assert found[[1, 3, 4, 5]].tolist() == [3, 7, 2, 3]
    assert np.isnan(found[2])


def test_a_missed_scrape_stays_missed() -> None:
    places = np.array([1, 2, 3, 2])
    assert np.isnan(resampled(gauge(1, 2, np.nan, 4), places)).tolist() == [False, True, False, True]
    assert np.isnan(resampled(counter(1, 2, np.nan, 4), places)).tolist() == [False, True, False, True]


def test_all_series_take_the_same_blocks_so_that_what_happened_together_stays_together() -> None:
    values = np.arange(40.0)
    stretch = Stretch(STEP, 0, (gauge(*values), gauge(*(values * 2))))
    (first, _), (second, _) = past(stretch, end=1_700_000_000, days=0.05, every=STEP, seed=1)
    assert (second.values == 2 * first.values).all()


def test_the_past_ends_where_it_is_told_with_a_sample_each_so_many_seconds_and_keeps_its_labels() -> None:
    stretch = Stretch(STEP, 0, (counter(*range(0, 400, 10)),))
    ((series, times),) = past(stretch, end=1_700_000_000, days=0.25, every=10, seed=1)
    assert series.labels == stretch.series[0].labels
    assert times[-1] == 1_700_000_000
    assert set(np.diff(times).tolist()) == {10}
    assert len(times) == 0.25 * 86_400 / 10
    assert set(np.diff(series.values).tolist()) == {20}, "two increments of ten between two samples"


def test_a_kept_stretch_is_read_as_it_was(tmp_path: Path) -> None:
    stretch = Stretch(STEP, 1_700_000_000, (counter(1, 2, np.nan), gauge(4, 5, 6)))
    stretch.save(tmp_path / "new" / "stretch.npz")
    read = Stretch.load(tmp_path / "new" / "stretch.npz")
    assert (read.step_seconds, read.start) == (STEP, 1_700_000_000)
    assert [(one.name, one.labels) for one in read.series] == [
        (one.name, one.labels) for one in stretch.series
    ]
    assert np.array_equal(read.series[0].values, stretch.series[0].values, equal_nan=True)


def test_openmetrics_text_has_a_line_for_each_sample_that_was_there_and_ends_as_it_must(
    tmp_path: Path,
) -> None:
    path = tmp_path / "past.txt"
    times = np.array([100, 110, 120])
    assert openmetrics.write(path, [(counter(1, np.nan, 2.5), times)]) == 2
    assert path.read_text(encoding="utf-8").splitlines() == [
        'orders_total{route="/items/{customer}",service="cart"} 1.0 100',
        'orders_total{route="/items/{customer}",service="cart"} 2.5 120',
        "# EOF",
    ]
