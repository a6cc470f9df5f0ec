"""Calls that an operation no longer makes, and callers that stop after a call: a fault in code has this shape."""

from __future__ import annotations

import re

import polars as pl

from sre_copilot.cognition.traces.calls_per_run import calls_per_run
from sre_copilot.cognition.traces.sides import Sides
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.cognition.traces.structure import GONE, REGULAR, Structure
from sre_copilot.domain.evidence import Check, Finding

CEILING = 4.0  # nats: a request that failed for another reason is cut short as well
INWARD = 0.35  # a caller that stops after its own step rather fails itself than what that step called
RISE = 0.3  # of the runs more than before must end after the call
USUAL = 0.6  # of the runs made the call that used to follow: what most runs do not do depends on the request
LEAST = 0.3  # nats; less is not worth a sentence
MISSING = {
    True: "code/exception",
    False: "code/missing-step",
}  # whether an error passed through the operation
ERROR = re.compile(r"error|exception|fallback", re.IGNORECASE)


def raised(found: Structure) -> frozenset[int]:
    """Operations that an error passed through: one that lost a step, and whose caller in turn stops after it.

    An operation that merely returns early lets its caller go on.
    """
    regular, gone = pl.col("rate_before") >= REGULAR, pl.col("rate") <= GONE * pl.col("rate_before")
    broken = set(found.calls.filter(regular & gone)["parent"].to_list())
    stops = found.ends.filter(
        (pl.col("share") - pl.col("share_before") >= RISE) & pl.col("child").is_in(broken)
    )
    pairs = stops.select("parent", "child").iter_rows()
    return frozenset(operation for pair in pairs for operation in pair)


def missing_calls(spans: Spans, sides: Sides, found: Structure) -> tuple[Finding, ...]:
    """Find steps that an operation always took and no longer takes, unless it takes another one instead."""
    errors = raised(found)
    inner = pl.col("rate") <= GONE * pl.col("rate_before")
    table = found.calls.filter((pl.col("rate_before") >= REGULAR) & inner)
    findings = []
    for row in table.iter_rows(named=True):
        if _handles_errors(spans.operations[row["child"]][1]):
            continue
        complete = (1 - row["rate"] / row["rate_before"]) ** 2 * (1 - row["replaced"]) * row["known"]
        weight = min(CEILING, row["weight"]) * complete
        crosses = spans.operations[row["parent"]][0] != spans.operations[row["child"]][0]
        if weight >= LEAST and not crosses:
            findings.append(_missing(row, spans, sides, weight, MISSING[row["parent"] in errors]))
    return tuple(findings)


def unanswered_calls(spans: Spans, sides: Sides, found: Structure) -> tuple[Finding, ...]:
    """Find calls that are still made, but that the service they go to no longer answers."""
    gone = pl.col("rate") <= GONE * pl.col("rate_before")
    findings = []
    for row in found.answers.filter((pl.col("rate_before") >= REGULAR) & gone).iter_rows(named=True):
        weight = min(CEILING, row["weight"]) * (1 - row["rate"] / row["rate_before"]) ** 2 * row["known"]
        if weight >= LEAST:
            findings.append(_unanswered(row, spans, sides, weight))
    return tuple(findings)


def stopping_calls(spans: Spans, sides: Sides, found: Structure) -> tuple[Finding, ...]:
    """Find calls after which their callers now stop: what a caller does when the call fails."""
    rising = found.ends.filter(
        (pl.col("share") - pl.col("share_before") >= RISE) & (pl.col("weight") >= LEAST)
    )
    errors = raised(found)
    findings: list[Finding] = []
    for row in rising.iter_rows(named=True):
        siblings = found.calls.filter((pl.col("parent") == row["parent"]) & (pl.col("child") != row["child"]))
        siblings = siblings.filter(
            (pl.col("rate_before") >= USUAL) & (pl.col("rate") <= GONE * pl.col("rate_before"))
        )
        drop = pl.col("rate_before") - pl.col("rate")
        ordered = siblings.sort(drop, "child", descending=[True, False]).iter_rows(named=True)
        steps = (step for step in ordered if not _handles_errors(spans.operations[step["child"]][1]))
        if (follower := next(steps, None)) is None:
            continue
        weight = min(CEILING, row["weight"]) * (row["share"] - row["share_before"]) ** 2 * row["known"]
        findings += _stopping(
            row | {"weight": weight, "raised": row["parent"] in errors}, follower, spans, sides
        )
    return tuple(findings)


