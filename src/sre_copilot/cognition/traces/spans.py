"""Spans as arrays: who called whom, found once by joining each span with its parent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.domain.signals import Window

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_COLUMNS = ("trace_id", "span_id", "parent_id", "service", "operation", "start_ns", "duration_us")


@dataclass(frozen=True)
class Spans:
    """Spans of the incident and of the reference, one element a span.

    `service` is an index into `services`, `operation` one into `operations` (a pair of service and operation), `parent` the row of the parent
    or -1; `start` is epoch seconds, `duration` milliseconds; `failed` is 1 for status `error`, NaN where no status was recorded; `client`
    says that a span was recorded as the calling side of a call.
    """

    services: tuple[str, ...]
    operations: tuple[tuple[str, str], ...]
    service: Ints
    operation: Ints
    parent: Ints
    start: Floats
    duration: Floats
    failed: Floats
    reference: Flags
    client: Flags

    @cached_property
    def children(self) -> Ints:
        """Rows that have a parent."""
        return np.flatnonzero(self.parent >= 0)

    @cached_property
    def callee(self) -> Ints:
        """The service that a span reaches: that of its child in another service, else its own."""
        reached = self.service.copy()
        child = self.children
        away = child[self.service[child] != self.service[self.parent[child]]]
        reached[self.parent[away]] = self.service[away]
        return reached

    @cached_property
    def self_time(self) -> Floats:
        """Duration without the sum of the children's, not below 0, in milliseconds."""
        child = self.children
        below = np.bincount(self.parent[child], weights=self.duration[child], minlength=len(self.duration))
        return np.asarray(np.maximum(self.duration - below, 0.0))

    @cached_property
    def last(self) -> Flags:
        """Whether a span is the last that its parent started."""
        latest = np.full(len(self.start), -np.inf)
        child = self.children
        np.maximum.at(latest, self.parent[child], self.start[child])
        return np.asarray((self.parent >= 0) & (self.start >= latest[self.parent]))

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Calls between services, as (caller, callee), sorted."""
        child = self.children
        pairs = self.service[self.parent[child]] * len(self.services) + self.service[child]
        found = (divmod(int(pair), len(self.services)) for pair in np.unique(pairs))
        return tuple((self.services[a], self.services[b]) for a, b in found if a != b)


def read_spans(
    current: pl.DataFrame, reference: pl.DataFrame | None = None, *, window: Window | None = None
) -> Spans | None:
    """Join spans with their parents; None when there is no span.

    Parameters
    ----------
    current, reference : spans as `domain.signals` describes them
    window : of the current spans; None takes all
    """
    if window is not None:
        start = pl.col("start_ns")
        current = current.filter((start >= int(window.start * 1e9)) & (start < int(window.end * 1e9)))
    parts = [_part(current, reference=False)]
    if reference is not None:
        parts.append(_part(reference, reference=True))
    table = pl.concat(parts).filter(pl.col("start_ns").is_not_null() & (pl.col("duration_us") >= 0))
    return _spans(table) if table.height else None


def _part(spans: pl.DataFrame, *, reference: bool) -> pl.DataFrame:
    failed = (pl.col("status") == "error").cast(pl.Float64) if "status" in spans.columns else pl.lit(np.nan)
    client = (pl.col("kind") == "client") if "kind" in spans.columns else pl.lit(False)
    return spans.select(
        *_COLUMNS,
        failed.fill_null(0.0).alias("failed"),
        client.fill_null(value=False).alias("client"),
        pl.lit(reference).alias("reference"),
    )


def _spans(table: pl.DataFrame) -> Spans:
    services = sorted(table["service"].unique().to_list())
    pairs = table.select("service", "operation").unique().sort("service", "operation").with_row_index("pair")
    coded = table.select("service", "operation").join(
        pairs, on=["service", "operation"], maintain_order="left"
    )
    return Spans(
        services=tuple(services),
        operations=tuple(pairs.select("service", "operation").iter_rows()),
        service=table["service"].cast(pl.Enum(services)).to_physical().to_numpy().astype(np.int64),
        operation=coded["pair"].to_numpy().astype(np.int64),
        parent=_parents(table),
        start=table["start_ns"].to_numpy() / 1e9,
        duration=table["duration_us"].to_numpy() / 1e3,
        failed=table["failed"].to_numpy(),
        reference=table["reference"].to_numpy(),
        client=table["client"].to_numpy(),
    )


def _parents(table: pl.DataFrame) -> Ints:
    """The row of each span's parent, -1 for none."""
    numbered = table.select("reference", "trace_id", "span_id", "parent_id").with_row_index("row")
    keys = ["reference", "trace_id"]
    parents = numbered.select(*keys, pl.col("span_id").alias("parent_id"), pl.col("row").alias("parent"))
    children = numbered.filter((pl.col("parent_id") != "") & (pl.col("parent_id") != pl.col("span_id")))
    joined = children.join(parents, on=[*keys, "parent_id"], how="inner").select("row", "parent")
    found = np.full(table.height, -1, dtype=np.int64)
    row, parent = joined["row"].to_numpy(), joined["parent"].to_numpy()
    order = np.argsort(parent, kind="stable")[::-1]  # of several parents with one id the first is kept
    found[row[order]] = parent[order]
    return found
