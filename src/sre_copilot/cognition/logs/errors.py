"""Error statements that requests run into more often than in normal time, by the share of requests, never by volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

import polars as pl

from sre_copilot.cognition.logs.lines import CURRENT, Lines
from sre_copilot.domain.signals import Window

MIN_NATS = 5.0
"""Evidence below which a rise is not told: some 30 error statements are looked at in each of a few contexts (ln 100)."""

MIN_REQUESTS = 3
"""Requests that must meet an error: one or two are what every system has."""

OVER_SECONDS = 60.0
"""An error not seen this long before the end of the recording is over; its share is taken over the time it lasted."""

MAX_STATEMENTS = 100
"""Error statements that are looked at, those of most requests first: an incident that writes more kinds of error than
this has none that tells more than the first hundred."""


@dataclass(frozen=True, slots=True)
class Rise:
    """An error statement that requests run into.

    Of `reached` requests that passed statement `after` from `start` to `end` (None: to the end of the recording), `seen`
    ran into it; in normal time `normal_seen` of
    `normal_reached`. `elsewhere` is how many services write the same sentence in normal time; `earlier` the error of
    another service that comes before it in most of its requests.
    """

    statement: int
    after: int
    start: float
    end: float | None
    seen: int
    reached: int
    normal_seen: int
    normal_reached: int
    nats: float
    elsewhere: int
    earlier: int | None = None

    @property
    def share(self) -> float:
        """Share of requests that run into it."""
        return self.seen / self.reached


def rising_errors(lines: Lines, requests: pl.DataFrame, onset: Window | None) -> list[Rise]:
    """Find error statements whose share of requests rose, strongest first.

    Parameters
    ----------
    lines, requests : all lines, and their requests by `links.requests_of`
    onset : when the change may have happened, s; None looks everywhere

    Returns
    -------
    rises of at least `MIN_NATS` (binomial log-likelihood ratio of the share since the first such line)
    """
    errors = _predecessors(lines, lines.statement_ids(error=True))
    begin = onset.start if onset else float("-inf")
    recent = errors.filter((pl.col("origin") == CURRENT) & (pl.col("t") >= begin))
    common = recent.group_by("statement").agg(n=pl.len()).sort("n", "statement", descending=[True, False])
    known = _sentences_of_normal_time(lines)
    found = []
    for statement in common["statement"].head(MAX_STATEMENTS):
        own = recent.filter(pl.col("statement") == statement)
        if onset is not None and float(own["t"].min()) >= onset.end:  # type: ignore[arg-type]
            continue
        rise = _rise(statement, own, requests, errors, lines.recorded.end)
        if rise is not None:
            elsewhere = known.get(lines.statements[statement].template, 0)
            found.append(replace(rise, elsewhere=elsewhere))
    found = [_with_earlier(rise, found, recent, lines) for rise in found]
    return sorted(found, key=lambda rise: (-rise.nats, rise.statement))


def _predecessors(lines: Lines, errors: list[int]) -> pl.DataFrame:
    """The first line of each error statement in each trace, and the statement before it."""
    same = (pl.col("trace_id") == pl.col("trace_id").shift(1)) & (
        pl.col("origin") == pl.col("origin").shift(1)
    )
    return (
        lines.table.lazy()
        .filter(pl.col("trace_id") != "")
        .select("origin", "trace_id", "statement", "t", "position")
        .with_columns(before=pl.when(same).then(pl.col("statement").shift(1)))
        .filter(pl.col("statement").is_in(errors))
        .group_by("origin", "trace_id", "statement", maintain_order=True)
        .first()
        .collect()
    )


def _sentences_of_normal_time(lines: Lines) -> dict[str, int]:
    normal = lines.table.filter(pl.col("origin") != CURRENT)["statement"].unique()
    services: dict[str, set[str]] = {}
    for key in normal:
        services.setdefault(lines.statements[key].template, set()).add(lines.statements[key].service)
    return {template: len(found) for template, found in services.items()}


def _rise(
    statement: int, recent: pl.DataFrame, requests: pl.DataFrame, errors: pl.DataFrame, end: float
) -> Rise | None:
    """Judge one error statement by the requests that reach the statement before it."""
    counts = recent["before"].drop_nulls().value_counts().sort("count", "before", descending=[True, False])
    if counts.is_empty():
        return None
    after = int(counts["before"][0])
    first, last = float(recent["t"].min()), float(recent["t"].max())  # type: ignore[arg-type]
    until = last if end - last > OVER_SECONDS else end
    own = errors.filter(pl.col("statement") == statement).select(
        "origin", "trace_id", error=pl.lit(value=True)
    )
    reached = (
        requests.filter(pl.col("statement") == after)
        .join(own, on=["origin", "trace_id"], how="left")
        .with_columns(pl.col("error").fill_null(value=False))
    )
    current = pl.col("origin") == CURRENT
    begun = pl.col("error") | (pl.col("t") >= first)  # a request that met the error began before it
    now = reached.filter(current & begun & (pl.col("t") <= until))
    normal = reached.filter(~current)
    seen, normal_seen = int(now["error"].sum()), int(normal["error"].sum())
    nats = _binomial_nats(seen, now.height, (normal_seen + 0.5) / (normal.height + 1))
    if nats < MIN_NATS or seen < MIN_REQUESTS:
        return None
    return Rise(
        statement,
        after,
        first,
        None if until == end else last,
        seen,
        now.height,
        normal_seen,
        normal.height,
        nats,
        0,
    )


def _binomial_nats(seen: int, reached: int, expected_share: float) -> float:
    """Log-likelihood ratio of the observed share against the expected one; 0 when it did not rise."""
    share = seen / reached if reached else 0.0
    if share <= expected_share:
        return 0.0
    rest = (reached - seen) * log((1 - share) / (1 - expected_share)) if share < 1 else 0.0
    return seen * log(share / expected_share) + rest


def _with_earlier(rise: Rise, rises: list[Rise], recent: pl.DataFrame, lines: Lines) -> Rise:
    """Note the rising error of another service that most requests meet before this one."""
    own = recent.filter(pl.col("statement") == rise.statement)
    service = lines.statements[rise.statement].service
    for other in sorted(rises, key=lambda each: (-each.seen, each.statement)):
        if lines.statements[other.statement].service == service:
            continue
        theirs = recent.filter(pl.col("statement") == other.statement).select(
            "trace_id", other=pl.col("position")
        )
        both = own.join(theirs, on="trace_id").filter(pl.col("other") < pl.col("position"))
        if 2 * both.height > own.height:
            return replace(rise, earlier=other.statement)
    return rise
