"""Volumes: what a service writes, scaled by what it or the others write, for lines that belong to no request."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sre_copilot.cognition.logs.lines import CURRENT, PAST, REFERENCE, Lines
from sre_copilot.domain.signals import Window

MIN_EXPECTED = 10.0
"""Lines that should have come before their absence is told: batches of a few are common, so fewer are chance."""

MIN_BURSTS = 5
"""Pauses of over a second between its lines from which the usual pause of a service is known."""

LONGER = 3.0
"""A silence this many times as long as the longest before is no pause between requests."""

MIN_ERRORS = 3
"""Lines of an error outside any request from which it is told: one or two come with every restart and scan."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A statement (or with `statement` None the whole service) that is no longer written.

    `expected` lines should have come between `start` and the end of the recording, none did.
    """

    service: str
    statement: int | None
    start: float
    expected: float
    normal: int


@dataclass(frozen=True, slots=True)
class Appearance:
    """An error statement outside requests that normal time does not know."""

    statement: int
    start: float
    seen: int
    services: int


def stopped_statements(lines: Lines, onset: Window | None) -> list[Stop]:
    """Find statements without a trace that stop while their service goes on writing.

    The expectation is the statement's share of its service's lines in normal time, times the service's lines since.
    """
    untraced = lines.table.filter(pl.col("trace_id") == "")
    normal = untraced.filter(pl.col("origin") != CURRENT)
    quiet = set(lines.statement_ids(error=True)) | set(lines.warnings)
    shares = (
        normal.group_by("service", "statement")
        .agg(n=pl.len())
        .with_columns(share=pl.col("n") / pl.col("n").sum().over("service"))
        .filter(~pl.col("statement").is_in(list(quiet)), pl.col("n") >= MIN_EXPECTED)
    )
    now = untraced.filter(pl.col("origin") == CURRENT)
    lasts = now.group_by("statement").agg(last=pl.col("t").max())
    begin = onset.start if onset else lines.recorded.start
    found = []
    for service, statement, n, share, last in (
        shares.join(lasts, on="statement", how="left").sort("service", "statement").iter_rows()
    ):
        start = max(last if last is not None else begin, begin)
        since = now.filter((pl.col("service") == service) & (pl.col("t") > start)).height
        if (onset is None or start < onset.end) and share * since >= MIN_EXPECTED:
            found.append(Stop(service, statement, start, share * since, n))
    return found


def silent_services(lines: Lines, onset: Window | None) -> list[Stop]:
    """Find services that stop writing while the others go on.

    The expectation is the service's share of all lines until then, times the others' lines since; the silence must last
    `LONGER` times as long as any before, since rarely asked services are often quiet.
    """
    now = lines.of(CURRENT, PAST).select("service", "t").sort("t")
    services = (
        now.group_by("service")
        .agg(
            n=pl.len(),
            last=pl.col("t").max(),
            gap=pl.col("t").diff().max(),
            bursts=(pl.col("t").diff() > 1).sum(),
        )
        .join(_usual_gaps(lines), on="service", how="left")
        .with_columns(silence=lines.recorded.end - pl.col("last"))
        .filter(
            pl.col("n") >= MIN_EXPECTED,
            pl.col("bursts") >= MIN_BURSTS,
            pl.col("silence") >= LONGER * pl.max_horizontal("gap", "usual_gap", pl.lit(1.0)),
        )
        .sort("service")
    )
    found = []
    for service, n, last in services.select("service", "n", "last").iter_rows():
        others = now.filter(pl.col("service") != service)["t"]
        before = int((others <= last).sum())
        expected = n / max(before, 1) * (len(others) - before)
        if (onset is None or onset.start <= last < onset.end) and expected >= 2 * MIN_EXPECTED:
            found.append(Stop(service, None, last, expected, n))
    return found


def _usual_gaps(lines: Lines) -> pl.DataFrame:
    """The longest silence of each service in the reference, s."""
    reference = lines.of(REFERENCE).select("service", "t").sort("t")
    return reference.group_by("service").agg(usual_gap=pl.col("t").diff().max())


def appearing_errors(lines: Lines, onset: Window | None) -> list[Appearance]:
    """Find error statements outside requests that normal time does not know, in any service."""
    errors = lines.statement_ids(error=True)
    known = {
        lines.statements[key].template
        for key in lines.table.filter(pl.col("origin") != CURRENT)["statement"].unique()
    }
    now = lines.table.filter(
        (pl.col("origin") == CURRENT) & (pl.col("trace_id") == "") & pl.col("statement").is_in(errors)
    )
    each = now.group_by("statement").agg(n=pl.len(), t=pl.col("t").min()).sort("statement")
    fresh = [
        (key, n, t)
        for key, n, t in each.iter_rows()
        if lines.statements[key].template not in known
        and n >= MIN_ERRORS
        and (onset is None or onset.start <= t < onset.end)
    ]
    writers: dict[str, int] = {}
    for key, _, _ in fresh:
        writers[lines.statements[key].template] = writers.get(lines.statements[key].template, 0) + 1
    return [Appearance(key, t, n, writers[lines.statements[key].template]) for key, n, t in fresh]
