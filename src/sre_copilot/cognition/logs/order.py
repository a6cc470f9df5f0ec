"""Which of several things went wrong first in a request: what comes after it, or above it, is its effect."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sre_copilot.cognition.logs.errors import Rise
from sre_copilot.cognition.logs.lines import CURRENT, Lines
from sre_copilot.cognition.logs.links import Break
from sre_copilot.domain.topology import Topology

SAME = 0.8
"""Share of the requests of one break that must show the other break, and show it earlier."""

CAUSE_NATS = 16.0
"""Nats of a break that may explain others: twice what the search over links finds by chance."""


def effects(
    breaks: Sequence[Break], rises: Sequence[Rise], lines: Lines, topology: Topology
) -> frozenset[tuple[int, int]]:
    """Links (a, b) whose break comes after that of another service, or with an error of a callee, in the same requests.

    Parameters
    ----------
    breaks, rises : what stopped and which errors rose, in any order
    lines : all lines, whose position tells how far a request had come
    """
    places = [_places(each, lines) for each in breaks]
    found = set()
    for later, there in zip(breaks, places, strict=True):
        for earlier, here in zip(breaks, places, strict=True):
            if _service(earlier, lines) != _service(later, lines) and earlier.nats >= CAUSE_NATS:
                both = there.join(here, on="trace_id", suffix="_earlier")
                before = int((both["at_earlier"] < both["at"]).sum())
                if there.height and before >= SAME * there.height:
                    found.add((later.a, later.b))
    thrown = _thrown(rises, lines)
    for later, there in zip(breaks, places, strict=True):
        below = set(topology.downstream(_service(later, lines))) - {_service(later, lines)}
        met = thrown.filter(pl.col("service").is_in(sorted(below))).select("trace_id").unique()
        if there.height and there.join(met, on="trace_id").height >= SAME * there.height:
            found.add((later.a, later.b))
    return frozenset(found)


def _thrown(rises: Sequence[Rise], lines: Lines) -> pl.DataFrame:
    """Requests that met a new error, and the service that wrote it; complaints about others are no origin."""
    origins = [
        rise.statement
        for rise in rises
        if rise.nats >= CAUSE_NATS
        and not lines.statements[rise.statement].classification.about_dependency
        and rise.earlier is None
        and not rise.elsewhere
    ]
    rows = lines.table.filter((pl.col("origin") == CURRENT) & pl.col("statement").is_in(origins))
    return rows.select("trace_id", "service").unique()


def _service(each: Break, lines: Lines) -> str:
    return lines.statements[each.b].service


def _places(each: Break, lines: Lines) -> pl.DataFrame:
    """How far the requests without the step had come."""
    rows = lines.table.filter(
        (pl.col("origin") == CURRENT)
        & (pl.col("statement") == each.a)
        & pl.col("trace_id").is_in(list(each.missed))
    )
    return rows.group_by("trace_id").agg(at=pl.col("position").min())
