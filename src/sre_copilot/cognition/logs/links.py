"""Links: which statement follows which inside a trace, and links that break.

A statement is expected by its context, not by its rate: of all requests of one kind that reach statement A, the share
that goes on to B. Load, its mix and failures further up change how often A is reached, and cancel out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from sre_copilot.cognition.logs.lines import CURRENT, Lines
from sre_copilot.domain.signals import Window

MIN_SHARE = 0.3
"""Share of the requests at A whose next line is B, from which B counts as its successor: a request forks two or three
ways at most before the context tells little."""

INNER_SHARE = 0.8
"""Share from which a step inside one service counts as its fixed next step."""

ALWAYS = 0.9
"""Share of the requests from which a warning is a step like any other: what is always warned of is no trouble."""

MIN_TRACES = 3
"""Normal requests from which a link is known: two may be chance."""

BROKEN_SHARE = 0.02
"""Share of requests that still take a broken link: a late one on another replica, a clock that is off."""

OVER_SECONDS = 60.0
"""A break that is over must have lasted this long: shorter runs come with the mix of requests."""

UNFINISHED_SECONDS = 5.0
"""Requests that began this short before the end of the recording may be cut off; a usual request timeout."""


@dataclass(frozen=True, slots=True)
class Break:
    """A link A -> B that stopped being taken.

    Of `requests` that reached A between `start` and `end` (None: to the end of the recording) `expected` should have gone
    on to B and `observed` did; `nats` is the log-likelihood ratio against the share of normal time, `normal_requests` how
    many that share rests on, `usual` that share; `missed` are the traces without B, `seconds` the time that they span.
    """

    a: int
    b: int
    start: float
    end: float | None
    requests: int
    expected: float
    observed: int
    nats: float
    normal_requests: int
    missed: tuple[str, ...]
    seconds: float
    usual: float


def requests_of(lines: Lines) -> pl.DataFrame:
    """One row a (trace, statement): root statement, first and last position, time, what is next to the first line."""
    table = lines.table.lazy().filter(pl.col("trace_id") != "")
    same = (pl.col("trace_id") == pl.col("trace_id").shift(-1)) & (
        pl.col("origin") == pl.col("origin").shift(-1)
    )
    return (
        table.with_columns(successor=pl.when(same).then(pl.col("statement").shift(-1)))
        .with_columns(root=pl.col("statement").first().over("origin", "trace_id"))
        .group_by("origin", "trace_id", "statement")
        .agg(
            pl.col("root", "successor", "t").first(),
            pl.col("position").min().alias("first"),
            pl.col("position").max().alias("last"),
        )
        .collect()
    )


def broken_links(lines: Lines, requests: pl.DataFrame, onset: Window | None) -> list[Break]:
    """Find links that break at a time inside `onset` and stay broken, strongest first.

    Parameters
    ----------
    lines, requests : all lines, and their requests by `requests_of`
    onset : when the change may have happened, s; None looks everywhere

    Returns
    -------
    breaks of at least `MIN_NATS`; errors that stop are none, nor are requests that failed at a dependency

    References
    ----------
    Page, Continuous inspection schemes, Biometrika 1954, eq. 1 (the cumulative sum whose maximum dates a change), with
    the log-likelihood ratio of a Bernoulli share.
    """
    trials = _trials(lines, requests)
    current = (
        trials.filter((pl.col("origin") == CURRENT) & (pl.col("t") < lines.recorded.end - UNFINISHED_SECONDS))
        .join(_normal_shares(trials.filter(pl.col("origin") != CURRENT)), on=["context", "a", "b"])
        .with_columns(
            gain=pl.when("hit")
            .then((BROKEN_SHARE / pl.col("share")).log())
            .otherwise(((1 - BROKEN_SHARE) / (1 - pl.col("share"))).log())
        )
        .filter((~pl.col("hit")).sum().over("a", "b") >= MIN_TRACES)
        .sort("a", "b", "t", "trace_id")
    )
    found = [_date(group, onset) for group in current.partition_by("a", "b", maintain_order=True)]
    return sorted((each for each in found if each), key=lambda each: (-each.nats, each.a, each.b))


MIN_NATS = 8.0
"""Evidence below which a break is not told: about 300 links are looked at, at some 20 places each (ln 6,000 = 8.7), most
of them far from changing."""


def _normal_shares(normal: pl.DataFrame) -> pl.DataFrame:
    """Share of requests that take a link, per context."""
    return (
        normal.group_by("context", "a", "b")
        .agg(n=pl.len(), k=pl.col("hit").sum())
        .filter(pl.col("n") >= MIN_TRACES)
        .with_columns(share=(pl.col("k") + 0.5) / (pl.col("n") + 1))
    )


def _trials(lines: Lines, requests: pl.DataFrame) -> pl.DataFrame:
    """All requests at a known A, with whether they went on to B."""
    last = requests.select(
        "origin", "trace_id", pl.col("statement").alias("b"), pl.col("last").alias("last_b")
    )
    return (
        requests.rename({"statement": "a"})
        .select("origin", "trace_id", "root", "a", "t", "first")
        .join(_links(lines, requests), on="a")
        .with_columns(context=pl.when("inner").then(-1).otherwise("root"))
        .join(last, on=["origin", "trace_id", "b"], how="left")
        .join(_failed_at_dependency(lines), on=["origin", "trace_id"], how="left")
        .with_columns(hit=(pl.col("last_b") > pl.col("first")).fill_null(value=False))
        .filter(pl.col("hit") | ~(pl.col("failed") > pl.col("first")).fill_null(value=False))
    )


def _links(lines: Lines, requests: pl.DataFrame) -> pl.DataFrame:
    """The links of normal time: a, b, and whether the link is `inner`.

    An inner link joins two statements of one service of which the second all but always follows: whoever asked makes no
    difference to it. Other links are known per kind of request, since a shared service goes on differently for each.
    """
    normal = requests.filter((pl.col("origin") != CURRENT) & pl.col("successor").is_not_null())
    errors, warnings = lines.statement_ids(error=True), lines.warnings
    counted = normal.group_by(pl.col("statement").alias("a"), pl.col("successor").alias("b")).agg(
        taken=pl.len()
    )
    by_root = normal.group_by("root", pl.col("statement").alias("a")).agg(reached=pl.len())
    best = (
        normal.group_by("root", pl.col("statement").alias("a"), pl.col("successor").alias("b"))
        .agg(taken=pl.len())
        .join(by_root, on=["root", "a"])
        .filter(
            pl.col("taken") >= MIN_SHARE * pl.col("reached"),
            pl.col("taken") > 1,
            ~pl.col("b").is_in(errors),
            ~pl.col("b").is_in(warnings) | (pl.col("taken") >= ALWAYS * pl.col("reached")),
        )
        .select("a", "b")
        .unique()
    )
    all_of_a = counted.group_by("a").agg(reached=pl.col("taken").sum())
    service = pl.DataFrame(
        {"a": list(lines.statements), "service": [each.service for each in lines.statements.values()]},
        schema={"a": pl.Int64, "service": pl.String},
    )
    return (
        best.join(counted, on=["a", "b"])
        .join(all_of_a, on="a")
        .join(service, on="a")
        .join(service.rename({"a": "b", "service": "service_b"}), on="b")
        .select(
            "a",
            "b",
            inner=(pl.col("service") == pl.col("service_b"))
            & (pl.col("taken") >= INNER_SHARE * pl.col("reached")),
        )
    )


def _failed_at_dependency(lines: Lines) -> pl.DataFrame:
    """Per trace the last line that complains of a dependency: what is missing after A is explained by it."""
    complaints = lines.statement_ids(dependency=True)
    return (
        lines.table.filter(pl.col("statement").is_in(complaints), pl.col("trace_id") != "")
        .group_by("origin", "trace_id")
        .agg(failed=pl.col("position").max())
    )


def _date(group: pl.DataFrame, onset: Window | None) -> Break | None:
    """Date the change: the run of requests that speaks loudest for a break."""
    t = group["t"].to_numpy()
    first, last, nats = _run(t, group["gain"].to_numpy(), _may_start(t, onset))
    if nats < MIN_NATS:
        return None
    run = group[first : last + 1]
    missed = run.filter(~pl.col("hit"))
    return Break(
        a=run["a"][0],
        b=run["b"][0],
        start=float(t[first]),
        end=float(t[last + 1]) if last + 1 < t.size else None,
        requests=run.height,
        expected=float(run["share"].sum()),
        observed=run.height - missed.height,
        nats=nats,
        normal_requests=int(run["n"].max()),  # type: ignore[arg-type]
        missed=tuple(missed["trace_id"]),
        seconds=float(t[last] - t[first]),
        usual=float((run["k"] / run["n"]).mean()),  # type: ignore[arg-type]
    )


def _may_start(t: npt.NDArray[np.float64], onset: Window | None) -> npt.NDArray[np.bool_]:
    return np.ones(t.size, dtype=np.bool_) if onset is None else (t >= onset.start) & (t < onset.end)


def _loudest_run(gain: npt.NDArray[np.float64], may_start: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """First and last index and sum of the run with the largest sum, of those that start where they may."""
    total = np.cumsum(gain)
    later = np.maximum.accumulate(total[::-1])[::-1]
    sums = np.where(may_start, later - total + gain, -np.inf)
    first = int(np.argmax(sums))
    last = first + int(np.argmax(total[first:]))
    return first, last, float(sums[first])


def _run(
    t: npt.NDArray[np.float64], gain: npt.NDArray[np.float64], may_start: npt.NDArray[np.bool_]
) -> tuple[int, int, float]:
    """The loudest run; one that ends before the recording does must have lasted, else the loudest that does not end."""
    first, last, nats = _loudest_run(gain, may_start)
    if last + 1 == t.size or t[last] - t[first] >= OVER_SECONDS:
        return first, last, nats
    to_end = np.where(may_start, np.cumsum(gain[::-1])[::-1], -np.inf)
    first = int(np.argmax(to_end))
    return first, t.size - 1, float(to_end[first])
