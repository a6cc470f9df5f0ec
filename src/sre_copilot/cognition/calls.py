"""Who calls whom: as recorded, else as spans show it."""

from __future__ import annotations

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.topology import Topology


def call_graph(observation: Observation) -> Topology:
    """The recorded topology, or without one the calls between services that the spans of the incident hold."""
    spans = observation.current.traces
    if observation.topology.edges or spans is None or spans.is_empty():
        return observation.topology
    parents = spans.select(
        "trace_id", pl.col("span_id").alias("parent_id"), pl.col("service").alias("caller")
    )
    children = spans.filter(pl.col("parent_id") != "").select("trace_id", "parent_id", "service")
    pairs = children.join(parents, on=["trace_id", "parent_id"]).select("caller", "service").unique()
    return Topology.of(pairs.iter_rows())
