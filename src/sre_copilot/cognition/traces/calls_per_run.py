"""Checks of how many calls a run of an operation makes: in the incident on one side of a bound, in normal time on the other."""

from __future__ import annotations

from sre_copilot.cognition.traces.sides import Sides
from sre_copilot.domain.evidence import Check, Query, Relation

Where = tuple[tuple[str, str], ...]


def calls_per_run(
    pairs: Where, runs: Where, sides: Sides, *, source: int, bound: float, rises: bool = False
) -> tuple[Check, ...]:
    """Compare calls (`pairs`) with runs (`runs`) in the incident and on the normal side `source` (0 or 1).

    The number of calls a run is at most `bound` in the incident and at least that before; with `rises` the other way round.
    """
    now: Relation = ">=" if rises else "<="
    before: Relation = "<=" if rises else ">="
    checks = []
    for side, relation in ((2, now), (source, before)):
        origin, window = sides.of(side)
        checks.append(
            Check(
                query=Query(source="traces", measure="calls", where=pairs, window=window, origin=origin),
                against=Query(source="traces", measure="rows", where=runs, window=window, origin=origin),
                aggregate="count",
                combine="ratio",
                relation=relation,
                bound=bound,
            )
        )
    return tuple(checks)
