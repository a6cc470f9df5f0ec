"""What spans show: slow edges, slow operations, errors, vanished calls, calls after which callers stop."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.traces.call_rate import repeated_calls
from sre_copilot.cognition.traces.critical_path import slow_paths
from sre_copilot.cognition.traces.errors import failing_operations
from sre_copilot.cognition.traces.gaps import slow_edges
from sre_copilot.cognition.traces.missing import missing_calls, stopping_calls, unanswered_calls
from sre_copilot.cognition.traces.no_calls import ending_at_once
from sre_copilot.cognition.traces.onset import find_onset
from sre_copilot.cognition.traces.self_time import slow_operations
from sre_copilot.cognition.traces.sides import Sides, sides
from sre_copilot.cognition.traces.spans import Spans, read_spans
from sre_copilot.cognition.traces.structure import structure
from sre_copilot.cognition.traces.targets import targets
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Window
from sre_copilot.domain.topology import Topology

BEFORE_S = 900.0  # of the incident's own past are read
AFTER_S = 600.0
PER_KIND = 4  # findings of one kind that are handed on for an entity: more say the same again
FEWEST_SPANS = 100  # below it an operation was hardly seen twice


def detect(observation: Observation) -> Detection:
    """Compare the spans of the incident with those before it and with the reference."""
    current = observation.current.traces
    if current is None or current.is_empty():
        return Detection(gaps=(_gap("gap.traces_absent"),))
    reference = observation.reference.traces if observation.reference else None
    told = observation.incident.onset
    spans = read_spans(current, reference, window=_window(observation.incident))
    if spans is None or bool(spans.reference.all()):
        return Detection(gaps=(_gap("gap.traces_elsewhere"),))
    divided = sides(spans, find_onset(spans, told))
    return Detection(
        findings=strongest(_findings(spans, divided, observation.topology)), gaps=_gaps(spans, divided)
    )


def strongest(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The strongest few of each entity and kind, strongest first."""
    kept: dict[tuple[str, str], int] = {}
    chosen = []
    for finding in sorted(findings, key=lambda finding: (-finding.weight, finding.kind, finding.id)):
        seen = kept.get((finding.entity, finding.kind), 0)
        if seen < PER_KIND:
            kept[finding.entity, finding.kind] = seen + 1
            chosen.append(finding)
    return tuple(chosen)


def _findings(spans: Spans, divided: Sides, topology: Topology) -> tuple[Finding, ...]:
    found = structure(spans, divided)
    reach = targets(spans, topology)
    return (
        *slow_edges(spans, divided),
        *slow_operations(spans, divided, reach),
        *slow_paths(spans, divided),
        *failing_operations(spans, divided, reach),
        *missing_calls(spans, divided, found),
        *unanswered_calls(spans, divided, found),
        *stopping_calls(spans, divided, found),
        *repeated_calls(spans, divided, found),
        *ending_at_once(spans, divided),
    )


def _window(incident: Incident) -> Window | None:
    if incident.onset is None:
        return None
    return Window(incident.onset - BEFORE_S, incident.onset + AFTER_S)


def _gaps(spans: Spans, divided: Sides) -> tuple[Gap, ...]:
    gaps = []
    if not spans.reference.any():
        gaps.append(_gap("gap.traces_reference_absent"))
    after = int(np.sum(divided.side == 2))
    if after < FEWEST_SPANS:
        gaps.append(_gap("gap.traces_few", ("spans", after)))
    if not np.isin(divided.side, (0, 1)).any():
        gaps.append(_gap("gap.traces_no_normal"))
    return tuple(gaps)


def _gap(key: str, *params: tuple[str, str | float | int]) -> Gap:
    return Gap(modality="traces", message=Message(key=key, params=params))
