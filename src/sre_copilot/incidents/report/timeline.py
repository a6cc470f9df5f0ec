"""What happened when: onset, alert, changes, and the first findings."""

from __future__ import annotations

from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.domain.incident import Diagnosis, Observation
from sre_copilot.domain.signals import Alert, Change
from sre_copilot.incidents.report.dating import began
from sre_copilot.incidents.report.model import Moment
from sre_copilot.incidents.report.sentences import Observed, groups, told
from sre_copilot.incidents.report.words import has

FINDINGS = 8  # the strongest; the evidence table has the others
CHANGES = 8
ALERTS = 4
BEFORE_S = 3600.0  # a change an hour before the window may still be the cause


def moments(
    diagnosis: Diagnosis, observation: Observation, observed: Observed
) -> tuple[tuple[Moment, ...], int]:
    """Return the timeline in order of time, and how many entries were left out."""
    findings = groups(_strongest(diagnosis), observed)
    alerts = [alert for alert in observation.current.alerts or () if alert.window]
    changes = [change for change in observation.current.changes or () if _relevant(change, observation)]
    entries = [
        *_complaint(diagnosis),
        *(_alert(alert) for alert in sorted(alerts, key=_alert_key)[:ALERTS]),
        *(_change(change) for change in sorted(changes, key=lambda c: (-c.ts, c.service))[:CHANGES]),
        *(_finding(alike, observation, observed) for alike in findings[:FINDINGS]),
    ]
    left_out = sum(
        max(0, n - limit)
        for n, limit in ((len(findings), FINDINGS), (len(alerts), ALERTS), (len(changes), CHANGES))
    )
    order = {"change": 0, "onset": 1, "finding": 2, "alert": 3}
    return tuple(sorted(entries, key=lambda m: (m.at, order[m.kind], m.finding_id or ""))), left_out


def _strongest(diagnosis: Diagnosis) -> list[Finding]:
    """Findings that have a time, strongest first; those about changes repeat the change log, which is told as it is."""
    struck = {refutation.finding.id for refutation in diagnosis.refuted}
    shown = (each for each in diagnosis.findings if each.window is not None and each.modality != "changes")
    timed = {each.id: each for each in shown if each.id not in struck}
    return sorted(timed.values(), key=lambda finding: (-finding.weight, finding.id))


def _complaint(diagnosis: Diagnosis) -> list[Moment]:
    incident = diagnosis.incident
    found = []
    if incident.onset is not None:
        found.append(Moment(at=incident.onset, kind="onset", message=Message(key="moment.onset")))
    complaint = incident.complaint
    if complaint.at is not None:
        params = (("entity", complaint.entity), ("metric", complaint.metric))
        key = "moment.alert" if complaint.entity else "moment.complaint"
        if complaint.entity and complaint.metric:
            key = "moment.alert.metric"
        if complaint.entity and has(f"metric_name.{complaint.metric}"):
            key, params = "moment.alert.signal", (("entity", complaint.entity), ("signal", complaint.metric))
        found.append(Moment(at=complaint.at, kind="alert", message=Message(key=key, params=params)))
    return found


def _alert_key(alert: Alert) -> tuple[float, str]:
    return (alert.window.start if alert.window else 0.0), alert.name


def _alert(alert: Alert) -> Moment:
    key = "moment.alert.named" if alert.entity not in ("", alert.name) else "moment.alert.unplaced"
    return Moment(
        at=_alert_key(alert)[0],
        kind="alert",
        message=Message(key=key, params=(("name", alert.name), ("entity", alert.entity))),
    )


def _relevant(change: Change, observation: Observation) -> bool:
    window = observation.incident.window
    return window is None or window.start - BEFORE_S <= change.ts <= window.end


def _change(change: Change) -> Moment:
    params = (("entity", change.service), ("kind", change.kind), ("text", change.text))
    return Moment(at=change.ts, kind="change", message=Message(key="moment.change", params=params))


def _finding(alike: list[Finding], observation: Observation, observed: Observed) -> Moment:
    first = alike[0]
    return Moment(
        at=began(first, observation),
        kind="finding",
        message=told(first, observed),
        finding_id=first.id,
        also=tuple(finding.id for finding in alike[1:]),
    )
