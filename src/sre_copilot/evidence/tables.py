"""The tables that checks are evaluated on, one row for each thing that is measured.

Every table that has times carries them in `TIME` as epoch seconds (64-bit floats) and is sorted by them, nulls last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl

from sre_copilot.domain.signals import Alert, Change, Telemetry
from sre_copilot.domain.topology import Topology

TIME: Final = "\x00time"
"""Name of the column of times; no recording can have a column of that name."""
START: Final = "\x00start"
END: Final = "\x00end"
_NANOSECONDS: Final = 1e9
_ROW: Final = "\x00row"
_PARENT_ROW: Final = "\x00parent_row"


def metrics(telemetry: Telemetry) -> pl.DataFrame | None:
    """Samples."""
    return None if telemetry.metrics is None else _timed(telemetry.metrics, "ts", 1.0)


def logs(telemetry: Telemetry) -> pl.DataFrame | None:
    """Log lines."""
    return None if telemetry.logs is None else _timed(telemetry.logs, "ts_ns", _NANOSECONDS)


def spans(telemetry: Telemetry) -> pl.DataFrame | None:
    """Spans with `duration_ms`, and `error` where a status was recorded."""
    if telemetry.traces is None:
        return None
    table = _timed(telemetry.traces, "start_ns", _NANOSECONDS)
    derived = [(pl.col("duration_us") / 1000).alias("duration_ms")]
    if "status" in table.columns:
        derived.append((pl.col("status") == "error").fill_null(False).cast(pl.Float64).alias("error"))
    return table.with_columns(derived)


def links(spans_table: pl.DataFrame) -> pl.DataFrame:
    """Row numbers of child and parent for each span whose parent was recorded in the same trace."""
    numbered = spans_table.select("trace_id", "span_id", "parent_id").with_row_index(_ROW)
    children = numbered.filter((pl.col("parent_id") != "") & (pl.col("parent_id") != pl.col("span_id")))
    parents = numbered.select("trace_id", "span_id", pl.col(_ROW).alias(_PARENT_ROW))
    keys = {"left_on": ["trace_id", "parent_id"], "right_on": ["trace_id", "span_id"]}
    joined = children.join(parents, how="inner", **keys).sort(_ROW)  # type: ignore[arg-type]
    if (np.diff(joined.get_column(_ROW).to_numpy().astype(np.int64)) == 0).any():
        parents = parents.unique(subset=["trace_id", "span_id"], keep="first", maintain_order=True)
        joined = children.join(parents, how="inner", **keys).sort(_ROW)  # type: ignore[arg-type]
    return joined.select(_ROW, _PARENT_ROW)


def calls(spans_table: pl.DataFrame, links_table: pl.DataFrame) -> pl.DataFrame:
    """Parent-child pairs of spans with `gap_ms`; a pair has the time at which its child starts."""
    names = ["service", "operation", "instance"]
    child = spans_table[links_table.get_column(_ROW)].select(TIME, "duration_ms", *names)
    parent = spans_table[links_table.get_column(_PARENT_ROW)].select("duration_ms", *names)
    return pl.DataFrame(
        {
            TIME: child[TIME],
            "caller": parent["service"],
            "callee": child["service"],
            "caller_operation": parent["operation"],
            "callee_operation": child["operation"],
            "caller_instance": parent["instance"],
            "callee_instance": child["instance"],
            "gap_ms": parent["duration_ms"] - child["duration_ms"],
        }
    ).sort(TIME, nulls_last=True, maintain_order=True)


def self_times(spans_table: pl.DataFrame, links_table: pl.DataFrame) -> pl.DataFrame:
    """Spans with `self_ms`: their duration without the sum of their children's, not below 0."""
    duration_ms = spans_table.get_column("duration_ms").to_numpy()
    below_ms = np.bincount(
        links_table.get_column(_PARENT_ROW).to_numpy(),
        weights=duration_ms[links_table.get_column(_ROW).to_numpy()],
        minlength=len(duration_ms),
    )
    own_ms = np.maximum(duration_ms - below_ms, 0.0)
    return spans_table.with_columns(pl.Series("self_ms", own_ms))


