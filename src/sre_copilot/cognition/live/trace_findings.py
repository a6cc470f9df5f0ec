"""Anomalies of calls, each with its check."""

from __future__ import annotations

from sre_copilot.cognition.live.telling import Param, anomaly, graded
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Aggregate, Check, Query, Relation
from sre_copilot.domain.signals import Window


def slow(
    edge: tuple[str, str, str],
    on_the_way: bool,
    window: Window,
    measured: tuple[float, bool, float, float],
    *,
    nats: float,
    limit: float,
) -> Anomaly:
    """`measured`: level in ms, whether it is the median (else the 90th percentile), the normal median, the share that is slow."""
    caller, callee, operation = edge
    level, is_median, normal, share = measured
    aggregate: Aggregate = "median" if is_median else "p90"
    if on_the_way:
        where = (("caller", caller), ("callee", callee), ("callee_operation", operation))
        query = Query(source="traces", measure="gap_ms", where=where, window=window)
    else:
        where = (("service", callee), ("operation", operation))  # type: ignore[assignment]
        query = Query(source="traces", measure="duration_ms", where=where, window=window)
    check = Check(query=query, aggregate=aggregate, relation=">=", bound=(level + normal) / 2)
    params: tuple[Param, ...] = (
        ("caller", caller or "–"),
        ("operation", operation),
        ("value", level),
        ("normal", normal),
        ("share", share),
    )
    return anomaly(
        "live.edge_gap" if on_the_way else "live.slow_service",
        callee,
        modality="traces",
        window=window,
        checks=(check,),
        params=params,
        metric="gap_ms" if on_the_way else "own_ms",
        instance=operation,
        current=level,
        expected=normal,
        nats=nats,
        needed=limit,
        severity=graded(share, critical=0.8, high=0.4),
        method="traces",
        fault_type="network/delay" if on_the_way else "code/slow",
        related=(caller,) if caller else (),
    )


def failed(
    service: str,
    operation: str,
    callers: list[str],
    window: Window,
    measured: tuple[float, float, int],
    *,
    nats: float,
    limit: float,
) -> Anomaly:
    share, normal, runs = measured
    where = (("service", service), ("operation", operation))
    query = Query(source="traces", measure="error", where=where, window=window)
    return anomaly(
        "live.errors_begin",
        service,
        modality="traces",
        window=window,
        checks=(Check(query=query, aggregate="mean", relation=">=", bound=(share + normal) / 2),),
        params=(
            ("operation", operation),
            ("share", share),
            ("normal", normal),
            ("runs", runs),
            ("callers", ", ".join(callers) or "–"),
        ),
        metric="error_share",
        instance=operation,
        current=share,
        expected=normal,
        nats=nats,
        needed=limit,
        severity=graded(share, critical=0.5, high=0.2),
        method="traces",
        fault_type="code/exception",
        related=tuple(callers),
    )


def rate(
    kind: str,
    ends: tuple[str, str],
    window: Window,
    measured: tuple[float, float],
    *,
    nats: float,
    limit: float,
) -> Anomaly:
    """Calls between two services; an entry, which nobody calls, is counted by its service's spans."""
    caller, callee = ends
    count, mean = measured
    where = (("caller", caller), ("callee", callee)) if caller else (("service", callee),)
    query = Query(source="traces", measure="calls" if caller else "rows", where=where, window=window)
    relation: Relation = "<=" if count < mean else ">="
    return anomaly(
        kind,
        callee,
        modality="traces",
        window=window,
        checks=(Check(query=query, aggregate="count", relation=relation, bound=(count + mean) / 2),),
        params=(("caller", caller or "–"), ("seen", count), ("expected", mean)),
        metric="calls",
        current=count,
        expected=mean,
        nats=nats,
        needed=limit,
        severity="low" if kind == "live.dependency_new" else "high" if count < mean else "warning",
        method="traces",
        fault_type="dependency/unavailable" if kind == "live.dependency_gone" else None,
        related=(caller,) if caller else (),
    )
