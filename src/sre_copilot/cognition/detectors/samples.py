"""Samples of one incident per series: what is normal for each, and its sustained highest and lowest level now."""

from __future__ import annotations

import numpy as np
import polars as pl

from sre_copilot.cognition.baselines.periods import Periods, inside, periods
from sre_copilot.cognition.baselines.robust import baseline, same_time_of_day
from sre_copilot.cognition.detectors.metric_kind import metric_kind
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window

SERIES = ["service", "instance", "metric"]
KIN = ["service", "metric"]
STARTING = ("cpu", "throttling")  # kinds in which every process that starts up stands out
BUCKET_S = 15.0  # shorter spikes are a time slice; two neighbouring buckets make a level of half a minute
FEWEST = 5  # samples that make a median; with fewer of the past the time after the fault is taken as well
PSEUDO = "_"  # names beginning with it are no services


def levels(observation: Observation) -> pl.DataFrame | None:
    """Describe each series of a known kind by its normal level and its sustained level in the incident.

    Returns
    -------
    One row a series, None without metrics. `kind`, `unit`; `normal`, `mad`, `spread`, `high`, `low`, `samples`, `distinct` of the normal time;
    `top` and `bottom`, the highest and lowest level that two neighbouring buckets share, `top_start`, `top_end`, `bottom_start`,
    `bottom_end` their epoch seconds; `peak`, `peak_start`, `peak_end` of the highest bucket; `origin` of the normal time (`past`, `around`, `reference`, `others`: of the other instances of the service, null for none); `before` and `later`, the
    medians of all samples before and after, with `before_start` and so on.
    """
    table = observation.current.metrics
    if table is None or table.is_empty():
        return None
    table = _known(table)
    if table.is_empty():
        return None
    times = table["ts"].to_numpy()
    start, end = float(times.min()), float(times.max())
    divided = periods(observation.incident, start=start, end=end)
    now = table.filter(inside("ts", [divided.suspect]))
    normal = _normal(table, divided, observation)
    step = max(BUCKET_S, observation.incident.metric_interval_s or 0.0)
    described = _sustained(now, divided.suspect.start, step).join(normal, on=SERIES, how="left")
    for name, window in (
        ("before", divided.past),
        ("later", Window(divided.suspect.end, max(end + 1, divided.suspect.end))),
    ):
        part = table.filter(inside("ts", [window])).group_by(SERIES).agg(pl.col("value").median().alias(name))
        described = described.join(part, on=SERIES, how="left").with_columns(
            pl.lit(window.start).alias(f"{name}_start"), pl.lit(window.end).alias(f"{name}_end")
        )
    return described.sort(SERIES)


def _known(table: pl.DataFrame) -> pl.DataFrame:
    """Finite samples of services and of metrics whose kind is known, with `kind` and `unit`."""
    names = table["metric"].unique().to_list()
    kinds = {name: metric_kind(name) for name in names}
    known = pl.DataFrame(
        [
            (name, found.kind, found.unit)
            for name, found in kinds.items()
            if found.kind != "other" and not found.host
        ],
        schema={"metric": pl.String, "kind": pl.String, "unit": pl.String},
        orient="row",
    )
    finite = pl.col("value").is_finite() & ~pl.col("service").str.starts_with(PSEUDO)
    return table.filter(finite).join(known, on="metric", how="inner", maintain_order="left")


