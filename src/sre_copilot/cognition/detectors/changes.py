"""What people or pipelines changed shortly before the incident: a hint for whoever has other evidence, never proof."""

from __future__ import annotations

from collections import Counter

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Check, Finding, Gap, Message, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Change, Window

UNSURE_S = 60.0  # a reported onset is off by up to a minute: so long after it a change may still be the cause
BEFORE_S = 900.0  # a rollout takes minutes and caches expire in minutes; what is older has worked for a while
CEILING, LEAST = (
    0.4,
    0.1,
)  # nats: harmless changes happen in every hour, so even one at the onset proves little
AROUND_S = 0.5  # half the window of the check: times of changes are told to a second


def detect(observation: Observation) -> Detection:
    """Name each change of a service from a quarter of an hour before the earliest plausible onset on."""
    recorded = observation.current.changes
    if not recorded:
        return Detection()
    incident = observation.incident
    onset = incident.onset if incident.onset is not None else incident.complaint.at
    if onset is None:
        return Detection(gaps=(Gap(modality="changes", message=Message(key="gap.changes_undated")),))
    near = sorted(
        {_key(change): change for change in recorded if change.service and _near(change, onset)}.items()
    )
    times = Counter(change.service for _, change in near)
    return Detection(findings=tuple(_finding(change, onset, times[change.service]) for _, change in near))


def _key(change: Change) -> tuple[float, str, str, str]:
    return (change.ts, change.service, change.kind, change.text)


def _near(change: Change, onset: float) -> bool:
    return onset - UNSURE_S - BEFORE_S <= change.ts <= onset + UNSURE_S


def _finding(change: Change, onset: float, times: int) -> Finding:
    """One change; several of one service share the weight that one would have."""
    seconds = onset - change.ts
    weight = CEILING - (CEILING - LEAST) * ramp(seconds, UNSURE_S, UNSURE_S + BEFORE_S)
    weight *= 1.0 - ramp(
        -seconds, 0.0, 2 * UNSURE_S
    )  # the later after the told onset, the less likely the cause
    window = Window(change.ts - AROUND_S, change.ts + AROUND_S)
    return Finding(
        kind="change.before_onset",
        entity=change.service,
        modality="changes",
        weight=weight / times,
        checks=(_check(change, window),),
        params=(
            ("kind", change.kind),
            ("text", change.text),
            ("seconds", seconds),
            ("changed_at", change.ts),
            ("onset_at", onset),
        ),
        window=window,
    )


def _check(change: Change, window: Window) -> Check:
    """The change is on record at its time; an empty kind or text is no condition."""
    where = (("service", change.service), ("kind", change.kind), ("contains", change.text))
    query = Query(
        source="changes", measure="rows", where=tuple(pair for pair in where if pair[1]), window=window
    )
    return Check(query=query, aggregate="count", relation=">=", bound=1.0)
