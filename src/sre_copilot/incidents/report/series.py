"""From a check's query to the rows that it measures, each with its time: what a picture is drawn of."""

from __future__ import annotations

import polars as pl

from sre_copilot.domain.evidence import Query
from sre_copilot.domain.signals import Telemetry
from sre_copilot.domain.topology import Topology

NS = 1e9
DRAWABLE = 1e300  # beyond it a range or a mean overflows; no quantity of a system is that large
CALLS_FROM = 200_000  # spans; reading them takes a tenth of a second
_FILTERS = {
    "contains",
    "pattern",
    "caller",
    "callee",
    "caller_operation",
    "callee_operation",
    "caller_instance",
    "callee_instance",
}


def points(telemetry: Telemetry, query: Query) -> pl.DataFrame | None:
    """Return the rows of a query whatever its window, as `at` (epoch s), `value`, `label`, in order of time.

    None where there is nothing to draw: the source was not recorded, has no times, or is no series.
    """
    reader = _READERS.get(query.source)
    if reader is None:
        return None
    found = reader(telemetry, query)
    if found is None:
        return None
    found = found.filter(pl.col("at").is_not_null() & (pl.col("value").abs() <= DRAWABLE))
    return found.sort("at", "label", "value") if found.height else None


def extent(telemetry: Telemetry, query: Query) -> tuple[float, float] | None:
    """Return the first and last time (epoch s) at which the query's source was recorded at all."""
    tables = {
        "metrics": (telemetry.metrics, "ts", 1.0),
        "logs": (telemetry.logs, "ts_ns", NS),
        "traces": (telemetry.traces, "start_ns", NS),
        "transactions": (telemetry.transactions, "ts", 1.0),
    }
    table, column, scale = tables.get(query.source, (None, "", 1.0))
    if table is None or not table.height or column not in table.columns:
        return None
    first, last = table[column].min(), table[column].max()
    if not isinstance(first, (int, float)) or not isinstance(last, (int, float)):
        return None
    return first / scale, last / scale


def calls(telemetry: Telemetry) -> Topology:
    """Return who calls whom, as spans show it; of very many spans the first ones suffice."""
    if telemetry.traces is None or not telemetry.traces.height:
        return Topology()
    table = telemetry.traces.head(CALLS_FROM)
    pairs = (
        table.filter(pl.col("parent_id") != "")
        .select("trace_id", "parent_id", callee=pl.col("service"))
        .join(
            table.select("trace_id", parent_id=pl.col("span_id"), caller=pl.col("service")),
            on=["trace_id", "parent_id"],
        )
        .select("caller", "callee")
        .drop_nulls()
        .unique()
    )
    return Topology.of(pairs.iter_rows())


def _metrics(telemetry: Telemetry, query: Query) -> pl.DataFrame | None:
    table = telemetry.metrics
    if table is None:
        return None
    label = pl.col("instance") if "instance" in table.columns else pl.lit("")
    return _where(table, query).select(
        at=pl.col("ts").cast(pl.Float64), value=pl.col("value").cast(pl.Float64), label=label.fill_null("")
    )


def _transactions(telemetry: Telemetry, query: Query) -> pl.DataFrame | None:
    table = telemetry.transactions
    measures = {
        "count": pl.col("count"),
        "amount": pl.col("amount"),
        "latency_ms": pl.col("latency_ms"),
        "success_rate": pl.col("success") / pl.col("count"),
    }
    if table is None or query.measure not in measures:
        return None
    label = pl.col("channel") if "channel" in table.columns else pl.lit("")
    return _where(table, query).select(
        at=pl.col("ts").cast(pl.Float64),
        value=measures[query.measure].cast(pl.Float64),
        label=label.fill_null(""),
    )


def _logs(telemetry: Telemetry, query: Query) -> pl.DataFrame | None:
    table = telemetry.logs
    if table is None or "ts_ns" not in table.columns:
        return None
    rows = _where(table, query)
    for name, value in query.where:
        if name in ("contains", "pattern"):
            try:
                rows = rows.filter(pl.col("message").str.contains(value, literal=name == "contains"))
            except pl.exceptions.ComputeError:
                return None  # a pattern that only another engine of regular expressions reads: no picture
    return rows.select(at=pl.col("ts_ns") / NS, value=pl.lit(1.0), label=pl.lit(""))


def _traces(telemetry: Telemetry, query: Query) -> pl.DataFrame | None:
    table = telemetry.traces
    if table is None:
        return None
    wanted = dict(query.where)
    if query.measure in ("gap_ms", "calls") or "caller" in wanted or "callee" in wanted:
        return _pairs(table, query)
    rows = _where(table, query)
    if query.measure == "self_ms":
        return _self_time(table, rows)
    values = {"rows": pl.lit(1.0), "duration_ms": pl.col("duration_us") / 1000}
    if "status" in table.columns:
        values["error"] = (pl.col("status") == "error").cast(pl.Float64)
    if query.measure not in values:
        return None
    return rows.select(at=pl.col("start_ns") / NS, value=values[query.measure], label=pl.lit(""))


def _pairs(table: pl.DataFrame, query: Query) -> pl.DataFrame | None:
    wanted = dict(query.where)
    sides = {}
    for side in ("caller", "callee"):
        pairs = (
            ("service", side),
            ("operation", f"{side}_operation"),
            ("instance", f"{side}_instance"),
        )
        chosen = [pl.col(column) == wanted[name] for column, name in pairs if name in wanted]
        sides[side] = table.filter(*chosen) if chosen else table
    joined = (
        sides["callee"]
        .filter(pl.col("parent_id") != "")
        .select("trace_id", "parent_id", "start_ns", child=pl.col("duration_us"))
        .join(
            sides["caller"].select("trace_id", parent_id=pl.col("span_id"), parent=pl.col("duration_us")),
            on=["trace_id", "parent_id"],
        )
    )
    gap = (pl.col("parent") - pl.col("child")) / 1000
    value = {"gap_ms": gap, "duration_ms": pl.col("child") / 1000}.get(query.measure, pl.lit(1.0))
    return joined.select(at=pl.col("start_ns") / NS, value=value, label=pl.lit(""))


def _self_time(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    children = table.group_by("trace_id", "parent_id").agg(inside=pl.col("duration_us").sum())
    spent = pl.col("duration_us") - pl.col("inside").fill_null(0)
    return rows.join(
        children, left_on=["trace_id", "span_id"], right_on=["trace_id", "parent_id"], how="left"
    ).select(at=pl.col("start_ns") / NS, value=spent.clip(0) / 1000, label=pl.lit(""))


def _where(table: pl.DataFrame, query: Query) -> pl.DataFrame:
    chosen = [
        pl.col(name) == value if name in table.columns else pl.lit(value=False)
        for name, value in query.where
        if name not in _FILTERS
    ]
    return table.filter(*chosen) if chosen else table


_READERS = {"metrics": _metrics, "transactions": _transactions, "logs": _logs, "traces": _traces}
