"""The two sides of every comparison of spans: what is normal, and what the incident shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.onset import Onset
from sre_copilot.cognition.traces.spans import Flags, Floats, Ints, Spans
from sre_copilot.domain.evidence import Origin
from sre_copilot.domain.signals import Window

GUARD_S = 2.0  # calls in flight at the onset belong to neither side
LASTING_S = 300.0  # a longer stretch after the onset may hold recovery or the next incident
SHORTEST_S = 15.0  # what is left of a recording after an unsure onset must hold some requests
TRUSTED = (
    10  # calls: with so many the reference is preferred to the incident's own past, which may hold the fault
)
ENOUGH = 3  # calls that make a median
EFFECTIVE = 10.0  # calls of one minute share their cause: no more than ten count as independent witnesses
BURST_S = 5.0  # calls of the same few seconds meet the same moment: one witness, however many they are


@dataclass(frozen=True, slots=True)
class Sides:
    """`side` of each span: 0 reference, 1 the incident's own past, 2 the incident, -1 none of them; `moment` numbers stretches of `BURST_S`."""

    side: Ints
    moment: Ints
    past: Window
    after: Window

    @property
    def witnesses(self) -> float:
        """How many independent witnesses the calls of the incident make at most."""
        return min(EFFECTIVE, max(1.0, self.after.seconds / BURST_S))

    def of(self, source: int) -> tuple[Origin, Window | None]:
        """Origin and window of a check on side 0, 1 or 2."""
        if source == 0:
            return "reference", None
        return "incident", self.past if source == 1 else self.after


def sides(spans: Spans, onset: Onset | None) -> Sides:
    """Divide spans at the onset; without one, or with nothing after it, all own spans are the incident."""
    own = ~spans.reference
    first, last = float(spans.start[own].min()), float(spans.start[own].max())
    at = onset.at if onset is not None else first
    if onset is None or (not onset.sure and last - at < SHORTEST_S):
        at = max(first, min(at, (first + last) / 2))
    begin = at + GUARD_S if at > first else at
    after = Window(begin, max(begin, min(last, at + LASTING_S)) + 1e-3)
    past = Window(min(first, at), max(first, at - GUARD_S))
    side = np.full(len(spans.start), -1, dtype=np.int64)
    side[spans.reference] = 0
    side[own & (spans.start >= past.start) & (spans.start < past.end)] = 1
    side[own & (spans.start >= after.start) & (spans.start < after.end)] = 2
    return Sides(side, (spans.start // BURST_S).astype(np.int64), past, after)


def nats(
    hits_before: Floats, before: Floats, hits_after: Floats, after: Floats, *, witnesses: float | Floats
) -> Floats:
    """How much better a new share explains the hits after than the share before does, in nats; 0 where the share fell.

    The likelihood ratio of two binomial shares (`n KL(p1 || p0)`), shares smoothed by half a hit (Krichevsky and Trofimov 1981).
    """
    p0 = (hits_before + 0.5) / (before + 1.0)
    p1 = (hits_after + 0.5) / (after + 1.0)
    return rise(p0, p1, np.minimum(after, witnesses))


def rise(p0: Floats, p1: Floats, witnesses: Floats) -> Floats:
    """Nats by which `witnesses` speak for the share `p1` against `p0`; 0 where it is no larger."""
    divergence = p1 * np.log(p1 / p0) + (1 - p1) * np.log((1 - p1) / (1 - p0))
    return np.asarray(np.where(p1 > p0, witnesses * divergence, 0.0))


def compare(
    keys: dict[str, Ints],
    value: Floats,
    sides: Sides,
    rows: Flags | Ints,
    *,
    floor: float,
    both: bool = False,
) -> pl.DataFrame:
    """Compare the level of a duration (ms) per key between the normal side and the incident.

    `rows` are the spans that `keys` and `value` belong to. With `both`, a key that the other normal side knows as well must be abnormal for that one too.

    Returns
    -------
    One row a key that the incident has: `source` (0 or 1: the side taken as normal, -1 none), `normal` (its median), `bound`
    (above which a value is abnormal: three times the median plus `floor`, the resolution of the measurement), `median`, `p90`, `calls`,
    `moments` (stretches of a few seconds with a call) of the incident, and `weight` in nats for the share above the bound.
    """
    by = list(keys)
    table = pl.DataFrame(
        {**keys, "value": value, "side": sides.side[rows], "moment": sides.moment[rows]}
    ).filter(pl.col("side") >= 0)
    if table.is_empty():
        return table
    table = table.with_columns(_source().over(by).alias("source"))
    is_normal, is_after = pl.col("side") == pl.col("source"), pl.col("side") == 2
    normal = table.filter(is_normal).group_by(by).agg(pl.col("value").median().alias("normal"))
    fleet = normal["normal"].median()
    table = table.join(normal, on=by, how="left").with_columns(
        pl.col("normal").fill_null(fleet if isinstance(fleet, float) else 0.0)
    )
    level = pl.col("normal").clip(0.0)
    if both:
        other = table.filter((pl.col("side") < 2) & ~is_normal).group_by(by).agg(_median_of_enough())
        table = table.join(other, on=by, how="left")
        level = pl.max_horizontal(level, "other")
    table = table.with_columns((3.0 * level + floor).alias("bound"))
    above = pl.col("value") > pl.col("bound")
    found = table.group_by(by).agg(
        pl.col("source").first(),
        pl.col("normal").first(),
        pl.col("bound").first(),
        pl.col("value").filter(is_after).median().alias("median"),
        pl.col("value").filter(is_after).quantile(0.9, "linear").alias("p90"),
        (above & is_normal).sum().alias("hits_before"),
        is_normal.sum().alias("before"),
        (above & is_after).sum().alias("hits"),
        is_after.sum().alias("calls"),
        pl.col("moment").filter(is_after).n_unique().alias("moments"),
    )
    names = ("hits_before", "before", "hits", "calls")
    columns = [found[name].to_numpy().astype(np.float64) for name in names]
    moments = np.minimum(found["moments"].to_numpy().astype(np.float64), sides.witnesses)
    weight = pl.Series("weight", nats(*columns, witnesses=moments))
    return found.with_columns(weight).filter(pl.col("calls") > 0).sort(by)


def _median_of_enough() -> pl.Expr:
    value = pl.col("value")
    return pl.when(pl.len() >= ENOUGH).then(value.median()).alias("other")


def _source() -> pl.Expr:
    """The side that is normal for a key: the reference when it knows the key well, else whichever knows it better."""
    reference, past = (pl.col("side") == 0).sum(), (pl.col("side") == 1).sum()
    better = pl.when(reference >= past).then(0).otherwise(1)
    return (
        pl.when(reference >= TRUSTED).then(0).when((reference == 0) & (past == 0)).then(-1).otherwise(better)
    ).cast(pl.Int64)


def reached(spans: Spans) -> Flags:
    """Whether a span has a child in another service."""
    return np.asarray(spans.callee != spans.service)
