"""Why an incident is what it is, from all that is kept of it: its alerts, its timeline and every message about it, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sre_copilot.alerts.explanation import Because, explain_incident

Row = Mapping[str, Any]
ORDER = (
    "correlate", "inhibit", "silence", "maintain", "snooze", "route", "worth", "merge", "split", "link", "severity",
    "escalate", "notify", "acknowledge", "decide", "act", "end", "reopen",
)  # fmt: skip
"""Stages as they are told: why it is one, what keeps it from people, whom it goes to, what was decided and done, what became of it."""
HAPPENINGS = {
    "merged": "merge", "merged_into": "merge", "split": "split", "split_from": "split", "linked": "link",
    "severity": "severity", "escalation": "escalate", "page": "escalate", "acknowledged": "acknowledge",
    "unacknowledged": "acknowledge", "snoozed": "snooze", "snooze_over": "snooze", "recovered": "end",
    "resolved": "end", "came_back": "reopen", "reopened": "reopen", "plan": "decide", "remediation": "act",
    "killswitch": "act",
}  # fmt: skip
"""Kinds of the timeline that are decisions, each with its stage; others tell what was found or said."""
MUTES = (("inhibit", "inhibited_by"), ("silence", "silenced_by"), ("maintain", "maintained_by"))
MOST_NAMED = 5  # of what mutes alerts, as the sentence of one alert names them


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of an incident beside its record: documents of its alerts, rows of its timeline and of the delivery log, each in order."""

    alerts: Sequence[Row] = ()
    happenings: Sequence[Row] = ()
    messages: Sequence[Row] = ()


def explain_whole(incident: Row, kept: Kept) -> tuple[Because, ...]:
    """Every decision about an incident, by stage and then by time."""
    ways = _ways(kept.alerts)
    found = [*_together(incident, kept.alerts), *_muted(kept.alerts), *_routed(ways, len(kept.alerts))]
    found += [_happening(each) for each in kept.happenings if each["kind"] in HAPPENINGS]
    found += [_message(each, ways) for each in kept.messages]
    logged = {each["receiver"] for each in kept.messages}
    for each in explain_incident(incident):
        if each.stage != "notify" or each.params["receiver"] not in logged:
            found.append(each)
    return tuple(sorted(found, key=lambda each: (ORDER.index(each.stage), each.at or 0.0)))


def _together(incident: Row, alerts: Sequence[Row]) -> Iterable[Because]:
    """Which alerts opened it, joined it, or came back in it; why each did stands beside the alert."""
    noted = [each["decisions"]["correlate"] for each in alerts if "correlate" in each["decisions"]]
    outcomes = Counter(each["outcome"] for each in noted)
    if noted:
        yield Because(
            stage="correlate",
            outcome="together",
            at=incident["opened_at"],
            key="incident.explained.together",
            params={
                "alerts": len(alerts),
                "opened": outcomes["opened"],
                "joined": outcomes["joined"],
                "came_back": outcomes["came_back"],
            },
        )


def _muted(alerts: Sequence[Row]) -> Iterable[Because]:
    firing = [each for each in alerts if each["status"] == "firing"]
    for stage, field in MUTES:
        mine = [each for each in firing if each[field]]
        if not mine:
            yield Because(stage=stage, outcome="free", at=None, key=f"incident.explained.{stage}.free")
            continue
        by = list(dict.fromkeys(key for each in mine for key in each[field]))
        since = [each["decisions"][stage]["at"] for each in mine if stage in each["decisions"]]
        yield Because(
            stage=stage,
            outcome="muted",
            at=min(since, default=None),
            key=f"incident.explained.{stage}.muted",
            params={
                "muted": len(mine),
                "firing": len(firing),
                "by": ", ".join(by[:MOST_NAMED]) + (" …" if len(by) > MOST_NAMED else ""),
                "ids": by,
            },
        )


def _ways(alerts: Sequence[Row]) -> Mapping[tuple[str, str], tuple[int, float]]:
    """By receiver and route: how many alerts take it, and when the first did."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for alert in alerts:
        noted = alert["decisions"].get("route", {})
        for way in noted.get("params", {}).get("ways", ()):
            count, first = found.get((way["receiver"], way["route"]), (0, noted["at"]))
            found[way["receiver"], way["route"]] = (count + 1, min(first, noted["at"]))
    return found


def _routed(ways: Mapping[tuple[str, str], tuple[int, float]], alerts: int) -> Iterable[Because]:
    for (receiver, route), (count, first) in sorted(ways.items()):
        params = {"receiver": receiver, "route": route, "count": count, "alerts": alerts}
        key = "incident.explained.routed"
        yield Because(stage="route", outcome="routed", at=first, key=key, params=params)


def _happening(each: Row) -> Because:
    return Because(
        stage=HAPPENINGS[each["kind"]],
        outcome=each["kind"],
        at=each["at"],
        key=each["key"],
        params=each["params"],
        who=each["who"],
    )


def _message(each: Row, ways: Mapping[tuple[str, str], tuple[int, float]]) -> Because:
    """One message, what became of it, and the routes by which its receiver hears of the alerts."""
    receiver, routes = each["receiver"], [route for way, route in ways if way == each["receiver"]]
    params = {
        "receiver": receiver,
        "state": each["state"],
        "number": each["sequence"],
        "problem": each["last_error"] or "",
    }
    said = Because(
        stage="notify",
        outcome=each["status"],
        at=each["created_at"],
        key=f"incident.told.{each['status']}",
        params={**params, "routes": routes},
    )
    by = [
        {"key": "incident.explained.by_route", "params": {"route": route}, "weight": ways[receiver, route][0]}
        for route in sorted(routes)
    ]
    return replace(said, parts=by)
