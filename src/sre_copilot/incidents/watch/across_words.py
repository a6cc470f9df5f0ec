"""What is said of a service whose metrics together are unlike its past, and the check that anyone can run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log

from sre_copilot.cognition.ensemble.findings import SUREST
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.signals import Window

ACROSS = "across_metrics"
"""Stands for the metric of an anomaly that is of all metrics of a service."""
RANGE = 1.0  # robust standard deviations of a value; the mean of five values is seldom so far off, and each metric may be within its own range


@dataclass(frozen=True, slots=True)
class Moved:
    """A metric of a service, mean over its instances and the last steps: what was seen, what was expected, and a robust standard deviation."""

    metric: str
    value: float
    expected: float
    scale: float
    window: Window

    @property
    def bound(self) -> float:
        """What the value lies beyond, when it does."""
        return self.expected + (RANGE if self.value > self.expected else -RANGE) * self.scale

    @property
    def beyond(self) -> bool:
        """Whether it does."""
        return abs(self.value - self.expected) > RANGE * self.scale

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4g} ({self.expected:.4g})"


def joint_anomaly(
    service: str,
    moved: Sequence[Moved],
    checked: Moved,
    *,
    missing: Sequence[str],
    count: int,
    score: float,
    since: float,
    method: str,
) -> Anomaly:
    """The anomaly of a service, told by the metrics that have most part in it; `checked` is the one that its check is of."""
    moment = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    at = checked.window.end
    finding = Finding(
        kind="live.across_partly" if missing else "live.across",
        entity=service,
        modality="metrics",
        weight=log(min(score, SUREST) / (1 - min(score, SUREST))),
        checks=(_check(service, checked),),
        params=(
            ("count", count), ("parts", ", ".join(map(str, moved))), ("metric", checked.metric),
            ("missing", ", ".join(missing)), ("since", moment), ("percent", 100 * score),
        ),
        window=Window(min(since, checked.window.start), at),
    )  # fmt: skip
    return Anomaly(
        finding=finding, metric=ACROSS, since=since, at=at, current=None, expected=None, score=score,
        severity="warning", method=method,
    )  # fmt: skip


def _check(service: str, checked: Moved) -> Check:
    """The mean of the metric is beyond what was expected by more than its usual spread."""
    where = (("service", service), ("metric", checked.metric))
    query = Query(source="metrics", measure="value", where=where, window=checked.window)
    relation = ">" if checked.value > checked.expected else "<"
    return Check(query=query, aggregate="mean", relation=relation, bound=checked.bound)  # type: ignore[arg-type]
