from __future__ import annotations

import polars as pl

from sre_copilot.domain.signals import Alert, Change, Telemetry, Window
from sre_copilot.perception.windows import within

WINDOW = Window(100, 200)


def test_the_start_belongs_to_the_window_and_the_end_does_not() -> None:
    seen = within(
        Telemetry(
            metrics=pl.DataFrame({"ts": [99, 100, 199, 200]}),
            transactions=pl.DataFrame({"ts": [99, 100, 199, 200]}),
            logs=pl.DataFrame({"ts_ns": [99_999_999_999, 100_000_000_000, 199_999_999_999, 200_000_000_000]}),
            traces=pl.DataFrame({"start_ns": [99_000_000_000, 150_000_000_000, 200_000_000_000]}),
        ),
        WINDOW,
    )
    assert [t.height for t in (seen.metrics, seen.transactions, seen.logs, seen.traces) if t is not None] == [
        2,
        2,
        2,
        1,
    ]


def test_a_log_line_without_a_time_is_left_out() -> None:
    logs = pl.DataFrame({"ts_ns": [None, 150_000_000_000]})
    kept = within(Telemetry(logs=logs), WINDOW).logs
    assert kept is not None
    assert kept.height == 1


def test_what_was_not_recorded_stays_not_recorded() -> None:
    assert within(Telemetry(), WINDOW) == Telemetry()


def test_an_alert_that_overlaps_is_kept_and_so_is_one_without_a_time() -> None:
    alerts = tuple(
        Alert(name=name, window=window)
        for name, window in (
            ("before", Window(0, 99)),
            ("into", Window(0, 100)),
            ("during", Window(120, 130)),
            ("after", Window(200, 300)),
            ("timeless", None),
        )
    )
    kept = within(Telemetry(alerts=alerts), WINDOW).alerts
    assert kept is not None
    assert [alert.name for alert in kept] == ["into", "during", "timeless"]


def test_changes_are_cut_by_their_time_and_state_is_kept() -> None:
    changes = tuple(Change(ts=ts, service="a", kind="deploy", text="") for ts in (99, 100, 200))
    seen = within(Telemetry(changes=changes, state={"get pods": "none"}), WINDOW)
    assert [change.ts for change in seen.changes or ()] == [100]
    assert seen.state == {"get pods": "none"}


def test_a_nanosecond_before_the_window_is_not_in_it() -> None:
    start = 1_700_000_000 * 10**9
    logs = pl.DataFrame({"ts_ns": [start - 1, start, start + 60 * 10**9 - 1, start + 60 * 10**9]})
    kept = within(Telemetry(logs=logs), Window(1_700_000_000, 1_700_000_060)).logs
    assert kept is not None
    assert kept["ts_ns"].to_list() == [start, start + 60 * 10**9 - 1]
    assert within(Telemetry(logs=logs), Window(0, float("inf"))).logs is not None
