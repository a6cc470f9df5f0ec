from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.perception.blocks import block_of, table_of

T0 = 1_700_000_040


def table(*rows: tuple[int, str, str | None, str, float | None]) -> pl.DataFrame:
    schema = {
        "ts": pl.Int64,
        "service": pl.String,
        "instance": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_rows_lie_on_the_grid_and_gaps_are_nan() -> None:
    rows = table((T0, "b", "", "m", 1.0), (T0 + 120, "b", "", "m", 3.0), (T0, "a", "i", "m", 5.0))
    block = block_of(rows, Window(T0, T0 + 180), step_seconds=60)
    assert block.keys == (SeriesKey("a", "m", "i"), SeriesKey("b", "m"))
    nan = np.nan
    np.testing.assert_array_equal(block.values, np.array([[5, nan, nan], [1, nan, 3]], np.float32))


def test_of_several_rows_in_a_cell_the_latest_counts_whatever_their_order() -> None:
    rows = table((T0 + 50, "a", "", "m", 2.0), (T0 + 10, "a", "", "m", 1.0))
    for each in (rows, rows.reverse()):
        np.testing.assert_array_equal(block_of(each, Window(T0, T0 + 60), step_seconds=60).values, [[2]])


def test_rows_outside_of_the_window_are_left_out() -> None:
    rows = table((T0 - 1, "a", "", "m", 1.0), (T0 + 60, "a", "", "m", 2.0))
    assert block_of(rows, Window(T0, T0 + 60), step_seconds=60).keys == ()


def test_an_empty_table_is_an_empty_block_of_the_same_times() -> None:
    block = block_of(table(), Window(T0, T0 + 180), step_seconds=60)
    assert block.values.shape == (0, 3)
    assert block.end == T0 + 180


def test_an_unknown_instance_is_the_service_as_a_whole() -> None:
    block = block_of(table((T0, "a", None, "m", 1.0)), Window(T0, T0 + 60), step_seconds=60)
    assert block.keys == (SeriesKey("a", "m"),)
    np.testing.assert_array_equal(block.values, [[1]])


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.sampled_from(["", "i"])),
        st.floats(-1e6, 1e6, width=32),
        max_size=20,
    )
)
def test_a_block_comes_back_from_its_table(cells: dict[tuple[int, str, str], float]) -> None:
    rows = table(*((T0 + 60 * i, s, n, "m", v) for (i, s, n), v in cells.items()))
    block = block_of(rows, Window(T0, T0 + 600), step_seconds=60)
    again = block_of(table_of(block), Window(T0, T0 + 600), step_seconds=60)
    assert again.keys == block.keys
    np.testing.assert_array_equal(again.values, block.values)
    assert table_of(block).height == len(cells)


def test_a_table_is_in_the_order_of_time() -> None:
    values = np.array([[1, np.nan], [3, 4]], np.float32)
    rows = table_of(SeriesBlock((SeriesKey("b", "m"), SeriesKey("a", "m")), T0, 60, values))
    assert rows.select("ts", "service", "value").rows() == [
        (T0, "a", 3.0),
        (T0, "b", 1.0),
        (T0 + 60, "a", 4.0),
    ]


def test_a_block_whose_keys_do_not_fit_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        SeriesBlock((), T0, 60, np.zeros((1, 1), np.float32))


def test_a_window_that_begins_within_a_second_begins_with_the_next_one() -> None:
    rows = pl.DataFrame(
        {"ts": [100, 101], "service": "a", "instance": "", "metric": "m", "value": [1.0, 2.0]}
    )
    block = block_of(rows, Window(100.5, 103), step_seconds=1)
    assert block.start == 101
    assert block.values[0].tolist()[0] == 2.0
