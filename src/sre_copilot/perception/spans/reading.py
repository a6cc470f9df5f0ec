"""From the spans that a tracing system gave to a reading: the table, who calls whom, and what must be said about both."""

from __future__ import annotations

import polars as pl

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.perception.masking import mask
from sre_copilot.perception.source import Reading
from sre_copilot.perception.spans.calls import from_traces
from sre_copilot.perception.spans.search import Found, TraceSettings, gap
from sre_copilot.perception.spans.table import (
    UNKNOWN,
    between_services,
    canonical,
    parent_rows,
    span_table,
)
from sre_copilot.perception.windows import within

SKEW_MS = 10.0
"""Clocks that a time service keeps agree within a few milliseconds; more shifts spans against each other."""


def reading_of(found: Found, *, source: str, window: Window, settings: TraceSettings, key: bytes) -> Reading:
    """Make a reading of whole traces: rows of the window, and the calls that any of the traces shows.

    `key` is that of masked columns; a service that is masked is so as the other side of a call too.
    """
    table, lost = _usable(span_table(found.spans))
    table = _masked(table, settings, key)
    inventory = from_traces(table, source=source)
    kept_share = min(found.kept_shares, default=settings.kept_share)
    gaps = {*found.gaps, *lost, *_skewed(table), *_sampled(kept_share, source), *_remarked(found)}
    if settings.granularity == "service" and table.height:
        table = between_services(table)
    traces = within(Telemetry(traces=canonical(table)), window).traces
    return Reading(
        telemetry=Telemetry(traces=traces),
        topology=inventory.topology(),
        inventory=inventory,
        gaps=tuple(sorted(gaps, key=repr)),
        asked=tuple(found.asked),
    )


def _masked(table: pl.DataFrame, settings: TraceSettings, key: bytes) -> pl.DataFrame:
    names = (*settings.mask, "peer") if "service" in settings.mask else settings.mask
    return mask(table, names, key) if names else table


def _usable(table: pl.DataFrame) -> tuple[pl.DataFrame, list[Gap]]:
    """Leave out spans that lack a service or an id, and those without a start or an end; say how many."""
    nameless = (pl.col("service") == "") | (pl.col("trace_id") == "") | (pl.col("span_id") == "")
    unfinished = (pl.col("start_ns") <= 0) | (pl.col("duration_us") <= UNKNOWN)
    lost = table.select(nameless.sum().alias("nameless"), (unfinished & ~nameless).sum().alias("unfinished"))
    gaps = [
        gap(f"gap.traces.{what}", spans=number, total=table.height)
        for what, number in lost.row(0, named=True).items()
        if number
    ]
    return table.filter(~nameless & ~unfinished), gaps


def _skewed(table: pl.DataFrame) -> list[Gap]:
    """Say when called spans begin before those that call them: the clocks differ by at least that much."""
    parent = parent_rows(table)
    child = (parent >= 0).nonzero()[0]
    ahead = table["start_ns"].to_numpy()[parent[child]] - table["start_ns"].to_numpy()[child]
    pairs = pl.DataFrame(
        {
            "caller": table["service"].gather(parent[child]),
            "callee": table["service"].gather(child),
            "ms": ahead / 1e6,
        }
    )
    pairs = pairs.filter((pl.col("caller") != pl.col("callee")) & (pl.col("ms") > SKEW_MS))
    if not pairs.height:
        return []
    worst = pairs.sort("ms", "caller", "callee", descending=True).row(0, named=True)
    return [
        gap(
            "gap.traces.clock_skew",
            caller=worst["caller"],
            callee=worst["callee"],
            ms=round(worst["ms"], 1),
            spans=pairs.height,
        )
    ]


def _remarked(found: Found) -> list[Gap]:
    if not found.remarks:
        return []
    return [gap("gap.traces.warned", number=len(found.remarks), first=min(found.remarks))]


def _sampled(kept_share: float | None, source: str) -> list[Gap]:
    if kept_share is None or kept_share >= 1.0:
        return []
    return [gap("gap.traces.sampled", source=source, percent=round(100 * kept_share, 4))]
