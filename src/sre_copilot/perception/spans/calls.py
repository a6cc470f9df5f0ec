"""What spans themselves show of the estate: who calls whom."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from sre_copilot.domain.cmdb import Entity, Inventory, Relation, inventory_of
from sre_copilot.perception.spans.table import parent_rows


def from_traces(spans: pl.DataFrame, *, source: str) -> Inventory:
    """Who calls whom: a span whose parent is of another service, and what client spans without such a child name.

    Parameters
    ----------
    spans : as `domain.signals` describes them; with the columns `peer` and `peer_kind` also databases, queues and services
        that record no spans
    source : who says so
    """
    if not spans.height:
        return Inventory()
    parent = parent_rows(spans)
    child = (parent >= 0).nonzero()[0]
    service = spans["service"]
    calls = pl.DataFrame(
        {
            "row": parent[child],
            "caller": service.gather(parent[child]),
            "callee": service.gather(child),
            "start_ns": spans["start_ns"].gather(child),
        }
    ).filter(pl.col("caller") != pl.col("callee"))
    answered = calls["row"].unique()
    edges = calls.select("caller", "callee", "start_ns", pl.lit("service").alias("kind"))
    if "peer" in spans.columns:
        edges = pl.concat([edges, _unanswered(spans, answered)])
    return inventory_of(_callers(spans, edges, source), _calls(edges, source))


def _unanswered(spans: pl.DataFrame, answered: pl.Series) -> pl.DataFrame:
    """Calls of spans that name another side which recorded nothing."""
    numbered = spans.with_row_index("row").filter(
        (pl.col("peer") != "") & (pl.col("peer") != pl.col("service"))
    )
    alone = numbered.filter(~pl.col("row").is_in(answered.implode()))
    return alone.select(
        pl.col("service").alias("caller"),
        pl.col("peer").alias("callee"),
        "start_ns",
        pl.col("peer_kind").alias("kind"),
    )


def _callers(spans: pl.DataFrame, edges: pl.DataFrame, source: str) -> Iterator[Entity]:
    seen = pl.col("start_ns").max() / 1e9
    named = spans.group_by("service").agg(seen).sort("service")
    for name, moment in named.iter_rows():
        yield Entity(name=name, kind="service", sources=(source,), seen_at=moment)
    recorded = named["service"].implode()
    peers = edges.filter(~pl.col("callee").is_in(recorded)).group_by("callee").agg(seen, pl.col("kind").max())
    for name, moment, kind in peers.sort("callee").iter_rows():
        yield Entity(name=name, kind=kind, sources=(source,), seen_at=moment)


def _calls(edges: pl.DataFrame, source: str) -> Iterator[Relation]:
    seen = edges.group_by("caller", "callee").agg(pl.col("start_ns").max() / 1e9).sort("caller", "callee")
    for caller, callee, moment in seen.iter_rows():
        yield Relation(caller=caller, callee=callee, sources=(source,), seen_at=moment)
