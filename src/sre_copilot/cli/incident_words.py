"""How an incident stands, in the words of the terminal."""

from __future__ import annotations

from typing import Any

from sre_copilot.cli.alerting_tables import seconds_of, sentences
from sre_copilot.cli.times import length_of
from sre_copilot.cli.words import counted


def state_of(incident: dict[str, Any]) -> str:
    """How it stands, and what keeps it from people."""
    muted, firing = incident.get("muted_count", 0), incident.get("firing_count", 0)
    parts = [incident["status"]]
    if incident.get("muted"):
        parts.append("muted")
    elif muted:
        parts.append(f"{muted} of {firing} muted")
    if incident["snoozed_until"]:
        parts.append(f"snoozed until {seconds_of(incident['snoozed_until'])}")
    return ", ".join(parts)


def whole(because: dict[str, Any]) -> str:
    """A decision with what weighed in it."""
    return sentences([because["sentence"], *(part["sentence"] for part in because["parts"])])


def last_told(receiver: str, told: dict[str, Any]) -> str:
    """What became of the last message to a receiver."""
    became = {"sent": "delivered", "failed": "NOT delivered", "skipped": "left out"}.get(
        told.get("status", ""), "not delivered yet"
    )
    why = f": {told['problem']}" if told.get("problem") else ""
    return f"{receiver} ({told['state']}, {became}{why})"


def still_fires(incident: dict[str, Any]) -> str:
    """What whoever resolves an incident should know of alerts that go on."""
    some = counted(incident["firing_count"], "alert")
    fire = "still fires" if incident["firing_count"] == 1 else "still fire"
    within = length_of(incident["reopen_within_seconds"])
    return (
        f"WARNING: {some} of it {fire}. While they only go on, nobody is told of them. When one ends and fires anew within {within}, "
        f"{incident['id']} opens again (alerting.lifecycle.reopen_within_seconds); later it is a new incident. "
        f"To keep them quiet on purpose: sre-copilot silence add"
    )
