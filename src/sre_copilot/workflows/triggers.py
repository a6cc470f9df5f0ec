"""What starts workflows: alerts, incidents, time, chat, other systems. Each cause starts a workflow once, in whichever process it is seen first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import UsageError
from sre_copilot.settings.section import Role
from sre_copilot.telemetry import log
from sre_copilot.workflows.cel import ExpressionProblem, holds
from sre_copilot.workflows.collection import Collection, unknown
from sre_copilot.workflows.frames import parsed
from sre_copilot.workflows.providers import ActionCall
from sre_copilot.workflows.runs import Runs, Started
from sre_copilot.workflows.spec import (
    AlertTrigger,
    ChatTrigger,
    IncidentTrigger,
    IntervalTrigger,
    OnEvent,
    Trigger,
    WebhookTrigger,
    Workflow,
)
from sre_copilot.workflows.templates import bare, fill

EVENTS = (
    EventType.ALERT_RECEIVED,
    EventType.INCIDENT_OPENED,
    EventType.INCIDENT_UPDATED,
    EventType.INCIDENT_RESOLVED,
    EventType.DIAGNOSIS_READY,
)
_INCIDENT = {
    EventType.INCIDENT_OPENED: "opened",
    EventType.INCIDENT_UPDATED: "updated",
    EventType.INCIDENT_RESOLVED: "resolved",
    EventType.DIAGNOSIS_READY: "investigated",
}
WHO = "sre-copilot"
LATE_S = 3600.0  # what happened longer ago is no cause any more: a worker that was away for a night starts nothing for last evening's alerts
_HOLE = re.compile(r"\\\{([A-Za-z_]\w*)\\\}", re.ASCII)
_log = log(__name__)


@dataclass(frozen=True, slots=True)
class Enabled:
    """The newest version of a workflow whose triggers count, and since when they do."""

    workflow: Workflow
    since: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A workflow that a sentence asks for, with the inputs that it names; `acts` when it holds an action."""

    workflow: str
    name: str
    inputs: Mapping[str, Any]
    acts: bool


class Triggers:
    """Watches what happens, and starts what is to be started."""

    def __init__(
        self,
        collection: Collection,
        runs: Runs,
        clock: Clock,
        *,
        role: Role = "viewer",
        look_every_s: float = 0.0,
    ) -> None:
        self._collection, self._runs, self._clock, self._role = collection, runs, clock, role
        self._look_every_s, self._looked_at = look_every_s, -math.inf
        self._mark: object = None
        self._known: tuple[Enabled, ...] = ()

    def on_event(self, event: Event) -> None:
        """Something happened; an event that comes twice starts nothing twice, and one of before a workflow was enabled does not start it."""
        if event.at < self._clock.now() - LATE_S:
            return
        happened = happened_of(event)
        for each in (known for known in self._enabled() if event.at >= known.since):
            for number, trigger in enumerate(each.workflow.triggers):
                if isinstance(trigger, (AlertTrigger, IncidentTrigger)) and fits(trigger, happened):
                    self._start(
                        each.workflow,
                        trigger,
                        happened,
                        cause=f"event/{each.workflow.id}/{number}/{event.id}",
                    )

    def turn(self) -> None:
        """Start what is due: each interval once, the present one where several were missed."""
        now = self._clock.now()
        for each in self._enabled():
            for number, trigger in enumerate(each.workflow.triggers):
                if (
                    isinstance(trigger, IntervalTrigger)
                    and (slot := due(trigger.value, since=each.since, now=now)) is not None
                ):
                    happened = {"type": "interval", "at": slot}
                    self._start(
                        each.workflow,
                        trigger,
                        happened,
                        cause=f"interval/{each.workflow.id}/{number}/{slot:.0f}",
                    )

    def webhook(self, workflow: str, body: Any, *, who: str, key: str = "") -> Started | None:
        """Another system posted a document; None when the trigger's condition is not true of it.

        Raises
        ------
        UsageError : there is no such workflow, it has no webhook trigger or is disabled, or an input is wrong
        """
        found = next((each.workflow for each in self._enabled() if each.workflow.id == workflow), None)
        trigger = next(
            (each for each in (found.triggers if found else ()) if isinstance(each, WebhookTrigger)), None
        )
        if found is None:
            raise unknown(workflow)
        if trigger is None:
            raise UsageError(
                f"workflow {workflow!r}: has no trigger of type webhook. Add one, or start it by hand."
            )
        happened = {"type": "webhook", "body": body, "by": who, "at": self._clock.now()}
        if trigger.cel is not None and not holds(bare(trigger.cel), {"trigger": happened}):
            return None
        inputs = fill(trigger.inputs, {"trigger": happened})
        cause = f"webhook/{workflow}/{key}" if key else ""
        return self._runs.start(workflow, inputs, who=who, role=self._role, trigger=happened, cause=cause)

    def asked_for(self, sentence: str) -> tuple[Asked, ...]:
        """Workflows that a sentence asks for by one of their phrases, the longest phrase first; none is started."""
        phrases = (
            (each.workflow, phrase)
            for each in self._enabled()
            for trigger in each.workflow.triggers
            for phrase in (trigger.phrases if isinstance(trigger, ChatTrigger) else ())
        )
        said = ((len(phrase), workflow, said_by(phrase, sentence)) for workflow, phrase in phrases)
        found = [
            (length, _asked(workflow, inputs)) for length, workflow, inputs in said if inputs is not None
        ]
        best = {asked.workflow: asked for _, asked in sorted(found, key=lambda pair: pair[0])}
        return tuple(reversed(best.values()))

    def _enabled(self) -> tuple[Enabled, ...]:
        now = self._clock.now()
        if 0.0 <= now - self._looked_at < self._look_every_s:
            return self._known
        self._looked_at = now
        mark = self._collection.store.mark()
        if mark != self._mark:
            rows = self._collection.store.newest()
            self._known = tuple(
                Enabled(parsed(row["text"]), row["enabled_at"]) for row in rows if row["enabled"]
            )
            self._mark = mark
        return self._known

    def _start(
        self, workflow: Workflow, trigger: Trigger, happened: Mapping[str, Any], *, cause: str
    ) -> None:
        """Start it; what cannot be started is said, and holds up nothing else."""
        incident = str((happened.get("incident") or {}).get("incident_id", ""))
        try:
            inputs = fill(getattr(trigger, "inputs", {}), {"trigger": happened})
            self._runs.start(
                workflow.id,
                inputs,
                who=WHO,
                role=self._role,
                trigger=happened,
                cause=cause,
                incident=incident,
            )
        except (UsageError, ExpressionProblem) as problem:
            _log.warning(
                "a trigger cannot start its workflow", workflow=workflow.id, cause=cause, problem=str(problem)
            )


