"""The one door for decisions on plans: REST, the page behind a signed link, the command line and chat all come through it.

Whoever asks, the same happens: the plan is held, the votes are read, the pure rules decide, and what they say is kept with its event and its entry in the
audit, in one transaction. A refusal is kept, too. So of two who decide at once the first one counts, and the other is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from sre_copilot.app.approval_messages import Messages
from sre_copilot.app.approval_people import People
from sre_copilot.app.approval_rows import delegation_of, vote_of, vote_row
from sre_copilot.app.approval_state import note_calling_off, note_go_ahead, state_of, waits_for
from sre_copilot.app.approval_timeline import tell_vote
from sre_copilot.clock import Clock
from sre_copilot.decision.approval import admit as admission
from sre_copilot.decision.approval.admit import Admitted, Direction
from sre_copilot.decision.approval.decide import (
    Approved,
    Outcome,
    Rejected,
    Waiting,
    Withdrawn,
    decide,
    decide_alone,
)
from sre_copilot.decision.approval.go_ahead import call_off, let_go
from sre_copilot.decision.approval.link import checked
from sre_copilot.decision.approval.model import (
    Approver,
    Decision,
    Facts,
    Refused,
    Rules,
    Verdict,
    Vote,
    Way,
    refused,
)
from sre_copilot.decision.approval.text import parse
from sre_copilot.decision.approval.unanswered import Step
from sre_copilot.decision.ruling import WITHOUT_A_WORD
from sre_copilot.decision.ruling import Verdict as Ruled
from sre_copilot.domain.event import EventType
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Plan, PlanStatus
from sre_copilot.store.alerting.outbox import announce
from sre_copilot.store.approvals import keep_go_ahead, keep_vote, living_delegations, votes_of
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.effects import acted
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import Kept, PlanAltered, PlanStore, changed, event, event_data
from sre_copilot.store.remediation import steps_of

ITSELF = "sre-copilot"
Judgement = Callable[[Plan, float], Message | None]


def nothing(plan: Plan, at: float) -> Message | None:
    """No objection."""
    return None


def unasked(plan: Plan, at: float) -> Ruled:
    """No rule was asked."""
    return WITHOUT_A_WORD


def never(plan: Plan, at: float) -> bool:
    """Not without a person."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a decision: `status` is how the plan stands now, `missing` how many more people must agree."""

    plan_id: str
    status: PlanStatus
    missing: int = 0
    vote: Vote | None = None
    step: str = ""
    """The step that was let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A plan with all that was decided on it; `waits_for` is the step that waits for a person's go-ahead."""

    kept: Kept
    votes: tuple[Vote, ...]
    waits_for: str = ""
    steps: tuple[Row, ...] = ()
    """How its steps stand, once it has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """Any thread and any process may use it.

    `frozen` and `halted` say why nothing may be changed now (freeze; kill switch, maintenance), `autonomy` whether a plan may be carried out without a person,
    `ruling` what the rules ask for now.
    """

    database: Database
    clock: Clock
    plans: PlanStore
    people: People
    rules: Rules
    messages: Messages
    unanswered: tuple[Step, ...] = ()
    frozen: Judgement = nothing
    halted: Judgement = nothing
    autonomy: Callable[[Plan, float], bool] = never
    ruling: Callable[[Plan, float], Ruled] = unasked
    key: Callable[[], bytes] = field(default=bytes)

    # -- deciding ---------------------------------------------------------------------------------------------------

    def decide(
        self,
        plan_id: str,
        verdict: Verdict,
        *,
        by: Approver,
        who: str,
        way: Way,
        reason: str = "",
        fingerprint: str = "",
        named: str = "",
        step: str = "",
    ) -> Answer | Refused:
        """Approve or reject a plan as `by`, whom the audit calls `who`; `named` is whom the request itself names, `fingerprint` what they were shown.

        `step` agrees to that step alone: of a plan that is carried out step by step, the one that waits; of one that is not approved yet, the first along with it.
        """
        decision = Decision(
            verdict=verdict, by=by, way=way, who=who, reason=reason, fingerprint=fingerprint, step=step
        )
        foreign = bool(named.strip()) and self.people.id_of(named) != by.id
        wrong = refused("caller", named=named[:80], who=by.name) if foreign else None
        return self._decided(plan_id, decision, wrong)

    def decide_by_text(self, *, sender: str, platform: str, verified: bool, text: str) -> Answer | Refused:
        """Take a message of a chat platform as a decision: only from a sender who is an approver, only where the platform signed the request."""
        command = parse(text)
        if command is None or not command.plan_id:
            return refused("unclear")
        by = self.people.of_sender(platform, sender) if verified else None
        who = f"{by.name} by {platform}" if by else f"{platform} {sender[:60]}"
        nobody = Approver(id="", name=who, role="viewer")
        decision = Decision(
            verdict=command.verdict, by=by or nobody, way="chat", who=who, reason=command.reason
        )
        wrong = None if by else refused("sender" if verified else "unverified", platform=platform)
        return self._decided(command.plan_id, decision, wrong)

    def approve_alone(self, plan_id: str) -> Answer | Refused:
        """Approve a plan without a person, where that is allowed now."""
        nobody = Approver(id="", name=ITSELF, role="viewer")
        decision = Decision(verdict="approve", by=nobody, way="auto", who=ITSELF)
        return self._said_before(plan_id, decision) or self._decided(plan_id, decision, None)

    def _said_before(self, plan_id: str, decision: Decision) -> Refused | None:
        """A refusal that the audit holds already: it is asked again and again, and one entry for each reason says all."""
        now = self.clock.now()
        with self.database.begin() as connection:
            kept = self._read(connection, plan_id)
            found = kept if isinstance(kept, Refused) else self._judged(connection, kept, decision, now)
        if not isinstance(found, Refused):
            return None
        noted = AuditChain(self.database).page(subject=plan_id, verb=f"plan.{decision.verdict}").rows
        mine = (row for row in noted if row["who"] == ITSELF and row["outcome"] == "refused")
        return found if any(row["detail"].get("code") == found.code for row in mine) else None

    def by_link(self, plan_id: str, proof: str) -> Standing | Refused:
        """The plan that a signed link shows; nothing is changed."""
        found = self.standing(plan_id)
        if isinstance(found, Refused):
            return found
        plan, now = found.kept.plan, self.clock.now()
        link = checked(proof, self.key(), plan_id=plan_id, fingerprint=plan.fingerprint, now=now)
        return link if isinstance(link, Refused) else found

    def standing(self, plan_id: str) -> Standing | Refused:
        """A plan with its votes."""
        with self.database.begin() as connection:
            kept = self._read(connection, plan_id)
            votes, steps = votes_of(connection, plan_id), steps_of(connection, plan_id)
            step = "" if isinstance(kept, Refused) else self._waits_for(connection, kept)
        if isinstance(kept, Refused):
            return kept
        return Standing(kept=kept, votes=tuple(map(vote_of, votes)), waits_for=step, steps=steps)

    def alone(self, plan_id: str) -> Refused | None:
        """Why a plan may not be carried out without a person now; to ask keeps nothing, so that it may be asked again and again."""
        now = self.clock.now()
        with self.database.begin() as connection:
            kept = self._read(connection, plan_id)
            if isinstance(kept, Refused):
                return kept
            facts = self._facts(connection, kept.plan, now)
            found = decide_alone(kept.plan, state_of(connection, kept), now=now, facts=facts)
        return found if isinstance(found, Refused) else None

    def pending(self) -> tuple[Standing, ...]:
        """Plans that wait for an approval, or for the go-ahead of a step, the earliest first."""
        now = self.clock.now()
        found = [self.standing(row["id"]) for row in self.plans.all_of(("proposed", "paused"))]
        standing = [each for each in found if isinstance(each, Standing)]
        return tuple(
            each
            for each in standing
            if each.waits_for
            or (each.kept.status == "proposed" and now < self.rules.closes_at(each.kept.plan))
        )

    # -- carrying out -----------------------------------------------------------------------------------------------

    def admission(
        self,
        plan_id: str,
        *,
        step_id: str,
        direction: Direction = "do",
        keep: bool = True,
    ) -> Admitted | Refused:
        """Whether a step may be carried out now; `keep`: a refusal is noted in the audit."""
        now = self.clock.now()
        with self.database.begin() as connection:
            kept = self._read(connection, plan_id)
            found = (
                kept
                if isinstance(kept, Refused)
                else self._admitted(connection, kept, now, step_id, direction)
            )
        if isinstance(found, Refused) and keep:
            detail = {**_said(found), "step": step_id, "direction": direction}
            AuditChain(self.database).note(
                ITSELF, "plan.admit", plan_id, outcome="refused", detail=detail, at=now
            )
        return found

    # -- one transaction --------------------------------------------------------------------------------------------

    def _decided(self, plan_id: str, decision: Decision, wrong: Refused | None) -> Answer | Refused:
        now = self.clock.now()
        with self.database.write() as connection:
            kept = self._read(connection, plan_id, hold=True)
            if isinstance(kept, Refused):
                return self._refuse(connection, plan_id, decision, wrong or kept, now)
            waits = decision.verdict == "reject" and bool(self._waits_for(connection, kept))
            lets = bool(decision.step) and decision.verdict == "approve" and kept.status != "proposed"
            judge = self._let_go if waits or lets else self._judged
            outcome = wrong or judge(connection, kept, decision, now)
            if isinstance(outcome, Refused):
                return self._refuse(connection, plan_id, decision, outcome, now, kept)
            if isinstance(outcome, Vote):
                note = note_calling_off if outcome.verdict == "reject" else note_go_ahead
                note(connection, kept.plan, decision, outcome, now)
                step = decision.step if outcome.verdict == "approve" else ""
                return Answer(plan_id=plan_id, status=kept.status, vote=outcome, step=step)
            return self._keep(connection, kept.plan, decision, outcome, now)

    def _read(self, connection: Connection, plan_id: str, *, hold: bool = False) -> Kept | Refused:
        """A plan, or why there is none that can be used."""
        try:
            kept = self.plans.read(connection, plan_id, hold=hold)
        except PlanAltered:
            return refused("altered", plan=plan_id)
        return kept or refused("unknown", plan=plan_id[:40])

    def _admitted(
        self, connection: Connection, kept: Kept, now: float, step_id: str, direction: Direction
    ) -> Admitted | Refused:
        facts, state = self._facts(connection, kept.plan, now), state_of(connection, kept)
        facts = replace(facts, acted=acted(connection, kept.plan.id))
        return admission.admit(kept.plan, state, facts, now, step_id=step_id, direction=direction)

    def _judged(self, connection: Connection, kept: Kept, decision: Decision, now: float) -> Outcome:
        state = state_of(connection, kept)
        facts = self._facts(connection, kept.plan, now)
        if decision.way == "auto":
            return decide_alone(kept.plan, state, now=now, facts=facts)
        return decide(kept.plan, state, decision, now=now, facts=facts)

    def _let_go(self, connection: Connection, kept: Kept, decision: Decision, now: float) -> Vote | Refused:
        """The go-ahead of a step, or that the plan which waits with it is called off."""
        facts, state = self._facts(connection, kept.plan, now), state_of(connection, kept)
        step = self._waits_for(connection, kept)
        if step and decision.verdict == "reject":
            return call_off(kept.plan, state, decision, now=now, facts=facts)
        return let_go(kept.plan, state, decision, waits_for=step, now=now, facts=facts)

    def _waits_for(self, connection: Connection, kept: Kept) -> str:
        return waits_for(connection, kept, lambda: self._facts(connection, kept.plan, self.clock.now()))

    def _keep(
        self,
        connection: Connection,
        plan: Plan,
        decision: Decision,
        outcome: Approved | Waiting | Rejected | Withdrawn,
        now: float,
    ) -> Answer:
        """Keep a vote and what comes of it; the event before the audit, which is last."""
        vote, status = outcome.vote, _status(outcome)
        keep_vote(connection, plan.id, vote_row(vote))
        let_go = decision.step if vote.verdict == "approve" else ""
        if let_go:
            keep_go_ahead(connection, plan.id, decision.step, vote_row(vote))
        if status != "proposed":
            changed(
                connection,
                plan.id,
                ("approved",) if isinstance(outcome, Withdrawn) else ("proposed",),
                who=decision.who,
                status=status,
                reason=vote.reason,
                updated_at=now,
                decided_at=now,
            )
            NotificationStore(self.database).insert(connection, self.messages.answered(plan, status, vote))
            announce(connection, [_event(plan, vote, status, decision.who)])
        missing = outcome.missing if isinstance(outcome, Waiting) else 0
        if not isinstance(outcome, Withdrawn):  # that one says so itself as it ends
            tell_vote(connection, plan, vote, missing=missing)
        detail = {"fingerprint": plan.fingerprint, "way": vote.way, "status": status, "missing": missing,
                  "on_behalf_of": vote.on_behalf_of, "role": decision.by.role, "reason": vote.reason,
                  **({"step": let_go} if let_go else {})}  # fmt: skip
        AuditChain.append(connection, decision.who, f"plan.{decision.verdict}", plan.id, "done", detail, now)
        return Answer(plan_id=plan.id, status=status, missing=missing, vote=vote, step=let_go)

    def _refuse(  # noqa: PLR0917 - what a refusal consists of
        self,
        connection: Connection,
        plan_id: str,
        decision: Decision,
        found: Refused,
        now: float,
        kept: Kept | None = None,
    ) -> Refused:
        if found.code == "expired" and kept is not None:
            over: dict[str, Any] = {
                "status": "expired",
                "reason": "nobody answered in time",
                "updated_at": now,
            }
            if changed(connection, plan_id, ("proposed",), **over):
                told = self.messages.answered(kept.plan, "expired", None)
                NotificationStore(self.database).insert(connection, told)
        detail = {**_said(found), "way": decision.way, "role": decision.by.role}
        AuditChain.append(
            connection, decision.who, f"plan.{decision.verdict}", plan_id, "refused", detail, now
        )
        return found

    def _facts(self, connection: Connection, plan: Plan, now: float) -> Facts:
        rows = living_delegations(connection, ended_after=plan.created_at)
        requester = self.people.id_of(plan.requester)
        return Facts(
            rules=self.rules,
            people=self.people.now(),
            delegations=tuple(map(delegation_of, rows)),
            requester="" if requester == ITSELF else requester,
            frozen=self.frozen(plan, now),
            halted=self.halted(plan, now),
            autonomy=self.autonomy(plan, now),
            ruling=self.ruling(plan, now),
        )


def _status(outcome: Approved | Waiting | Rejected | Withdrawn) -> PlanStatus:
    if isinstance(outcome, Waiting):
        return "proposed"
    if isinstance(outcome, Withdrawn):
        return "cancelled"
    return "rejected" if isinstance(outcome, Rejected) else "approved"


def _event(plan: Plan, vote: Vote, status: str, who: str) -> Any:
    approved = status == "approved"
    said = {"comment" if approved else "reason": vote.reason, "by": who}
    kind = EventType.PLAN_APPROVED if approved else EventType.PLAN_REJECTED
    return event(kind, plan, {**event_data(plan, vote.at), **said}, at=vote.at)


def _said(found: Refused) -> dict[str, Any]:
    return {"code": found.code, "problem": found.message.key, "params": dict(found.message.params)}
