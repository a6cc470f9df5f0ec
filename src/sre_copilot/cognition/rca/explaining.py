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
    "metric.level_latency",
    "metric.reporter_gap",
)
BROKEN = (
    "trace.missing_call",
    "trace.stops_early",
    "trace.stops_after",
    "trace.errors",
    "metric.availability",
    "metric.level_errors",
)
PROCESSOR = ("metric.saturation_cpu", "metric.level_throttling")
SEEN_IN_SPANS = ("metric.level_latency", "metric.idle")
SURE = 2.0  # nats that a cause needs to explain others: seven to one
REMAINS = 0.2  # of evidence that another cause explains: it may still have a cause of its own
WEAKER = 0.3  # metrics of requests say worse what spans of the same requests say


def explained(findings: Sequence[Finding], graph: Topology, *, spans: bool) -> dict[str, float]:
    """The weight of each finding, by id, that is left when other findings explain it."""
    processors = {each.entity for each in findings if each.kind in PROCESSOR and each.weight >= SURE}
    failing = _failing(findings)
    slow = _slow(findings)
    left = {}
    for finding in findings:
        factor = WEAKER if spans and finding.kind in SEEN_IN_SPANS else 1.0
        if finding.kind in SLOW:
            factor *= _slow_factor(finding, processors, slow, graph)
        if finding.kind in BROKEN or finding.kind.startswith("log.new_error"):
            factor *= _broken_factor(finding, failing)
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
    """Services that fail their callers, with those callers."""
    found: dict[str, set[str]] = {}
    for finding in findings:
        fails = finding.kind in ("trace.stops_after", "trace.unanswered")
        if fails and finding.weight >= SURE:
            found.setdefault(finding.entity, set()).update(finding.related)
    return {entity: frozenset(callers) for entity, callers in found.items()}


def _slow(findings: Iterable[Finding]) -> dict[str, float]:
    """Services with slow calls into them, with the strongest evidence."""
    found: dict[str, float] = {}
    for finding in findings:
        if finding.kind == "trace.edge_gap":
            found[finding.entity] = max(finding.weight, found.get(finding.entity, 0.0))
    return found
