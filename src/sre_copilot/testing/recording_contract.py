"""What every format of recordings must keep to; a test of one derives from `RecordingContract` and brings its recordings."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.perception.columns import DTYPES, TABLES
from sre_copilot.perception.source import Recording
from sre_copilot.testing.cases import Case

_TABLES = ("metrics", "logs", "traces", "transactions")


class RecordingContract:
    """Derive a test class from it and say how the format under test is given a recording."""

    def source(self, case: Case, folder: Path) -> Recording:
        """Return the recording of a system that recorded `case`; `folder` is empty and may be used."""
        raise NotImplementedError

    def empty_source(self, folder: Path) -> Recording:
        """Return the recording of a system that was asked and recorded nothing."""
        raise NotImplementedError

    def test_it_returns_what_was_recorded(self, recorded_case: Case, tmp_path: Path) -> None:
        """Every table comes back with all of its rows."""
        seen = self.source(recorded_case, tmp_path).observe().current
        for name, table in recorded_case.tables.items():
            found = getattr(seen, name)
            assert found is not None
            assert found.height == table.height

    def test_its_tables_have_the_documented_columns_and_types(
        self, recorded_case: Case, tmp_path: Path
    ) -> None:
        """Names and types of the columns are those of the format."""
        _assert_typed(self.source(recorded_case, tmp_path).observe().current)

    def test_its_times_lie_within_the_window_asked_for(self, recorded_case: Case, tmp_path: Path) -> None:
        """No row lies outside of the incident's window."""
        observation = self.source(recorded_case, tmp_path).observe()
        window = observation.incident.window
        assert window is not None
        for times in _times(observation.current):
            assert times.is_between(window.start, window.end).all()

    def test_rows_come_in_the_order_of_time(self, recorded_case: Case, tmp_path: Path) -> None:
        """Times do not fall."""
        for times in _times(self.source(recorded_case, tmp_path).observe().current):
            assert times.is_sorted()

    def test_the_order_in_which_rows_were_recorded_does_not_matter(
        self, recorded_case: Case, tmp_path: Path
    ) -> None:
        """The same rows in another order give the same observation."""
        folders = [tmp_path / name for name in ("as-recorded", "shuffled", "reversed")]
        for folder in folders:
            folder.mkdir()
        orders = (recorded_case, recorded_case.shuffled(seed=1), recorded_case.reversed())
        seen = [self.source(case, folder).observe() for case, folder in zip(orders, folders, strict=True)]
        for one, other in pairwise(seen):
            assert_same(one, other)

    def test_an_empty_answer_is_no_error_and_no_number(self, tmp_path: Path) -> None:
        """Nothing recorded is None or a table without rows, never a made-up row."""
        seen = self.empty_source(tmp_path).observe().current
        for name in _TABLES:
            table = getattr(seen, name)
            assert table is None or table.height == 0
        _assert_typed(seen)


def assert_same(one: Observation, other: Observation) -> None:
    """Assert that two observations are equal in all they hold."""
    assert one.incident == other.incident
    assert one.topology == other.topology
    assert one.gaps == other.gaps
    assert (one.reference is None) == (other.reference is None)
    _assert_same(one.current, other.current)
    if one.reference is not None and other.reference is not None:
        _assert_same(one.reference, other.reference)


def _assert_same(one: Telemetry, other: Telemetry) -> None:
    for name in _TABLES:
        table, twin = getattr(one, name), getattr(other, name)
        assert (table is None) == (twin is None), name
        if table is not None:
            assert_frame_equal(table, twin, check_exact=True)
    assert (one.state, one.alerts, one.changes) == (other.state, other.alerts, other.changes)


def _times(telemetry: Telemetry) -> list[pl.Series]:
    found = []
    for name, column, unit in (("metrics", "ts", 1), ("logs", "ts_ns", 1e9), ("traces", "start_ns", 1e9)):
        table = getattr(telemetry, name)
        if table is not None and table.height:
            found.append(table[column].drop_nulls() / unit)
    return found


def _assert_typed(telemetry: Telemetry) -> None:
    for table in TABLES:
        frame = getattr(telemetry, table.name)
        if isinstance(frame, pl.DataFrame):
            known = {column.name: DTYPES[column.kind] for column in table.columns}
            assert all(frame.schema[name] == known[name] for name in frame.columns)
            assert all(column.name in frame.columns for column in table.columns if column.absent == "fill")
