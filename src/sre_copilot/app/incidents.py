"""From an alert, or from a service and a while, to the incident that the team looks into."""

from __future__ import annotations

import difflib

from sre_copilot.agents.scene import Scene
from sre_copilot.clock import rfc3339
from sre_copilot.domain.incident import Complaint, Incident
from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError
from sre_copilot.perception.alert_files import HandedAlert

BEFORE_S = 900.0  # looked at before the onset: enough samples to know what was normal
AFTER_S = 3600.0  # and at most after it: what an hour does not show, a day shows no better
NEAR = 8  # names that are offered
LEAST_S = 300.0  # a fault of less than five minutes has too few samples of most sources


def incident_of(alert: HandedAlert, *, now: float) -> Incident:
    """The incident of an alert.

    Raises
    ------
    UsageError : when it begins in the future
    """
    at = now if alert.at is None else alert.at
    if at > now:
        raise UsageError(f"at: {rfc3339(at)} has not come yet; now is {rfc3339(float(int(now)))}.")
    end = min(now, max(alert.until or at + AFTER_S, at + LEAST_S), at + AFTER_S)
    text = f"{alert.title}: {alert.text}" if alert.text and alert.text != alert.title else alert.title
    return Incident(
        id=f"alert-{rfc3339(float(int(at)))}".replace(":", ""),
        complaint=Complaint(text=text, entity=alert.entity, metric=alert.metric, at=at),
        onset=alert.at,
        window=Window(float(int(at - BEFORE_S)), float(int(end))),
    )


def incident_since(service: str, *, seconds: float, now: float) -> Incident:
    """The incident that somebody supposes at a service; when it began is left to the telemetry."""
    start = float(int(now - seconds))
    return Incident(
        id=f"asked-{rfc3339(float(int(now)))}".replace(":", ""),
        complaint=Complaint(text=service, entity=service),
        window=Window(start, float(int(now))),
    )


def check_known(incident: Incident, scene: Scene) -> None:
    """See that a service that somebody named is there; an alert may speak of what no telemetry names.

    Raises
    ------
    UsageError : names the services that resemble it
    """
    named, known = incident.complaint.entity, scene.services()
    if not known or not named or incident.complaint.text != named or named in known:
        return
    near = difflib.get_close_matches(named, known, n=NEAR, cutoff=0.4) or list(known[:NEAR])
    raise UsageError(f"service: there is no service {named!r} here. There are: {', '.join(near)}.")
