"""What metrics show: saturation, level shifts, drops, spikes, ends that disagree; one small file a method."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from sre_copilot.cognition.calls import call_graph
from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.detectors.drop import fallen
from sre_copilot.cognition.detectors.golden_panel import applies
from sre_copilot.cognition.detectors.level_shift import shifted
from sre_copilot.cognition.detectors.metric_kind import of_services
from sre_copilot.cognition.detectors.reporter_gap import disagreeing
from sre_copilot.cognition.detectors.samples import levels
from sre_copilot.cognition.detectors.saturation import saturated
from sre_copilot.cognition.detectors.spike import spiked
from sre_copilot.cognition.detectors.stopped import stopped
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Observation

METHODS: tuple[Callable[[pl.DataFrame], tuple[Finding, ...]], ...] = (saturated, shifted, spiked, disagreeing)
STRONGEST = 40  # findings handed on; what is weaker changes no ranking


def detect(observation: Observation) -> Detection:
    """Judge every series by its own normal level.

    Golden signals alone, over a call graph, are weighed by another detector against the whole graph.
    """
    table = observation.current.metrics
    if table is None or table.is_empty():
        return Detection(gaps=(_gap("gap.metrics_absent"),))
    resources = of_services(table["metric"].unique().to_list())
    gaps = () if resources else (_gap("gap.metrics_resources_absent"),)
    if not resources and applies(observation):
        return Detection(gaps=gaps)
    described = levels(observation)
    if described is None or described.is_empty():
        return Detection(gaps=gaps or (_gap("gap.metrics_unusable"),))
    found = [finding for method in METHODS for finding in method(described)]
    found += fallen(described, call_graph(observation))
    found += stopped(observation)
    return Detection(findings=_strongest(found), gaps=(*gaps, *_gaps(described)))


def _strongest(findings: list[Finding]) -> tuple[Finding, ...]:
    """The strongest finding of each entity and kind, strongest first."""
    best: dict[tuple[str, str], Finding] = {}
    for finding in sorted(findings, key=lambda finding: (-finding.weight, finding.kind, finding.id)):
        best.setdefault((finding.entity, finding.kind), finding)
    return tuple(best.values())[:STRONGEST]


def _gaps(described: pl.DataFrame) -> tuple[Gap, ...]:
    unknown = int(described["normal"].is_null().sum())
    if not unknown:
        return ()
    return (_gap("gap.metrics_few", ("series", unknown), ("total", described.height)),)


def _gap(key: str, *params: tuple[str, str | float | int]) -> Gap:
    return Gap(modality="metrics", message=Message(key=key, params=params))
