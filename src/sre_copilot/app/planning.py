"""Planning, wired: from a concluded investigation to a plan that is kept and waits for an approver, or to the reason why there is none. Nothing here has an effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sre_copilot.action.executor import ActionError
from sre_copilot.agents.tool import Investigated
from sre_copilot.app.acting import ActingDesk, open_desk
from sre_copilot.app.authority import approving_of
from sre_copilot.app.plan_difference import step_difference
from sre_copilot.app.planning_known import Gathering, attempts, recovered
from sre_copilot.app.serving import Service
from sre_copilot.app.suggesting import Suggesting
from sre_copilot.clock import Clock
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.planning.candidates import drafts, fault_of, missing
from sre_copilot.decision.planning.filling import filled
from sre_copilot.decision.planning.filling import told as told_by_change
from sre_copilot.decision.planning.model import (
    Draft,
    Estate,
    Fault,
    Known,
    NoPlan,
    Ready,
    Seen,
    Suggestion,
    Wish,
    message,
)
from sre_copilot.decision.planning.propose import propose
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import OVER, Action, Mode, Plan, PlanStep
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.speaking import Speaker
from sre_copilot.settings.document import Settings
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.plans import STATUSES, PlanDecided, PlanStore, plan_of, text_of
from sre_copilot.telemetry import clean, log

WHO = "sre-copilot"
TEAM = "team"  # the origin of what a model proposed
LONGEST_PROBLEM = 300  # characters of what a system said
NOTHING_TO_DO = ".objection.nothing_to_do"
"""How executors object, each in its own words, to what is so already: done again it would seem to help whatever helped meanwhile."""
OPEN = tuple(each for each in STATUSES if each not in OVER)
AT_IT = ("approved", "running", "paused", "undoing")
LATELY_S = 86_400.0  # no rest is longer
LookAgain = Callable[[str], Investigated | None]
"""Looks into an incident of the store again; None where there is nothing to look at."""
_log = log(__name__)


@dataclass
class Planning:
    """Makes plans; `plans` keeps them and tells those who must agree."""

    settings: Settings
    database: Database
    clock: Clock
    plans: PlanStore
    desk: ActingDesk
    look: LookAgain = lambda incident_id: None
    team: Suggesting | None = None
    """Who proposes more than the rules know; none without a model."""

    @property
    def rules(self) -> Rulebook:
        """By what actions are judged."""
        return self.desk.rules

    @property
    def estate(self) -> Estate:
        """What can be done to what."""
        return self.desk.estate

    def draft(
        self,
        found: Investigated,
        *,
        incident_id: str = "",
        investigation_id: str = "",
        suggestions: tuple[Suggestion, ...] = (),
    ) -> Plan | NoPlan:
        """Make a plan of what was investigated, without keeping it; it has no id yet."""
        fault = fault_of(found.diagnosis)
        if isinstance(fault, NoPlan):
            return fault
        failed, tried = attempts(self.plans, incident_id)
        if (enough := self._enough(incident_id, fault, failed)) is not None:
            return enough
        gathering = Gathering(self.database, self.clock)
        known = gathering.known(fault, found, self.estate.specs, incident_id=incident_id, tried=tried)
        if recovered(known.recovery, found, now=self.clock.now()):
            return NoPlan(reason=message("none.recovered", service=fault.entity))
        known = replace(known, suggestions=suggestions)
        make = partial(self._made, fault, incident_id=incident_id, investigation_id=investigation_id, attempt=failed + 1)  # fmt: skip
        ready = self.prepared(fault, known)
        made = ready if isinstance(ready, NoPlan) else make(ready, known)
        if suggestions or self.team is None or (isinstance(made, Plan) and made.risk.mode == Mode.AUTO):
            return made  # what may begin at once waits for no model
        theirs, reasons, known = self._of_team(fault, known, incident_id)
        if theirs:
            return make((*(() if isinstance(ready, NoPlan) else ready), *theirs), known)
        return replace(made, details=(*made.details, *reasons)) if isinstance(made, NoPlan) else made

    def _made(self, fault: Fault, ready: tuple[Ready, ...], known: Known, **names: Any) -> Plan | NoPlan:
        now, approval = self.clock.now(), self.settings.decision.approval
        return propose(
            ready, fault, estate=self.estate, known=known, rules=self.rules, now=now,
            expires_at=now + 60.0 * (approval.ttl_minutes + approval.valid_minutes),
            verify_seconds=self.settings.remediation.verify_seconds, requester=WHO, **names,
        )  # fmt: skip

    def _of_team(
        self, fault: Fault, known: Known, incident_id: str
    ) -> tuple[tuple[Ready, ...], tuple[Message, ...], Known]:
        """What the team proposes beside the rules and can be done now, and why the rest is not; the audit tells what became of its words."""
        assert self.team is not None  # noqa: S101 - asked for by the caller
        said = self.team.suggest(fault, known, self.estate, self.desk.catalogue)
        known = replace(known, suggestions=said.suggestions)
        tried = [self._ready(each) for each in drafts(fault, self.estate, known) if each.origin == TEAM]
        theirs = tuple(each for each in tried if isinstance(each, Ready))
        reasons = (*said.dropped, *(each.reason for each in tried if isinstance(each, NoPlan)))
        if said.suggestions or said.dropped:
            detail = {
                "model": said.model,
                "proposed": [each.action for each in said.suggestions],
                "dropped": [say(each, self.settings.language) for each in reasons],
            }
            chain, outcome = AuditChain(self.database), "done" if theirs else "refused"
            chain.note(WHO, "plan.suggest", incident_id or fault.entity, outcome=outcome, detail=detail, at=self.clock.now())  # fmt: skip
        return theirs, reasons, known

    def propose(self, plan: Plan, *, key: str = "") -> Plan | NoPlan:
        """Keep a plan and tell those who must agree; one that was proposed for the incident before and was not begun makes way.

        The same `key` again is no second plan.
        """
        instead: list[str] = []
        if plan.incident_id:
            for row in self.plans.page(statuses=OPEN, incident_id=plan.incident_id).rows:
                if row["key"] == key and key:
                    break
                if row["status"] != "proposed" or same(plan_of(row["document"]), plan):
                    return NoPlan(reason=message("none.open", plan=row["id"], status=row["status"]))
                instead.append(str(row["id"]))
        try:
            return self.plans.propose(plan, key=key, instead=instead)
        except PlanDecided:  # meanwhile: what was decided counts
            return self.propose(plan, key=key)

    def _enough(self, incident_id: str, fault: Fault, failed: int) -> NoPlan | None:
        """Why no plan is made: several did not help, another is at the same thing, or one has just helped, for averages and alerts go on showing what is over.

        A fault of another type that began after that plan was over is another one.
        """
        if failed > self.settings.remediation.rediagnoses:
            return NoPlan(reason=message("none.enough", attempts=failed))
        now = self.clock.now()
        rows = self.plans.page(statuses=(*AT_IT, "succeeded"), since=now - LATELY_S, limit=100).rows
        for row in rows:
            same_incident = bool(incident_id) and row["incident_id"] == incident_id
            ended_at, same_entity = float(row["updated_at"]), row["entity"] == fault.entity
            if row["status"] != "succeeded":
                if same_entity and not same_incident:
                    return NoPlan(reason=message("none.at_it", plan=row["id"], service=fault.entity))
            elif (same_incident or same_entity) and (helped := plan_of(row["document"])).verifiable:
                seconds, later = now - ended_at, fault.onset is not None and fault.onset > ended_at
                another = not same_incident and later and helped.fault_type != fault.fault_type
                if seconds < self.settings.remediation.rest_seconds and not another:
                    return NoPlan(reason=message("none.helped", plan=row["id"], seconds=round(seconds)))
        return None

    def propose_for(
        self, found: Investigated, *, incident_id: str, investigation_id: str = "", key: str = ""
    ) -> Plan | NoPlan:
        """Make a plan of what was investigated, and keep it."""
        made = self.draft(found, incident_id=incident_id, investigation_id=investigation_id)
        return made if isinstance(made, NoPlan) else self.propose(made, key=key)

    def again(self, plan: Plan, known: Mapping[str, Any]) -> str:
        """Diagnose an incident again after a plan did not help, and propose a further one; its id, or '' where there is none."""
        found = self.look(plan.incident_id) if plan.incident_id else None
        if found is None:
            return ""
        made = self.propose_for(found, incident_id=plan.incident_id, key=f"again/{plan.id}")
        if isinstance(made, NoPlan):
            _log.info("no further plan", plan=plan.id, reason=made.reason.key)
            return ""
        return made.id

    def prepared(self, fault: Fault, known: Known) -> tuple[Ready, ...] | NoPlan:
        """Every way that can be gone now: targets looked at, parameters filled in and accepted by the executor."""
        found = drafts(fault, self.estate, known)
        if not found:
            return missing(fault, self.estate, known)
        tried = [self._ready(each) for each in found]
        ready = tuple(each for each in tried if isinstance(each, Ready))
        if ready:
            return ready
        reasons = tuple(dict.fromkeys(each.reason for each in tried if isinstance(each, NoPlan)))
        return NoPlan(reason=message("none.not_now", service=fault.entity), details=reasons)

    def difference(self, plan: Plan) -> list[dict[str, Any]]:
        """What each step would do now, as its executor says, and whether its target is as it was when the plan was made."""
        return [step_difference(self.desk.catalogue, each) for each in plan.steps]

    def _ready(self, draft: Draft) -> Ready | NoPlan:
        actions, digests = [], []
        for wish in draft.wishes:
            seen = self._seen(wish)
            if isinstance(seen, NoPlan):
                return seen
            actions.append(seen[0])
            digests.append(seen[1])
        return Ready(draft=draft, actions=tuple(actions), digests=tuple(digests))

    def _seen(self, wish: Wish) -> tuple[Action, str] | NoPlan:
        """The action with its parameters, and the digest of the state that it was made for."""
        spec = self.estate.specs[wish.action.name]
        try:
            executor = self.desk.catalogue.executor(wish.action)
            looked = executor.look(told_by_change(wish, spec))
            if not looked.exists:
                return NoPlan(reason=message("dropped.absent", target=wish.action.target.key))
            action = filled(wish, spec, Seen(state=looked.state, digest=looked.digest))
            if isinstance(action, NoPlan):
                return action
            action = executor.check(action)
            preview = executor.preview(action)  # what it refuses now it would refuse later, too
        except ActionError as error:
            problem = clean(str(error))[:LONGEST_PROBLEM]
            return NoPlan(reason=message("dropped.refused", action=wish.action.name, problem=problem))
        if any(each.key.endswith(NOTHING_TO_DO) for each in preview.objections):
            return NoPlan(reason=message("dropped.nothing", action=action.name, target=action.target.key))
        return action, looked.digest


def make_planning(
    service: Service,
    *,
    plans: PlanStore | None = None,
    look: LookAgain = lambda incident_id: None,
    speaker: Callable[[], Speaker] | None = None,
) -> Planning:
    """Planning of a running service; executors are made when they are asked for first.

    Parameters
    ----------
    plans : where they are kept; by default with the messages to approvers
    look : looks into an incident again
    speaker : speaks to the model of the team; without one rules alone propose
    """
    team = Suggesting(speaker, service.settings.language) if speaker is not None else None
    desk = open_desk(service.settings, service.database, service.clock)
    kept = plans or approving_of(service, desk).plans
    return Planning(service.settings, service.database, service.clock, kept, desk, look, team)


class Drafting:
    """What casework asks: a plan as text, so that a durable step can keep it, and its proposal."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning

    def draft(self, incident_id: str, investigation_id: str, found: Investigated) -> dict[str, Any]:
        """The plan as text, or why there is none."""
        made = self._planning.draft(found, incident_id=incident_id, investigation_id=investigation_id)
        return told(made) if isinstance(made, NoPlan) else {"plan": text_of(made)}

    def propose(self, text: str, *, key: str) -> dict[str, Any]:
        """The id under which it is kept, or why it is not."""
        made = self._planning.propose(plan_of(text), key=short(key))
        if isinstance(made, NoPlan):
            return told(made)
        return {
            "id": made.id,
            "title": plain(made.title),
            "mode": made.risk.mode.name,
            "risk": made.risk.score,
        }


