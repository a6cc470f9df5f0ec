"""From a surprise in nats to an anomaly: its score, its severity, its findings."""

from __future__ import annotations

from sre_copilot.domain.anomaly import Anomaly, Severity
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.signals import Modality, Window

TOLD = 0.7  # the score from which an anomaly is worth telling, by definition of `Anomaly.score`
Param = tuple[str, str | float | int]


def score(nats: float, needed: float) -> float:
    """0..1: `TOLD` where the surprise is just what is needed, 1 in the limit; below it falls to 0 with the surprise."""
    if nats <= needed:
        return TOLD * max(nats, 0.0) / needed
    return 1.0 - (1.0 - TOLD) * needed / nats


def graded(effect: float, *, critical: float, high: float) -> Severity:
    """Severity of an effect that is worse the larger it is."""
    return "critical" if effect >= critical else "high" if effect >= high else "warning"


def anomaly(
    kind: str,
    entity: str,
    *,
    modality: Modality,
    window: Window,
    checks: tuple[Check, ...],
    params: tuple[Param, ...],
    metric: str,
    current: float,
    expected: float | None,
    nats: float,
    needed: float,
    severity: Severity,
    method: str,
    since: float | None = None,
    fault_type: str | None = None,
    related: tuple[str, ...] = (),
    instance: str = "",
) -> Anomaly:
    """Make an anomaly; the weight of its finding is the surprise beyond what chance gives, in nats, no more than four."""
    finding = Finding(
        kind=kind,
        entity=entity,
        modality=modality,
        weight=round(min(4.0, max(nats - needed, 0.0) / 4.0 + 0.5), 2),
        checks=checks,
        params=params,
        fault_type=fault_type,
        window=window,
        related=related,
    )
    return Anomaly(
        finding=finding,
        metric=metric,
        instance=instance,
        since=window.start if since is None else since,
        at=window.end,
        current=current,
        expected=expected,
        score=score(nats, needed),
        severity=severity,
        method=method,
    )
