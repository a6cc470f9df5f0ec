"""How a plan stands as the rules see it: its votes, the go-aheads of its steps, and the step that it waits with."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from sre_copilot.app.approval_rows import go_ahead_of, vote_of, vote_row
from sre_copilot.app.approval_timeline import tell_go_ahead, tell_vote
from sre_copilot.decision.approval.admit import still_counts
from sre_copilot.decision.approval.model import Decision, Facts, State, Vote, step_by_step
from sre_copilot.domain.plan import Plan
from sre_copilot.store.approvals import go_aheads_of, keep_go_ahead, votes_of
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.plans import SUPERSEDED, Kept
from sre_copilot.store.remediation import change, waiting_step


def state_of(connection: Connection, kept: Kept) -> State:
    """All that was decided on a plan."""
    gave_way = kept.status == "cancelled" and kept.reason.startswith(SUPERSEDED)
    given = go_aheads_of(connection, kept.plan.id)
    return State(
        status=kept.status,
        fingerprint=kept.fingerprint,
        votes=tuple(map(vote_of, votes_of(connection, kept.plan.id))),
        reason=kept.reason,
        superseded_by=kept.reason.removeprefix(SUPERSEDED) if gave_way else "",
        go_aheads={step: go_ahead_of(row) for step, row in given.items()},
    )


def waits_for(connection: Connection, kept: Kept, facts: Callable[[], Facts]) -> str:
    """The step before which a plan stands still until a person agrees to it who may; '' where it does not."""
    if not step_by_step(kept.plan) or kept.status != "paused":
        return ""
    step = waiting_step(connection, kept.plan.id)
    given = go_aheads_of(connection, kept.plan.id).get(step)
    return "" if given is not None and still_counts(kept.plan, go_ahead_of(given), facts()) else step


def note_calling_off(connection: Connection, plan: Plan, decision: Decision, vote: Vote, now: float) -> None:
    """Ask that a plan which waits is not gone on with: what was done of it is taken back by the worker that is at it."""
    change(connection, plan.id, ("paused",), now=now, asked="cancel", asked_by=decision.who[:200])
    tell_vote(connection, plan, vote, missing=0)
    detail = {"fingerprint": plan.fingerprint, "way": vote.way, "role": decision.by.role, "status": "paused",
              "on_behalf_of": vote.on_behalf_of, "reason": vote.reason}  # fmt: skip
    AuditChain.append(connection, decision.who, "plan.reject", plan.id, "done", detail, now)


def note_go_ahead(connection: Connection, plan: Plan, decision: Decision, vote: Vote, now: float) -> None:
    """Keep the go-ahead of a step with its entry in the audit; the worker that waits for it sees it."""
    keep_go_ahead(connection, plan.id, decision.step, vote_row(vote))
    tell_go_ahead(connection, plan, decision.step, vote)
    detail = {"fingerprint": plan.fingerprint, "step": decision.step, "way": vote.way, "role": decision.by.role,
              "on_behalf_of": vote.on_behalf_of, "reason": vote.reason}  # fmt: skip
    AuditChain.append(connection, decision.who, "plan.go_ahead", plan.id, "done", detail, now)
