"""Alerts, incidents and reasons as the interface shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from sre_copilot.alerts.explanation import Because
from sre_copilot.api.guard import may_see
from sre_copilot.api.views import Language
from sre_copilot.clock import rfc3339
from sre_copilot.incidents.report.words import has, told

ALERT_TIMES = ("starts_at", "ends_at", "updated_at", "first_received_at", "changed_at", "snoozed_until")
ALERT_FIELDS = (
    "fingerprint", "status", "severity", "labels", "annotations", "source", "provider", "received", "flapping", "context",
    "silenced_by", "inhibited_by", "maintained_by", "incident_id", "acknowledged_by", "assignee", "note", "anomaly_id",
    "generator_url", "links", "revision",
)  # fmt: skip
INCIDENT_TIMES = ("started_at", "opened_at", "updated_at", "resolved_at", "acknowledged_at", "snoozed_until")
INCIDENT_FIELDS = (
    "id", "number", "title", "status", "severity", "priority", "woken", "storm", "services", "names", "assignee", "acknowledged_by",
    "merged_into", "links", "blast_radius", "diagnosis", "room_id", "revision",
)  # fmt: skip


HIDDEN_ANNOTATIONS = "what its source holds may be seen by another role"
Delivered = Mapping[str, Mapping[str, Any]]


def hides(request: Request, row: Mapping[str, Any]) -> bool:
    """Whether an alert is an anomaly of a source that the token may not see."""
    return bool(row["anomaly_id"]) and not may_see(request, source_of(row["labels"], row["annotations"]))


def source_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """The source that an anomaly was seen in: a breach names it in its labels, an anomaly in its annotations, for it is not what it is known by."""
    return labels.get("source", "") or annotations.get("source", "")


def alert_view(row: Mapping[str, Any], *, hidden: bool = False) -> dict[str, Any]:
    """An alert; of a `hidden` one the figures, the texts and the links are left out."""
    if hidden:
        row = {**row, "annotations": {"summary": HIDDEN_ANNOTATIONS}, "generator_url": "", "links": []}
    muted = bool(row["silenced_by"] or row["inhibited_by"] or row["maintained_by"])
    times = {name: rfc3339(row[name]) for name in ALERT_TIMES}
    context = {name: value for name, value in row["context"].items() if name != "text"}
    shown = {name: row[name] for name in ALERT_FIELDS} | {"context": context}
    name = row["labels"].get("alertname", "")
    return {**shown, **times, "name": name, "muted": muted, "hidden": hidden}


def incident_view(
    row: Mapping[str, Any],
    *,
    hidden: bool = False,
    delivered: Delivered | None = None,
    standing: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """An incident; of a `hidden` one what was concluded from the sources is left out.

    `delivered` says what became of the last message to each receiver, `standing` how many of its alerts fire and how many of these are muted.
    """
    if hidden and row["diagnosis"]:
        row = {**row, "diagnosis": {"outcome": row["diagnosis"].get("outcome", ""), "hidden": True}}
    times = {name: rfc3339(row[name]) for name in INCIDENT_TIMES}
    told = {
        receiver: {
            "state": each["state"],
            "messages": each["sequence"],
            "at": rfc3339(each["at"]),
            **(delivered or {}).get(receiver, {}),
        }
        for receiver, each in row["told"].items()
    }
    escalation = row["escalation"]
    shown = {name: escalation[name] for name in ("policy", "status", "round", "step")} if escalation else None
    return {
        **{name: row[name] for name in INCIDENT_FIELDS},
        **times,
        "alert_count": alert_count(row),
        **({} if standing is None else standing_view(standing)),
        "told": told,
        "escalation": shown,
    }


def alert_count(row: Mapping[str, Any]) -> int:
    """How many alerts an incident has; one that ended in an earlier version names all of them."""
    return int(row.get("alert_count", len(row["fingerprints"])))


def standing_view(standing: Mapping[str, int]) -> dict[str, Any]:
    """How many of its alerts fire, and how many of these are muted; `muted` when all are."""
    firing, muted = standing.get("firing", 0), standing.get("muted", 0)
    return {"firing_count": firing, "muted_count": muted, "muted": firing > 0 and firing == muted}


def because_view(each: Because, lang: Language) -> dict[str, Any]:
    """One decision, in words and as data."""
    parts = [
        {"sentence": sentence(part["key"], part["params"], lang), "weight": part["weight"]}
        for part in each.parts
        if (part["key"], part["params"]) != (each.key, each.params)
    ]
    return {
        "stage": each.stage,
        "outcome": each.outcome,
        "at": rfc3339(each.at),
        "sentence": sentence(each.key, each.params, lang),
        "params": dict(each.params),
        "parts": parts,
        "who": each.who,
    }


def happening_view(row: Mapping[str, Any], lang: Language, *, hidden: bool = False) -> dict[str, Any]:
    """An entry of a timeline; with `hidden` a diagnosis says no more than that there is one."""
    if hidden and row["kind"].startswith("diagnosis_"):
        row = {**row, "key": "incident.diagnosis_hidden", "params": {}, "data": {}}
    return {
        "id": row["id"],
        "at": rfc3339(row["at"]),
        "kind": row["kind"],
        "who": row["who"],
        "sentence": sentence(row["key"], row["params"], lang),
        "params": row["params"],
        "data": row["data"],
    }


def sentence(key: str, params: Mapping[str, Any], lang: Language) -> str:
    """A sentence of the catalogue; its key where there is none, which is better than nothing."""
    return told(key, params, lang) if has(key) else key