def happened_of(event: Event) -> dict[str, Any]:
    """An event as expressions see it: `trigger.type`, `.event`, `.at`, and `.alert` or `.incident`; `.incident.service` is the first of its `services`."""
    if event.type is EventType.ALERT_RECEIVED:
        alert = dict(event.data)
        return {"type": "alert", "event": str(alert.get("status", "firing")), "at": event.at, "alert": alert}
    return {
        "type": "incident",
        "event": _INCIDENT.get(event.type, ""),
        "at": event.at,
        "incident": {"service": next(iter(event.data.get("services") or ()), ""), **event.data},
    }


def fits(trigger: OnEvent, happened: Mapping[str, Any]) -> bool:
    """Whether a trigger is meant; one whose condition has no value for this event is not."""
    if getattr(trigger, "type", "") != happened["type"] or happened["event"] not in getattr(
        trigger, "events", ()
    ):
        return False
    what = happened[happened["type"]]
    if not all(_value(what, each.key) == each.value for each in trigger.filters):
        return False
    try:
        return trigger.cel is None or holds(bare(trigger.cel), {"trigger": happened})
    except ExpressionProblem:
        return False


def due(every: float, *, since: float, now: float) -> float | None:
    """The beginning of the present interval, where it lies after the trigger began to count; None otherwise."""
    slot = now // every * every
    return slot if slot > since else None


def said_by(phrase: str, sentence: str) -> dict[str, str] | None:
    """What a sentence puts into the holes of a phrase; None when it does not say it."""
    match = _pattern(phrase).search(" ".join(sentence.split()))
    return (
        {key: value.strip(" .,;:!?，。；：！？'\"`") for key, value in match.groupdict().items()}
        if match
        else None
    )


@lru_cache(maxsize=1_024)
def _pattern(phrase: str) -> re.Pattern[str]:
    plain = re.escape(" ".join(phrase.split())).replace(r"\ ", r"\s+")
    return re.compile(
        _HOLE.sub(r"(?P<\1>\\S{1,100}?)", plain) + r"(?=$|[\s.,;:!?，。；：！？])", re.IGNORECASE
    )


def _value(what: Mapping[str, Any], key: str) -> str | None:
    """A field, or a label where there is no such field."""
    found = what.get(key, (what.get("labels") or {}).get(key))
    return None if found is None else str(found)


def _asked(workflow: Workflow, inputs: Mapping[str, str]) -> Asked:
    known = {key: value for key, value in inputs.items() if workflow.parameter(key) is not None}
    acts = any(isinstance(step.provider, ActionCall) for _, step in workflow.walk())
    return Asked(workflow.id, workflow.name or workflow.id, known, acts)
