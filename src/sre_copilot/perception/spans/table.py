"""Spans as every tracing system gives them, put into the one table of `domain.signals`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from sre_copilot.perception.case_format.spans import in_circles

Granularity = Literal["request", "service"]
COLUMNS = (
    "trace_id",
    "span_id",
    "parent_id",
    "service",
    "instance",
    "operation",
    "start_ns",
    "duration_us",
    "kind",
    "status",
)
CLIENT_HALF = ":client"
"""Ends the id of the calling side of a span that both sides recorded under one id."""


UNKNOWN = -1
"""The duration of a span that has not ended, or of which only a part was reported."""


class Span(NamedTuple):
    """One span; `start_ns` 0, `duration_us` -1 and `service` '' are "not known"; `peer` is what a client
    span names as the other side, `peer_kind` what sort of thing that is."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    instance: str
    operation: str
    start_ns: int
    duration_us: int
    kind: str
    status: str
    peer: str = ""
    peer_kind: str = ""


_SCHEMA = {name: pl.Int64 if name in ("start_ns", "duration_us") else pl.String for name in Span._fields}
KINDS = {
    "client": "client",
    "server": "server",
    "internal": "internal",
    "producer": "client",
    "consumer": "server",
}
"""A producer waits for nobody, but it calls; a consumer is called."""


def span_table(spans: Iterable[Span]) -> pl.DataFrame:
    """Make the table: each span once, ids unique in their trace where both sides shared one, no links in a circle.

    A span whose parent is not there keeps the parent's id: its caller is unknown, it is no root. The order of the
    spans does not matter. `peer` and `peer_kind` are further columns.
    """
    rows = pl.DataFrame(list(spans), schema=_SCHEMA, orient="row").unique()
    rows = rows.sort("start_ns", "trace_id", "span_id", *_SCHEMA)
    return _without_circles(_halved(rows)) if rows.height else rows


def whole(value: Any, *, times: int = 1) -> int:
    """A time or duration as a number, in a finer unit; raise `ValueError` when no clock can show it."""
    found = int(value or 0) * times
    if abs(found) >= 2**62:
        raise ValueError(f"{value} is no time")
    return found


def canonical(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of `domain.signals` alone, sorted by time."""
    return table.select(COLUMNS).sort("start_ns", "trace_id", "span_id")


def hex_id(text: str) -> str:
    """A trace or span id as lower-case hexadecimal digits, at least 16 of them; '' for none."""
    found = text.lower()
    return found.zfill(16) if found.strip("0") else ""


def between_services(table: pl.DataFrame) -> pl.DataFrame:
    """Keep spans at the border of a service: roots, calls in and out, and parents and children of another service.

    The others are left out, and their children hang from the nearest ancestor that is kept.
    """
    parent = parent_rows(table)
    service = table["service"].to_numpy()
    border = (parent < 0) | table["kind"].is_in(["client", "server"]).to_numpy()
    child = np.flatnonzero(parent >= 0)
    crossing = child[service[child] != service[parent[child]]]
    border[crossing] = True
    border[parent[crossing]] = True
    nearest = _nearest_kept(parent, border)
    names = np.append(table["span_id"].to_numpy(), "")
    hung = np.where(parent >= 0, names[nearest], table["parent_id"].to_numpy())
    return table.with_columns(pl.Series("parent_id", hung, dtype=pl.String)).filter(pl.Series(border))


def parent_rows(table: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The row of each span's parent, -1 where it has none or it is not in the table; of several of one id the first."""
    numbered = table.select("trace_id", "span_id", "parent_id").with_row_index("row")
    known = numbered.select("trace_id", pl.col("span_id").alias("parent_id"), pl.col("row").alias("found"))
    known = known.unique(["trace_id", "parent_id"], keep="first", maintain_order=True)
    joined = numbered.join(known, on=["trace_id", "parent_id"], how="left", maintain_order="left")
    rows = joined["found"].cast(pl.Int64).fill_null(-1).to_numpy().copy()
    rows[(table["parent_id"] == "").to_numpy()] = -1
    return rows


def _nearest_kept(
    parent: np.ndarray[tuple[int], np.dtype[np.int64]], border: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The row of the nearest ancestor that is kept, -1 for none; roots are always kept, so that each chain ends."""
    nearest = parent.copy()
    while True:
        skipped = (nearest >= 0) & ~border[nearest]
        if not skipped.any():
            return nearest
        nearest[skipped] = parent[nearest[skipped]]


def _halved(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the calling side of a shared id an id of its own, which the called side has for parent.

    The called side keeps the id, for its own work names it; what the caller's service did meanwhile hangs from the caller's half.
    """
    ids = ["trace_id", "span_id"]
    shared = rows.group_by(ids).agg(
        (pl.col("kind") == "client").sum().alias("clients"),
        (pl.col("kind") == "server").sum().alias("servers"),
        pl.col("service").filter(pl.col("kind") == "client").first().alias("from"),
        pl.col("service").filter(pl.col("kind") == "server").first().alias("to"),
    )
    shared = shared.filter((pl.col("clients") > 0) & (pl.col("servers") > 0)).select(*ids, "from", "to")
    if not shared.height:
        return rows
    half = pl.col("span_id") + CLIENT_HALF
    marked = rows.join(shared, on=ids, how="left", maintain_order="left")
    mine = pl.col("from").is_not_null()
    caller, called = mine & (pl.col("kind") == "client"), mine & (pl.col("kind") == "server")
    renamed = marked.with_columns(
        pl.when(caller).then(half).otherwise(pl.col("span_id")).alias("span_id"),
        pl.when(called).then(half).otherwise(pl.col("parent_id")).alias("parent_id"),
    ).drop("from", "to")
    above = shared.rename({"span_id": "parent_id"})
    hung = renamed.join(above, on=["trace_id", "parent_id"], how="left", maintain_order="left")
    callers = (pl.col("service") == pl.col("from")) & (pl.col("from") != pl.col("to"))
    parent = pl.col("parent_id")
    moved = pl.when(callers).then(parent + CLIENT_HALF).otherwise(parent)
    return hung.with_columns(moved.alias("parent_id")).drop("from", "to")


def _without_circles(rows: pl.DataFrame) -> pl.DataFrame:
    circular = in_circles(parent_rows(rows))
    if not circular.any():
        return rows
    cut = pl.when(pl.Series(circular)).then(pl.lit("")).otherwise(pl.col("parent_id"))
    return rows.with_columns(cut.alias("parent_id"))
