"""Looking into an incident: all sources around its onset, by the bare core or by the whole team."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sre_copilot.agents.answer import Event, Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Complaint, Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.incidents.casework.picture import Picture
from sre_copilot.incidents.investigation import Methods
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.inquiry import BEFORE_S, LONGEST_S, Due, Investigate, look_into
from sre_copilot.perception.source import Source
from sre_copilot.store.records import Records

OF_STORE = "incident-"
"""How the id of each incident begins that is looked into as the store has it."""
AFTER_S = 60.0  # looked at beyond the end of an incident that is over: the way back to normal belongs to it
LEAST_CALM_S = (
    60.0  # of time without an alert before the onset: four samples of most sources say what is normal
)
SPEAKERS: dict[Modality, str] = {
    "metrics": "monitor",
    "logs": "log",
    "traces": "trace",
    "transactions": "trade",
    "changes": "change",
    "topology": "cmdb",
}
"""The agent that knows each kind of telemetry; what belongs to none of them the diagnosis tells."""

Look = Callable[[Incident, Listener], Investigated]
"""Looks into an incident and tells on the way what is found."""


def incident_of(picture: Picture, *, now: float, held_seconds: float = 0.0) -> Incident:
    """The incident as it is investigated: its leading alert is the complaint.

    Parameters
    ----------
    picture : what is known of it
    now : until when there is telemetry, epoch s
    held_seconds : how long the rule of its first alert waits before it fires; the fault is so much older
    """
    leading = picture.leading
    onset = max(picture.started_at - held_seconds, now - LONGEST_S)
    end = now if picture.resolved_at is None else min(now, picture.resolved_at + AFTER_S)
    end = max(end, onset)
    text = picture.title
    if leading is not None:
        text = f"{leading.name}: {leading.summary}" if leading.summary else leading.name
    return Incident(
        id=f"{OF_STORE}{rfc3339(float(int(onset)))}".replace(":", ""),
        complaint=Complaint(
            text=text,
            entity=leading.service if leading else "",
            metric=leading.metric if leading else "",
            at=leading.starts_at if leading else None,
        ),
        onset=onset,
        window=Window(float(int(_calm_from(picture, onset))), float(int(end))),
    )


def _calm_from(picture: Picture, onset: float) -> float:
    """From when on it is looked at: what another incident did shortly before is neither normal nor a part of this one."""
    start, calm = onset - BEFORE_S, picture.calm_since
    return start if calm is None or onset - calm < LEAST_CALM_S else max(start, calm)


def due_of(picture: Picture, incident: Incident, *, at: float) -> Due:
    """The incident as a row of `investigations` names it."""
    complaint = incident.complaint
    return Due(at, incident.onset or at, complaint.entity, complaint.text, picture.anomaly_ids)


def by_the_core(
    examine: Callable[[], Sequence[Source]],
    changes: Records,
    methods: Callable[[], Methods],
    investigate: Investigate,
    *,
    lang: Lang = "en",
) -> Look:
    """Look as the watch does: read everything once, investigate, and tell what the conclusion rests on."""

    def look(incident: Incident, listen: Listener) -> Investigated:
        found = look_into(incident, examine, changes, methods, investigate)
        for finding in cited(found):
            agent = SPEAKERS.get(finding.modality, "diagnosis")
            listen(Event(kind="finding", agent=agent, text=say(finding.message, lang)))
        return found

    return look


def cited(found: Investigated) -> tuple[Finding, ...]:
    """What the conclusion rests on."""
    diagnosis = found.diagnosis
    names = set(diagnosis.culprit.finding_ids) if diagnosis.culprit else set()
    return tuple(finding for finding in diagnosis.findings if finding.id in names)
