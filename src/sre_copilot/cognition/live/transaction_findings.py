"""Anomalies of transactions, each with its check."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sre_copilot.cognition.live.telling import anomaly, graded
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Aggregate, Check, Query, Relation
from sre_copilot.domain.signals import Window

SEPARATOR = "\x1f"
WHOLE = "\x1e"  # in the place of a channel: all of them


@dataclass(frozen=True, slots=True)
class Now:
    """One channel in a window: transactions, successes, mean share of successes of its rows, logarithms of latency (ms) and amount a transaction.

    Share, latency (the median) and amount are taken as the check of a finding takes them, so that it holds of what was seen.
    """

    service: str
    channel: str
    count: float
    success: float
    rate: float = math.nan
    latency: float = math.nan
    amount: float = math.nan

    @property
    def name(self) -> str:
        """Its key among the counts."""
        return f"{self.service}{SEPARATOR}{self.channel}"


def _query(one: Now, measure: str, window: Window) -> Query:
    where: tuple[tuple[str, str], ...] = (("service", one.service),)
    if one.channel != WHOLE:
        where = (*where, ("channel", one.channel))
    return Query(source="transactions", measure=measure, where=where, window=window)


def check_of(
    one: Now, measure: str, aggregate: Aggregate, window: Window, *, measured: float, normal: float
) -> Check:
    """That the measured value lies on its own side of the middle of both."""
    relation: Relation = "<=" if measured < normal else ">="
    return Check(
        query=_query(one, measure, window),
        aggregate=aggregate,
        relation=relation,
        bound=(measured + normal) / 2,
    )


def ratio_check_of(one: Now, window: Window, measured: tuple[float, float]) -> Check:
    """The same of a sum by the number of transactions."""
    relation: Relation = "<=" if measured[0] < measured[1] else ">="
    return Check(
        query=_query(one, "amount", window),
        aggregate="sum",
        relation=relation,
        bound=sum(measured) / 2,
        against=_query(one, "count", window),
        combine="ratio",
    )


def told_of(
    kind: str,
    one: Now,
    window: Window,
    *,
    checks: tuple[Check, ...],
    metric: str,
    measured: tuple[float, float],
    share: float,
    nats: float,
    limit: float,
    effect: float,
) -> Anomaly:
    """Make the anomaly of one channel; `measured`: what was seen, and what is normal."""
    channel = "–" if one.channel in (WHOLE, "") else one.channel
    return anomaly(
        kind,
        one.service,
        modality="transactions",
        window=window,
        checks=checks,
        params=(
            ("channel", channel),
            ("observed", measured[0]),
            ("expected", measured[1]),
            ("share", share),
            ("seconds", window.seconds),
        ),
        metric=metric,
        instance="" if one.channel == WHOLE else one.channel,
        current=measured[0],
        expected=measured[1],
        nats=nats,
        needed=limit,
        severity="warning" if kind == "live.transactions_high" else graded(effect, critical=0.5, high=0.1),
        method="transactions",
        fault_type={
            "live.transactions_failing": "degradation/availability",
            "live.transactions_slow": "degradation/latency",
        }.get(kind),
    )
