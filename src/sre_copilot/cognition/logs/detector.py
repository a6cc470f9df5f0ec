"""What logs say: statements that stop, errors that are new, judged inside the requests that they belong to."""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.calls import call_graph
from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.logs.errors import rising_errors
from sre_copilot.cognition.logs.evidence import Counts
from sre_copilot.cognition.logs.findings import Scene, of_appearance, of_break, of_rise, of_stop
from sre_copilot.cognition.logs.lines import Lines, combine
from sre_copilot.cognition.logs.links import broken_links, requests_of
from sre_copilot.cognition.logs.order import effects
from sre_copilot.cognition.logs.volumes import appearing_errors, silent_services, stopped_statements
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Window

ONSET_DOUBT = 120.0
"""Seconds by which the true onset may lie before or after the one that is given: alerts come a scrape and an evaluation
interval late, and people round to minutes."""

MIN_PAST = 60.0
"""Seconds of its own past from which an incident can do without a reference: below, rare statements have no share."""

FAULT_SECONDS = 300.0
"""Seconds after another incident's onset that are not normal time: a usual duration of a short fault."""

MAX_FINDINGS = 16
"""Findings that are handed on, strongest first: a reader and a localiser use the first few."""


def detect(observation: Observation) -> Detection:
    """Compare the incident's logs with fault-free ones.

    Parameters
    ----------
    observation : incident, its log table and the reference's

    Returns
    -------
    findings (strongest first) and gaps; without usable logs or normal time to compare with, gaps alone
    """
    logs = observation.current.logs
    if logs is None or logs.is_empty():
        return Detection(gaps=(_gap("gap.logs_absent"),))
    if "ts_ns" not in logs.columns or logs["ts_ns"].null_count() == logs.height:
        return Detection(gaps=(_gap("gap.logs_times_absent"),))
    reference = _with_times(observation.reference.logs if observation.reference else None)
    past = _own_past(observation.incident, logs)
    if reference is None and past is None:
        return Detection(gaps=(_gap("gap.logs_reference_absent"),))
    lines = combine(logs, reference, past)
    counts = Counts(logs, reference, lines)
    scene = Scene(lines, counts, observation.current.traces, call_graph(observation))
    findings = _findings(scene, _change_window(observation.incident))
    return Detection(findings=findings)


def _gap(key: str) -> Gap:
    return Gap(modality="logs", message=Message(key=key))


def _with_times(logs: pl.DataFrame | None) -> pl.DataFrame | None:
    if logs is None or "ts_ns" not in logs.columns or logs["ts_ns"].null_count() == logs.height:
        return None
    return logs


def _change_window(incident: Incident) -> Window | None:
    if incident.onset is None:
        return None
    return Window(incident.onset - ONSET_DOUBT, incident.onset + ONSET_DOUBT)


def _own_past(incident: Incident, logs: pl.DataFrame) -> Window | None:
    """The stretch before any possible onset that no other incident touches."""
    if incident.onset is None:
        return None
    start = float(logs["ts_ns"].min() or 0) / 1e9  # type: ignore[arg-type]
    end = incident.onset - ONSET_DOUBT
    for other in sorted(incident.other_fault_times):
        if other < end:
            start = max(start, other + FAULT_SECONDS)
    return Window(start, end) if end - start >= MIN_PAST else None


def _findings(scene: Scene, onset: Window | None) -> tuple[Finding, ...]:
    lines: Lines = scene.lines
    requests = requests_of(lines)
    breaks = broken_links(lines, requests, onset)
    rises = rising_errors(lines, requests, onset)
    later = effects(breaks, rises, lines, scene.topology)
    stops = [of_break(each, scene, effect=(each.a, each.b) in later) for each in breaks]
    vanished = {finding.entity for finding in stops if finding and finding.weight >= 2.0}
    found = [
        *stops,
        *(of_rise(each, scene, vanished) for each in rises),
        *(of_stop(each, scene) for each in stopped_statements(lines, onset)),
        *(of_stop(each, scene) for each in silent_services(lines, onset)),
        *(of_appearance(each, scene) for each in appearing_errors(lines, onset)),
    ]
    kept = [finding for finding in found if finding and finding.weight > 0]
    return tuple(
        sorted(kept, key=lambda finding: (-finding.weight, finding.entity, finding.id))[:MAX_FINDINGS]
    )
