"""What one finding explains of another: exhausted processors slow their neighbours, failing callees break their callers.

References
----------
Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, section 2.3 (explaining away: a cause that is established lowers the
probability of the other causes of the same effect).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.topology import Topology

SLOW = (
    "trace.edge_gap",
    "trace.edge_gap_out",
    "trace.self_time",
    "trace.critical_path",
    "trace.slow_dependency",
    "metric.level_latency",
    "metric.reporter_gap",
)
BROKEN = (
    "trace.missing_call",
    "trace.no_calls",
    "trace.stops_early",
    "trace.stops_after",
    "trace.errors",
    "trace.failed_calls_out",
    "metric.availability",
    "metric.level_errors",
    "metric.idle_callee",
)
FAILS_CALLERS = ("trace.stops_after", "trace.unanswered", "trace.failed_calls")
OWN_STEP = (
    "trace.missing_call",
    "trace.no_calls",
    "trace.stops_early",
    "log.vanished",
    "log.step_skipped",
    "log.new_error",
)
PROCESSOR = ("metric.saturation_cpu", "metric.level_throttling")
MECHANISM = (
    "metric.down",
    "metric.silent",
    "metric.restart",
    "metric.level_restarts",
    "metric.expired",
    "metric.saturation_disk",
    "metric.saturation_pool",
    "metric.level_locks",
    "metric.level_waiting",
)
"""Findings about what a service runs on: whoever depends on it fails with it."""
SUFFERED = (*FAILS_CALLERS, *OWN_STEP, "metric.level_waiting", "log.call_skipped", "log.failed_dependency")
"""What a service shows as well when something that it depends on fails in one of these ways."""
SEEN_IN_SPANS = ("metric.level_latency", "metric.idle", "metric.idle_callee")
SURE = 2.0  # nats that a cause needs to explain others: seven to one
REMAINS = 0.2  # of evidence that another cause explains: it may still have a cause of its own
WEAKER = 0.3  # metrics of requests say worse what spans of the same requests say


def explained(findings: Sequence[Finding], graph: Topology, *, spans: bool) -> dict[str, float]:
    """The weight of each finding, by id, that is left when other findings explain it."""
    processors = {each.entity for each in findings if each.kind in PROCESSOR and each.weight >= SURE}
    failing = _failing(findings)
    broken_below = _above(findings, graph)
    slow = _slow(findings)
    left = {}
    for finding in findings:
        factor = WEAKER if spans and finding.kind in SEEN_IN_SPANS else 1.0
        if finding.kind in SLOW:
            factor *= _slow_factor(finding, processors, slow, graph)
        if finding.kind in BROKEN or finding.kind.startswith("log.new_error"):
            factor *= _broken_factor(finding, failing)
        if finding.kind in (*BROKEN, *SUFFERED, *SLOW) and finding.entity in broken_below:
            factor = min(factor, REMAINS)
        left[finding.id] = finding.weight * factor
    return left


def _slow_factor(finding: Finding, processors: set[str], slow: Mapping[str, float], graph: Topology) -> float:
    """An exhausted processor at the other end explains a gap, a slow callee the time that its callers wait."""
    around = {*finding.related, *graph.callees(finding.entity), *graph.callers(finding.entity)}
    if finding.entity not in processors and around & processors:
        return REMAINS
    own = slow.get(finding.entity, 0.0)
    waits = finding.kind not in ("trace.edge_gap", "trace.edge_gap_out")
    below = (slow.get(callee, 0.0) for callee in graph.callees(finding.entity))
    return REMAINS if waits and max(below, default=0.0) > max(own, SURE) else 1.0


def _broken_factor(finding: Finding, failing: Mapping[str, frozenset[str]]) -> float:
    """A callee that its callers stop after explains what those callers no longer do."""
    causes = [cause for cause, callers in failing.items() if finding.entity in callers]
    mutual = finding.entity in failing and any(cause in failing[finding.entity] for cause in causes)
    return REMAINS if causes and not mutual else 1.0


def _failing(findings: Iterable[Finding]) -> dict[str, frozenset[str]]:
    """Services that fail their callers, with those callers: surely so, or while they lose a step of their own as well."""
    known = list(findings)
    lost = {each.entity for each in known if each.kind in OWN_STEP and each.weight >= SURE}
    found: dict[str, set[str]] = {}
    for finding in known:
        if finding.kind in FAILS_CALLERS and (finding.weight >= SURE or finding.entity in lost):
            found.setdefault(finding.entity, set()).update(finding.related)
    return {entity: frozenset(callers) for entity, callers in found.items()}


def _above(findings: Iterable[Finding], graph: Topology) -> frozenset[str]:
    """Whoever depends, directly or not, on a service whose own ground has surely given way; the lowest such service stays."""
    ground = {each.entity for each in findings if each.kind in MECHANISM and each.weight >= SURE}
    upstream: set[str] = set()
    for entity in ground:
        upstream |= set(graph.upstream(entity)) - set(graph.downstream(entity))
    return frozenset(upstream)


def _slow(findings: Iterable[Finding]) -> dict[str, float]:
    """Services with slow calls into them, with the strongest evidence."""
    found: dict[str, float] = {}
    for finding in findings:
        if finding.kind == "trace.edge_gap":
            found[finding.entity] = max(finding.weight, found.get(finding.entity, 0.0))
    return found
