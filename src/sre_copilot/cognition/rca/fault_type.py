"""Which fault type the findings of one suspect add up to: what is broken outranks how it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sre_copilot.cognition.rca.explaining import PROCESSOR, SLOW, SURE
from sre_copilot.domain.evidence import Finding

RANKS = (
    ("resource", "security", "database", "process"),
    ("code", "network"),
    ("dependency",),
    ("degradation",),
)
"""Families from what is broken to how it shows: a full disk raises errors in code, and errors in code make a dependency unavailable."""
HINT = 0.2  # nats from which a precise type is preferred to one that only says how the fault shows
DOWN = ("metric.down", "metric.silent")
TIMES_OUT = "timeout"
EXCEPTION, MISSING = "code/exception", "code/missing-step"
KILLED, HUNG, UNAVAILABLE = "process/killed", "process/hung", "dependency/unavailable"


def fault_type(own: Sequence[Finding], weights: Mapping[str, float], *, traced: bool) -> str | None:
    """The type with the most evidence in the first family that has enough of it, else the one with most of all.

    Parameters
    ----------
    own : findings about one suspect
    weights : nats of each finding by id
    traced : whether the suspect writes spans; of what writes none no more can be told than that it is unavailable
    """
    totals: dict[str, float] = {}
    processor = any(each.kind in PROCESSOR and weights[each.id] >= SURE for each in own)
    raises = any(_raises(each) and weights[each.id] >= SURE for each in own)
    for finding in own:
        if (kind := _type(finding, own, processor=processor, traced=traced)) is not None:
            kind = EXCEPTION if raises and kind == MISSING else kind
            totals[kind] = totals.get(kind, 0.0) + weights[finding.id]
    if not totals:
        return None
    ranked = [_of(totals, families) for families in RANKS]
    if sum(ranked[0].values()) >= SURE:
        return _most(ranked[0])
    precise = ranked[0] | ranked[1]
    if sum(precise.values()) >= HINT:
        return _most(precise)
    return next(_most(known) for known in (*ranked[2:], precise) if known)


def _raises(finding: Finding) -> bool:
    """Whether errors begin in the suspect's own operations: then the steps behind them are lost, not skipped."""
    return finding.kind == "trace.errors" and not dict(finding.params).get("other")


def _of(totals: Mapping[str, float], families: tuple[str, ...]) -> dict[str, float]:
    return {kind: total for kind, total in totals.items() if kind.partition("/")[0] in families}


def _most(totals: Mapping[str, float]) -> str:
    return min(totals, key=lambda kind: (-totals[kind], kind))


def _type(finding: Finding, own: Sequence[Finding], *, processor: bool, traced: bool) -> str | None:
    """Time lost around an exhausted processor is evidence of that; what is down and lets its callers wait hangs."""
    if processor and finding.kind in SLOW:
        return "resource/cpu"
    if finding.kind not in DOWN:
        return finding.fault_type
    if not traced:
        return UNAVAILABLE
    topics = {dict(each.params).get("topic") for each in own if each.kind == "log.failed_dependency"}
    return HUNG if TIMES_OUT in topics else finding.fault_type