def transactions(telemetry: Telemetry) -> pl.DataFrame | None:
    """Business transactions with `success_rate`, null where nothing was counted."""
    if telemetry.transactions is None:
        return None
    table = _timed(telemetry.transactions, "ts", 1.0)
    if not {"success", "count"} <= set(table.columns):
        return table
    rate = pl.when(pl.col("count") > 0).then(pl.col("success") / pl.col("count"))
    return table.with_columns(rate.alias("success_rate"))


def state(telemetry: Telemetry) -> pl.DataFrame | None:
    """Lines of the commands' outputs that are not blank, runs of white space folded."""
    if telemetry.state is None:
        return None
    table = pl.DataFrame(
        {"key": list(telemetry.state), "line": list(telemetry.state.values())},
        schema={"key": pl.String, "line": pl.String},
    )
    lines = table.with_columns(pl.col("line").str.split("\n")).explode("line", empty_as_null=False)
    folded = pl.col("line").str.replace_all(r"\s+", " ").str.strip_chars()
    return lines.with_columns(folded).filter(pl.col("line") != "")


def alerts(telemetry: Telemetry) -> pl.DataFrame | None:
    """Alerts with the interval in which they fired, null where unknown."""
    if telemetry.alerts is None:
        return None
    rows: list[Mapping[str, object]] = [_alert_row(alert) for alert in telemetry.alerts]
    text = dict.fromkeys(("name", "kind", "entity", "text"), pl.String())
    return pl.DataFrame(rows, schema={**text, START: pl.Float64(), END: pl.Float64()})


def changes(telemetry: Telemetry) -> pl.DataFrame | None:
    """Changes; a key of their detail is the column `detail.KEY`."""
    if telemetry.changes is None:
        return None
    keys = sorted({key for change in telemetry.changes for key in change.detail})
    columns = ["service", "kind", "text", *(f"detail.{key}" for key in keys)]
    rows: list[Mapping[str, object]] = [_change_row(change) for change in telemetry.changes]
    schema = {TIME: pl.Float64(), **dict.fromkeys(columns, pl.String())}
    return pl.DataFrame(rows, schema=schema).sort(TIME, nulls_last=True, maintain_order=True)


def edges(topology: Topology) -> pl.DataFrame | None:
    """Edges of the call graph; none at all means that no graph was recorded."""
    if not topology.edges:
        return None
    return pl.DataFrame(topology.edges, schema={"caller": pl.String, "callee": pl.String}, orient="row")


BUILDERS: Final[Mapping[str, Callable[[Telemetry], pl.DataFrame | None]]] = {
    "metrics": metrics,
    "logs": logs,
    "spans": spans,
    "state": state,
    "alerts": alerts,
    "transactions": transactions,
    "changes": changes,
}


def _timed(table: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
    if column not in table.columns:
        return table.with_columns(pl.lit(None, dtype=pl.Float64).alias(TIME))
    # NumPy rounds the quotient correctly; Polars multiplies by the reciprocal, which moves rows across a window's edge
    seconds = table.get_column(column).cast(pl.Float64).to_numpy() / unit
    timed = table.with_columns(pl.Series(TIME, seconds, nan_to_null=True))
    times = timed.get_column(TIME)
    if times.null_count() == 0 and times.is_sorted():
        return timed
    return timed.sort(TIME, nulls_last=True, maintain_order=True)


def _alert_row(alert: Alert) -> dict[str, object]:
    start, end = (alert.window.start, alert.window.end) if alert.window else (None, None)
    text = "\n".join(alert.text)
    return {
        "name": alert.name,
        "kind": alert.kind,
        "entity": alert.entity,
        "text": text,
        START: start,
        END: end,
    }


def _change_row(change: Change) -> dict[str, object]:
    detail = {f"detail.{key}": value for key, value in change.detail.items()}
    return {TIME: change.ts, "service": change.service, "kind": change.kind, "text": change.text, **detail}
