"""A service of which no metric comes any more, while those of the others do: what is not measured is not zero."""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.baselines.periods import periods
from sre_copilot.cognition.detectors.metric_kind import metric_kind
from sre_copilot.cognition.detectors.samples import PSEUDO
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window

WEIGHT = 3.0  # nats: the process is gone or hangs, or it is the monitoring that fails
INTERVALS = 4.0  # silent intervals: one or two scrapes are lost in any network
SHORTEST_S = 20.0  # silence: a garbage collection or a slow scrape is shorter
FEWEST = 10  # samples before: fewer are no habit
OTHERS = 0.5  # more of the other services must go on, else it is the monitoring that stopped


def stopped(observation: Observation) -> tuple[Finding, ...]:
    """Find services all of whose own series end well before the recording does."""
    table = observation.current.metrics
    if table is None or table.is_empty():
        return ()
    scraped = [name for name in table["metric"].unique().to_list() if metric_kind(name).kind != "up"]
    own = table.filter(pl.col("metric").is_in(scraped) & ~pl.col("service").str.starts_with(PSEUDO))
    series = own.group_by("service", "instance", "metric").agg(
        pl.len().alias("samples"), pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last")
    )
    if series.height < 2:
        return ()
    end = int(table["ts"].max())  # type: ignore[arg-type]
    start = int(table["ts"].min())  # type: ignore[arg-type]
    spacing = series.select(((pl.col("last") - pl.col("first")) / (pl.col("samples") - 1)).median()).item()
    least = max(SHORTEST_S, INTERVALS * (observation.incident.metric_interval_s or spacing or 0.0))
    series = series.sort("service", "metric", "instance")
    services = series.group_by("service", maintain_order=True).agg(
        pl.col("last").max(), pl.col("samples").sum(), pl.col("metric").first()
    )
    silent = services.filter((end - pl.col("last") > least) & (pl.col("samples") >= FEWEST))
    if not silent.height or services.height - silent.height <= OTHERS * (services.height - 1):
        return ()
    suspect = periods(observation.incident, start=start, end=end).suspect
    return tuple(
        _finding(service, own.filter(pl.col("service") == service, pl.col("metric") == metric), last, end)
        for service, last, _, metric in silent.iter_rows()
        if suspect.start <= last < suspect.end
    )


def _finding(service: str, samples: pl.DataFrame, last: int, end: int) -> Finding:
    """The silence as one of the metrics shows it."""
    metric, first = samples["metric"][0], int(samples["ts"].min())  # type: ignore[arg-type]
    where = (("service", service), ("metric", metric))
    silence, before = Window(last + 1, end + 1), Window(first, last + 1)
    now = Query(source="metrics", measure="value", where=where, window=silence)
    normal = Query(source="metrics", measure="value", where=where, window=before)
    return Finding(
        kind="metric.silent",
        entity=service,
        modality="metrics",
        weight=WEIGHT,
        params=(("metric", metric), ("value", float(end - last)), ("normal", float(samples.height))),
        checks=(
            Check(query=now, aggregate="count", relation="==", bound=0.0),
            Check(query=normal, aggregate="count", relation=">=", bound=0.8 * samples.height),
        ),
        fault_type="process/killed",
        window=silence,
    )