def told(none: NoPlan) -> dict[str, Any]:
    """Why there is no plan, as data."""
    return {"none": plain(none.reason), "details": [plain(each) for each in none.details]}


def plain(said: Message) -> dict[str, Any]:
    """A sentence as data."""
    return {"key": said.key, "params": dict(said.params)}


def same(one: Plan, other: Plan) -> bool:
    """Whether two plans are for the same fault, do the same, and ask the same people: what has become surer may need fewer."""
    return (one.entity, one.fault_type, one.risk.mode, _done(one.steps)) == (
        other.entity,
        other.fault_type,
        other.risk.mode,
        _done(other.steps),
    )


def short(key: str) -> str:
    """A key of bounded length, the same for the same."""
    return key if len(key) <= 200 else hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def found_plan(plans: PlanStore, plan_id: str) -> Plan:
    """A plan by its id.

    Raises
    ------
    UsageError : when there is none
    """
    kept = plans.get(plan_id)
    if kept is None:
        raise UsageError(f"plan {plan_id[:40]!r}: there is none of this id; `sre-copilot plan list` shows those there are")  # fmt: skip
    return kept.plan


def _done(steps: Iterable[PlanStep]) -> list[tuple[str, str, str]]:
    return [
        (each.action.name, each.action.target.key, json.dumps(dict(each.action.parameters), sort_keys=True))
        for each in steps
    ]