def _handles_errors(operation: str) -> bool:
    """Whether an operation answers errors: that it is no longer needed is no fault."""
    return ERROR.search(operation) is not None


def _missing(row: dict[str, float], spans: Spans, sides: Sides, weight: float, fault_type: str) -> Finding:
    caller, operation = spans.operations[int(row["parent"])]
    _, call = spans.operations[int(row["child"])]
    return Finding(
        kind="trace.missing_call",
        entity=caller,
        related=_other(spans.services[int(row["callee"])], caller),
        modality="traces",
        weight=weight,
        params=_of(caller, operation, call, row),
        checks=_rate_checks(row, spans, sides),
        fault_type=fault_type,
        window=sides.after,
    )


def _unanswered(row: dict[str, float], spans: Spans, sides: Sides, weight: float) -> Finding:
    caller, operation = spans.operations[int(row["parent"])]
    callee = spans.services[int(row["callee"])]
    pairs = (("caller", caller), ("callee", callee), ("caller_operation", operation))
    runs = (("service", caller), ("operation", operation))
    bound = (row["rate"] + row["rate_before"]) / 2
    return Finding(
        kind="trace.unanswered",
        entity=callee,
        related=(caller,),
        modality="traces",
        weight=weight,
        params=_of(caller, operation, callee, row),
        checks=calls_per_run(pairs, runs, sides, source=int(row["source"]), bound=bound),
        fault_type="dependency/unavailable",
        window=sides.after,
    )


def _stopping(row: dict[str, float], follower: dict[str, float], spans: Spans, sides: Sides) -> list[Finding]:
    caller, operation = spans.operations[int(row["parent"])]
    _, call = spans.operations[int(row["child"])]
    callee, below = spans.services[int(row["callee"])], spans.services[int(row["below"])]
    params = (
        ("caller", caller),
        ("operation", operation),
        ("call", call),
        ("share", row["share"]),
        ("normal", row["share_before"]),
        ("next", spans.operations[int(follower["child"])][1]),
    )
    checks = _rate_checks(follower, spans, sides)
    blamed = {callee: row["weight"]}
    if callee == caller and below != caller:
        blamed[below] = INWARD * row["weight"]
    return [
        Finding(
            kind="trace.stops_after" if entity != caller else "trace.stops_early",
            entity=entity,
            related=_other(caller, entity),
            modality="traces",
            weight=part,
            params=params,
            checks=checks,
            fault_type="code/exception" if entity != caller else MISSING[bool(row["raised"])],
            window=sides.after,
        )
        for entity, part in blamed.items()
        if part >= LEAST
    ]


def _other(entity: str, than: str) -> tuple[str, ...]:
    return () if entity == than else (entity,)


def _of(
    caller: str, operation: str, call: str, row: dict[str, float]
) -> tuple[tuple[str, str | float | int], ...]:
    return (
        ("caller", caller),
        ("operation", operation),
        ("call", call),
        ("share", row["rate"]),
        ("normal", row["rate_before"]),
        ("runs", int(row["runs"])),
    )


def _rate_checks(row: dict[str, float], spans: Spans, sides: Sides) -> tuple[Check, ...]:
    """Calls a run: at most the bound in the incident and at least the bound before, the bound halfway between."""
    caller, operation = spans.operations[int(row["parent"])]
    callee, call = spans.operations[int(row["child"])]
    pairs = (
        ("caller", caller),
        ("callee", callee),
        ("caller_operation", operation),
        ("callee_operation", call),
    )
    bound = (row["pairs"] + row["pairs_before"]) / 2
    runs = (("service", caller), ("operation", operation))
    return calls_per_run(pairs, runs, sides, source=int(row["source"]), bound=bound)