def _normal(table: pl.DataFrame, divided: Periods, observation: Observation) -> pl.DataFrame:
    """The baseline of each series: its own past, else also the time after, else the reference, else the past of the instances that it came for, as a pod of a rollout does."""
    outside = table.filter(~inside("ts", [divided.suspect]))
    quiet = outside.filter(~inside("ts", divided.excluded))
    past = same_time_of_day(quiet.filter(inside("ts", [divided.past])), at=divided.suspect.start)
    found = (
        baseline(past, SERIES)
        .filter(pl.col("samples") >= FEWEST)
        .with_columns(pl.lit("past").alias("origin"))
    )
    wanted = table.select(SERIES).unique()
    for origin, recorded in (("around", quiet), ("around", outside), ("reference", None)):
        missing = wanted.join(found, on=SERIES, how="anti")
        if missing.is_empty():
            break
        wider = _reference(observation, missing, divided) if recorded is None else recorded
        if wider is None:
            continue
        more = wider.join(found.select(SERIES), on=SERIES, how="anti")
        rest = baseline(more, SERIES).filter(pl.col("samples") >= FEWEST)
        found = pl.concat([found, rest.with_columns(pl.lit(origin).alias("origin"))])
    others = _others(table, past, divided.suspect, known=found)
    return pl.concat([found, others.select(found.columns)])


def _others(table: pl.DataFrame, past: pl.DataFrame, suspect: Window, *, known: pl.DataFrame) -> pl.DataFrame:
    """The past of the instances that young ones came for: those that are gone by the middle of the suspect time.

    One that came beside others that live starts up, as does its processor time in any case.
    """
    late = table.filter(pl.col("ts") >= (suspect.start + suspect.end) / 2)
    living = late.join(known, on=SERIES, how="semi").select(KIN).unique()
    steady = table.filter(~pl.col("kind").is_in(STARTING)).select(SERIES).unique()
    replaced = steady.join(known, on=SERIES, how="anti").join(living, on=KIN, how="anti")
    level = baseline(past, KIN).filter(pl.col("samples") >= FEWEST)
    return replaced.join(level, on=KIN, how="inner").with_columns(pl.lit("others").alias("origin"))


def _reference(observation: Observation, missing: pl.DataFrame, divided: Periods) -> pl.DataFrame | None:
    """Finite samples of the missing series in the reference, of the same time of day where it is long enough."""
    if observation.reference is None or observation.reference.metrics is None:
        return None
    table = same_time_of_day(observation.reference.metrics, at=divided.suspect.start)
    return table.join(missing, on=SERIES, how="semi").filter(pl.col("value").is_finite())


def _sustained(now: pl.DataFrame, start: float, step: float) -> pl.DataFrame:
    """The levels that two neighbouring buckets share."""
    bucket = ((pl.col("ts") - start) / step).floor().cast(pl.Int64).alias("bucket")
    binned = now.group_by([*SERIES, "kind", "unit", bucket]).agg(
        pl.col("value").median(), pl.col("ts").min().alias("start"), pl.col("ts").max().alias("end")
    )
    binned = binned.sort([*SERIES, "bucket"])
    before = pl.col("value", "start", "bucket").shift(1).over(SERIES).name.suffix("_before")
    paired = binned.with_columns(before).filter(pl.col("bucket") - pl.col("bucket_before") <= 2)
    both = paired.with_columns(
        pl.min_horizontal("value", "value_before").alias("top"),
        pl.max_horizontal("value", "value_before").alias("bottom"),
    )
    highest = pl.col("value").arg_max()
    peak, trough = pl.col("top").arg_max(), pl.col("bottom").arg_min()
    return both.group_by([*SERIES, "kind", "unit"]).agg(
        pl.col("top").max(),
        pl.col("bottom").min(),
        pl.col("start_before").get(peak).cast(pl.Float64).alias("top_start"),
        (pl.col("end").get(peak) + 1).cast(pl.Float64).alias("top_end"),
        pl.col("start_before").get(trough).cast(pl.Float64).alias("bottom_start"),
        (pl.col("end").get(trough) + 1).cast(pl.Float64).alias("bottom_end"),
        pl.col("value").max().alias("peak"),
        pl.col("start").get(highest).cast(pl.Float64).alias("peak_start"),
        (pl.col("end").get(highest) + 1).cast(pl.Float64).alias("peak_end"),
    )


def ramp(value: float, start: float, full: float) -> float:
    """0 at `start`, 1 at `full`, linear between."""
    return float(np.clip((value - start) / (full - start), 0.0, 1.0))
