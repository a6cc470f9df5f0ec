"""Why an alert or an incident is where it is: the decisions that were noted when they were made, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STAGES = ("identify", "deduplicate", "flap", "enrich", "inhibit", "silence", "maintain", "route", "correlate")
"""In the pipeline's order; `identify` is told of every alert."""
WORTH = frozenset({"correlation.wakes", "correlation.quiet"})
"""Reasons of an incident that say what it is worth, and not why an alert is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One decision: at which stage, what came of it, since when, and its sentence as key and parameters."""

    stage: str
    outcome: str
    at: float | None
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Mapping[str, Any]] = ()
    """What weighed how much, where a decision adds things up."""
    who: str = ""
    """The person who decided it; empty: the pipeline."""


def explain_alert(
    alert: Mapping[str, Any],
    incident: Mapping[str, Any] | None,
    delivered: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Because, ...]:
    """Every decision about an alert (its document), and what people were told of its incident."""
    decisions = alert["decisions"]
    identity = {
        "fingerprint": alert["fingerprint"],
        "key": alert["correlation_key"],
        "times": alert["received"],
    }
    found = [
        Because(
            stage="identify",
            outcome="known",
            at=alert["first_received_at"],
            key="alert.identify.known",
            params=identity,
        )
    ]
    found += [Because(stage=each, **decisions[each]) for each in STAGES[1:] if each in decisions]
    for stage, sentence in (("inhibit", "alert.inhibit.free"), ("silence", "alert.silence.free")):
        if stage not in decisions:
            found.append(Because(stage=stage, outcome="free", at=None, key=sentence))
    found.sort(key=lambda each: STAGES.index(each.stage))
    if incident is not None:
        found += _why_in(incident, alert["fingerprint"])
        found += explain_incident(incident, delivered)
    return tuple(found)


def explain_incident(
    incident: Mapping[str, Any], delivered: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Because, ...]:
    """What woke people or did not, whom it was told to, and how far the escalation is.

    `delivered` says by receiver what became of the last message (`status`, `problem`), where that is known.
    """
    found = [_worth(incident)]
    for receiver, told in sorted(incident["told"].items()):
        found.append(_told(receiver, told, (delivered or {}).get(receiver, {})))
    escalation = incident["escalation"]
    if escalation:
        params = {
            "policy": escalation["policy"],
            "status": escalation["status"],
            "calls": len(escalation["paged"]),
        }
        found.append(
            Because(
                stage="escalate",
                outcome=escalation["status"],
                at=escalation["began_at"],
                key="incident.escalation_state",
                params=params,
            )
        )
    return tuple(found)


def _told(receiver: str, told: Mapping[str, Any], became: Mapping[str, Any]) -> Because:
    status = became.get("status", "")
    return Because(
        stage="notify",
        outcome=status or told["state"],
        at=told["at"],
        key=f"incident.told.{status}" if status else "incident.told",
        params={
            "receiver": receiver,
            "state": told["state"],
            "number": told["sequence"],
            "problem": became.get("problem", ""),
        },
    )


def reasons_of_alerts(incident: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Why each alert was put into an incident."""
    return [each for each in incident["reasons"] if each["key"] not in WORTH]


def _worth(incident: Mapping[str, Any]) -> Because:
    """Whether it is worth telling people: the latest reason that was noted, or that none was noted yet."""
    outcome = "woke" if incident["woken"] else "asleep"
    wanted = "correlation.wakes" if incident["woken"] else "correlation.quiet"
    noted = [each for each in incident["reasons"] if each["key"] == wanted]
    if noted:
        last = noted[-1]
        return Because(stage="worth", outcome=outcome, at=last["at"], key=last["key"], params=last["params"])
    key, params = f"incident.worth.{outcome}", {"id": incident["id"]}
    return Because(stage="worth", outcome=outcome, at=incident["opened_at"], key=key, params=params)


def _why_in(incident: Mapping[str, Any], fingerprint: str) -> list[Because]:
    reasons = [each for each in reasons_of_alerts(incident) if each["fingerprint"] == fingerprint]
    return [
        Because(
            stage="correlate",
            outcome="because",
            at=each["at"],
            key=each["key"],
            params=each["params"],
            parts=each["parts"],
        )
        for each in reasons
    ]
