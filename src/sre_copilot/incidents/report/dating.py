"""When a finding began: by the recording itself, not by the window that its checks were given."""

from __future__ import annotations

import operator

import polars as pl

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.incidents.report.series import points

BEFORE_S = 120.0  # the reported onset may be late by as much
ROWS = ("rows", "calls")  # measures whose rows say by being there, not by a value
RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq}


def began(finding: Finding, observation: Observation) -> float:
    """Return the time (epoch s) of the first sample or row beyond the bound of the first check.

    What vanished has no row that could be dated: it is missing from the start of its window, but not before the onset.
    Where the recording gives no time the start of the window stands.
    """
    start = finding.window.start if finding.window else 0.0
    check = finding.checks[0] if finding.checks else None
    if check is None or check.query.origin != "incident":
        return start
    onset = observation.incident.onset
    if _counts(check.query) or check.aggregate in ("count", "rate"):
        if check.relation not in (">", ">="):
            return _absent(check, start, onset)
        return _first_row(check, min(start, start if onset is None else onset), observation) or start
    since = (start if onset is None else onset) - (BEFORE_S if _sampled(check.query) else 0.0)
    return _first_beyond(check, min(start, since), observation) or start


def _counts(query: Query) -> bool:
    return query.measure in ROWS


def _sampled(query: Query) -> bool:
    return query.source in ("metrics", "transactions")


def _absent(check: Check, start: float, onset: float | None) -> float:
    window = check.query.window
    inside = onset is not None and window is not None and onset < window.end
    return max(start, onset) if inside and onset is not None else start


def _first_row(check: Check, since: float, observation: Observation) -> float | None:
    found = _between(check, since, observation)
    return None if found is None else float(found["at"][0])


def _first_beyond(check: Check, since: float, observation: Observation) -> float | None:
    """Return the time from which values lie beyond the bound for good; of extremes one value suffices."""
    found = _between(check, since, observation)
    level = _level(check, observation)
    if found is None or level is None:
        return None
    find = _first if check.aggregate in ("max", "min") else _lasting
    relation = RELATIONS[check.relation]
    times = [
        at
        for part in found.partition_by("label")
        if (at := find(part, [relation(value, level) for value in part["value"]])) is not None
    ]
    return min(times, default=None)


def _first(part: pl.DataFrame, beyond: list[bool]) -> float | None:
    return float(part["at"][beyond.index(True)]) if True in beyond else None


def _lasting(part: pl.DataFrame, beyond: list[bool]) -> float | None:
    """Return the time from which values beyond the bound outnumber the others the most (the largest sum to the end)."""
    first, lead, most = None, 0, 0
    for at in reversed(range(len(beyond))):
        lead += 1 if beyond[at] else -1
        if lead > most:
            first, most = at, lead
    return None if first is None else float(part["at"][first])


def _between(check: Check, since: float, observation: Observation) -> pl.DataFrame | None:
    found = points(observation.current, check.query)
    window = check.query.window
    if found is None or window is None:
        return None
    inside = found.filter((pl.col("at") >= since) & (pl.col("at") < window.end))
    return inside if inside.height else None


def _level(check: Check, observation: Observation) -> float | None:
    """Return the bound of a single value; of a ratio or difference, moved by the other side's median."""
    if check.combine == "value" or check.against is None:
        return check.bound
    other = check.against
    telemetry: Telemetry | None = (
        observation.reference if other.origin == "reference" else observation.current
    )
    found = points(telemetry, other) if telemetry else None
    if found is not None and other.window is not None:
        found = found.filter((pl.col("at") >= other.window.start) & (pl.col("at") < other.window.end))
    middle = found["value"].median() if found is not None else None
    if not isinstance(middle, (int, float)):
        return None
    return check.bound * middle if check.combine == "ratio" else check.bound + middle
