"""What people may do with alerts, incidents, silences and maintenance; each command says what it did, or why it was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.alerts.escalation import resume, snooze
from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.muting import Muting
from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.domain.event import EventType

Arguments = Mapping[str, Any]
LONGEST_TEXT = 4000  # characters of a comment
MOST_AT_ONCE = 1000  # alerts or incidents that one command names
LONGEST_SNOOZE_S = 14 * 86_400.0


class Commands:
    """All verbs over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._memory = pipeline.memory
        muting = Muting(pipeline)
        self._verbs: dict[str, Callable[[Arguments, str, float], dict[str, Any]]] = {
            "alert.acknowledge": self._alert_acknowledge,
            "alert.note": self._alert_note,
            "incident.acknowledge": self._acknowledge,
            "incident.unacknowledge": self._unacknowledge,
            "incident.assign": self._assign,
            "incident.comment": self._comment,
            "incident.snooze": self._snooze,
            "incident.resolve": self._resolve,
            "incident.reopen": self._reopen,
            "incident.merge": self._merge,
            "incident.split": self._split,
            "incident.link": self._link,
            "incident.severity": self._severity,
            "incident.title": self._title,
            "incident.diagnosis": self._diagnosis,
            "incident.room": self._room,
            "silence.put": muting.put_silence,
            "silence.expire": muting.expire_silence,
            "maintenance.put": muting.put_window,
            "maintenance.end": muting.end_window,
        }

    @property
    def verbs(self) -> tuple[str, ...]:
        """Every verb."""
        return tuple(self._verbs)

    def do(self, verb: str, arguments: Arguments, *, who: str, now: float) -> dict[str, Any]:
        """Carry one out.

        Raises
        ------
        Refused : says why not; nothing has changed then
        """
        known = self._verbs.get(verb)
        if known is None:
            raise Refused(422, "verb", f"there is none called {verb!r}. There are: {', '.join(self._verbs)}.")
        return known(arguments, who, now)

    # -- alerts -----------------------------------------------------------------------------------------------------

    def _alert(self, arguments: Arguments) -> AlertState:
        key = str(arguments.get("fingerprint", ""))
        found = self._memory.alerts.get(key)
        if found is None:
            raise Refused(404, "fingerprint", f"no alert {key!r} is known. `alert list` shows them.")
        return found

    def _alert_acknowledge(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        alert = self._alert(arguments)
        alert.note = _text(arguments, "note") or alert.note
        self._pipeline.matters.alert_taken_on(alert, who, now)
        return {"fingerprint": alert.fingerprint, "incident_id": alert.incident_id}

    def _alert_note(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        alert = self._alert(arguments)
        alert.note = _text(arguments, "note")
        alert.assignee = str(arguments.get("assignee", alert.assignee))[:200]
        self._memory.alert_changed(alert)
        return {"fingerprint": alert.fingerprint}

    # -- incidents --------------------------------------------------------------------------------------------------

    def _incident(self, arguments: Arguments, *, field: str = "id", open_only: bool = False) -> IncidentState:
        found = self._named(str(arguments.get(field, "")), field)
        revision = arguments.get("revision")
        if revision is not None and field == "id" and int(revision) != found.revision:
            raise Refused(
                412,
                "revision",
                f"it was changed meanwhile: it is {found.revision} now, not {revision}. Read it again.",
            )
        if found.status == "merged":
            raise Refused(409, field, f"{found.id} was merged into {found.merged_into}. Name that one.")
        if open_only and found.status == "resolved":
            raise Refused(409, field, f"{found.id} is resolved. Reopen it first.")
        return found

    def _named(self, key: str, field: str) -> IncidentState:
        found = self._memory.incidents.get(key) or self._memory.incidents.get(f"INC-{key}")
        if found is None:
            raise Refused(
                404, field, f"no incident {key!r} is open or was lately. `incident list` shows them."
            )
        return found

    def _done(self, incident: IncidentState, now: float) -> dict[str, Any]:
        self._memory.incident_changed(incident, now)
        return {"id": incident.id, "status": incident.status, "revision": incident.revision}

    def _acknowledge(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments, open_only=True)
        if incident.status != "acknowledged":
            self._pipeline.matters.take_on(incident, who, now)
        return self._done(incident, now)

    def _unacknowledge(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments, open_only=True)
        if incident.status == "acknowledged":
            incident.status, incident.acknowledged_by, incident.acknowledged_at = "firing", "", None
            if incident.escalation:
                incident.escalation = resume(incident.escalation, now)
                self._pipeline.telling.call(incident, now)
            self._memory.happened(incident, now, "unacknowledged", who=who)
            self._changed(incident, now, "unacknowledged", who=who)
        return self._done(incident, now)

    def _assign(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        incident.assignee = str(arguments.get("assignee", ""))[:200]
        self._memory.happened(incident, now, "assigned", who=who, assignee=incident.assignee)
        return self._done(incident, now)

    def _comment(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        text = _text(arguments, "text", needed=True)
        self._memory.happened(incident, now, "comment", who=who, text=text)
        return self._done(incident, now)

    def _snooze(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments, open_only=True)
        until = arguments.get("until")
        if not isinstance(until, int | float) or not now < until <= now + LONGEST_SNOOZE_S:
            raise Refused(422, "until", "must be a time from now on, at most two weeks ahead.")
        incident.snoozed_until = float(until)
        if incident.escalation:
            incident.escalation = snooze(incident.escalation, now, until=incident.snoozed_until)
        self._memory.at(incident.snoozed_until, "wake", incident.id)
        self._memory.happened(incident, now, "snoozed", who=who, until=incident.snoozed_until)
        return self._done(incident, now)

    def _resolve(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        if incident.status != "resolved":
            self._pipeline.matters.resolve(incident, now, who=who, how="resolved")
            self._pipeline.telling.resolved(incident, now)
        return self._done(incident, now)

    def _reopen(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        if incident.status == "resolved":
            incident.kept_open = True
            self._pipeline.matters.reopen(incident, now, why="reopened", who=who)
        return self._done(incident, now)

    def _merge(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        target = self._incident(arguments)
        others = [self._named(key, "others") for key in _names(arguments, "others")]
        for other in others:
            if other.id == target.id:
                raise Refused(422, "others", f"{other.id} cannot be merged into itself.")
            if other.status == "merged":
                raise Refused(409, "others", f"{other.id} was merged into {other.merged_into} already.")
            if target.status == "resolved" and other.status != "resolved":
                raise Refused(
                    409,
                    "id",
                    f"{target.id} is resolved and {other.id} is not. Reopen it first, or merge the other way round.",
                )
        for other in others:
            moving = self._memory.of_incident(other)
            goes_on = {"key": "incident.goes_on_in", "params": {"other": target.id, "title": target.title}}
            self._pipeline.telling.resolved(other, now, summary=[goes_on])
            self._pipeline.parts.correlator.close(other.id)
            other.fingerprints, other.alert_count = [], len(moving)
            for alert in moving:
                self._pipeline.parts.correlator.move(alert.fingerprint, target.id)
                self._pipeline.matters.put(alert, target, now)
            self._absorb(target, other, who, now)
        self._pipeline.matters.hurry(target, now)
        if any(other.woken for other in others) and not target.woken:
            self._pipeline.matters.wake(target, now)
        return self._done(target, now)

    def _absorb(self, target: IncidentState, other: IncidentState, who: str, now: float) -> None:
        other.status, other.merged_into, other.resolve_at = "merged", target.id, None
        other.resolved_at = now
        if other.escalation and not target.escalation and target.status == "firing":
            target.escalation = other.escalation
            self._pipeline.telling.call(target, now)
        other.escalation = {}
        target.started_at = min(target.started_at, other.started_at)
        self._memory.happened(other, now, "merged_into", who=who, other=target.id)
        self._memory.happened(target, now, "merged", who=who, other=other.id)
        self._changed(other, now, "merged", who=who, kind=EventType.INCIDENT_RESOLVED)
        self._memory.incident_changed(other, now)

    def _split(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        source = self._incident(arguments)
        wanted = set(_names(arguments, "fingerprints"))
        mine = [each for each in self._memory.of_incident(source) if each.fingerprint in wanted]
        strange = wanted - {each.fingerprint for each in mine}
        if strange:
            raise Refused(422, "fingerprints", f"{sorted(strange)[0]!r} is no alert of {source.id}.")
        if len(mine) == len(self._memory.of_incident(source)):
            raise Refused(422, "fingerprints", "are all alerts of it; at least one must stay.")
        fresh = self._pipeline.matters.open(self._memory.new_id(), mine[0], now)
        fresh.woken = source.woken
        for alert in mine:
            self._pipeline.parts.correlator.move(alert.fingerprint, fresh.id)
            self._pipeline.matters.put(alert, fresh, now)
        for each in (source, fresh):
            self._pipeline.matters.recount(each, now)
        self._memory.happened(source, now, "split", who=who, other=fresh.id, alerts=len(mine))
        self._memory.happened(fresh, now, "split_from", who=who, other=source.id, alerts=len(mine))
        if fresh.woken:
            self._changed(fresh, now, "split", who=who, kind=EventType.INCIDENT_OPENED)
            self._pipeline.matters.hurry(fresh, now)
        self._done(source, now)
        return self._done(fresh, now)

    def _link(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        for key in _names(arguments, "others"):
            other = self._named(key, "others")
            for one, another in ((incident, other), (other, incident)):
                if another.id != one.id and another.id not in one.links:
                    one.links.append(another.id)
                    self._memory.happened(one, now, "linked", who=who, other=another.id)
                    self._memory.incident_changed(one, now)
        return self._done(incident, now)

    def _severity(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        wanted = arguments.get("severity")
        if wanted not in SEVERITIES:
            raise Refused(422, "severity", f"must be one of {', '.join(SEVERITIES)}.")
        before, incident.severity = incident.severity, wanted
        self._memory.happened(incident, now, "severity", who=who, before=before, after=wanted)
        self._changed(incident, now, "severity", who=who)
        return self._done(incident, now)

    def _title(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._incident(arguments)
        incident.title, incident.titled = _text(arguments, "title", needed=True)[:300], True
        self._memory.happened(incident, now, "titled", who=who, title=incident.title)
        return self._done(incident, now)

    def _diagnosis(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._named(str(arguments.get("incident_id", "")), "incident_id")
        if incident.merged_into:
            incident = self._named(incident.merged_into, "incident_id")
        known = (
            "outcome", "cause", "fault_type", "confidence", "investigation_id", "evidence", "problem", "headline", "rows",
            "round", "unseen",
        )  # fmt: skip
        incident.diagnosis = {name: arguments[name] for name in known if name in arguments} | {"at": now}
        outcome = str(arguments.get("outcome", "failed"))
        self._memory.happened(
            incident,
            now,
            f"diagnosis_{outcome}",
            who=who,
            cause=str(arguments.get("cause", "")),
            percent=100.0 * float(arguments.get("confidence") or 0.0),
            data=dict(incident.diagnosis),
        )
        if outcome != "failed":
            ident = f"{incident.id}/diagnosis/{arguments.get('investigation_id', now)}"
            told = {"incident_id": incident.id, **incident.diagnosis}
            self._memory.emit(EventType.DIAGNOSIS_READY, incident.id, now, ident, **told)
        if outcome == "fault" and incident.status in {"firing", "acknowledged"}:
            self._pipeline.telling.updated(incident, now)
        return self._done(incident, now)

    def _room(self, arguments: Arguments, who: str, now: float) -> dict[str, Any]:
        incident = self._named(str(arguments.get("incident_id", "")), "incident_id")
        incident.room_id = str(arguments.get("room_id", ""))[:32]
        return self._done(incident, now)

    def _changed(
        self,
        incident: IncidentState,
        now: float,
        change: str,
        *,
        who: str,
        kind: EventType = EventType.INCIDENT_UPDATED,
    ) -> None:
        if incident.woken:
            self._pipeline.matters.emit(incident, kind, now, changed=[change], by=who)


def _text(arguments: Arguments, field: str, *, needed: bool = False) -> str:
    text = str(arguments.get(field) or "").strip()
    if needed and not text:
        raise Refused(422, field, "is missing; write some words.")
    if len(text) > LONGEST_TEXT:
        raise Refused(422, field, f"may have at most {LONGEST_TEXT} characters.")
    return text


def _names(arguments: Arguments, field: str) -> list[str]:
    found = arguments.get(field)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise Refused(422, field, "must be a list of at least one id.")
    if len(found) > MOST_AT_ONCE:
        raise Refused(422, field, f"may name at most {MOST_AT_ONCE}.")
    return list(dict.fromkeys(found))
