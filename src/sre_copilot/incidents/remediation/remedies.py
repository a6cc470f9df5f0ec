"""Begins plans, and looks after those whose run has ended without an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from sre_copilot.action.order import plain_message
from sre_copilot.action.switch import hold_autonomy, standing
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.incidents.remediation.altered import end_altered
from sre_copilot.incidents.remediation.course import CONTROL, WORKFLOW, Course
from sre_copilot.incidents.remediation.judging import in_order
from sre_copilot.incidents.remediation.ports import Agree, Alone, Kept, Standing
from sre_copilot.incidents.remediation.steps import WHO, Room, Steps
from sre_copilot.incidents.remediation.telling import tell
from sre_copilot.store import remediation as book
from sre_copilot.store.approvals import go_aheads_of
from sre_copilot.store.leases import Fenced, Lease, Leases
from sre_copilot.store.limits import hold
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered
from sre_copilot.telemetry import log

ASK_AGAIN_S = 15.0  # pause before a plan that may not begin is looked at again: freezes and held targets end within minutes
LOST_AFTER_S = 30.0  # a plan that goes on while its run does not is looked after so much later: its last step may be under way


class _No(Exception):  # noqa: N818 - ends a transaction
    """It is not begun."""

    def __init__(self, key: str, **params: str | float) -> None:
        super().__init__(key)
        self.reason = Message(key=key, params=tuple(params.items()))


@dataclass(frozen=True, slots=True)
class Started:
    """Whether a plan was begun, and why not."""

    begun: bool
    reason: Message | None = None


class Remedies:
    """The repairs of all workers, as one of them sees them.

    Parameters
    ----------
    room : what the steps work with
    leases : checked while an autonomous plan is begun, so that only one worker begins any
    leader : the lease of the one leader for autonomous plans while this worker holds it, else None
    standing : why a step may not be done now: approval, authority, freeze, policy; asked before each effect again
    agree, alone : approve a plan that needs nobody; whether one was approved so
    """

    def __init__(
        self,
        room: Room,
        durable: Durable,
        *,
        leases: Leases,
        leader: Callable[[], Lease | None],
        standing: Standing,
        agree: Agree = lambda plan_id: False,
        alone: Alone = lambda plan_id: False,
    ) -> None:
        self._room, self._durable, self._leases = room, durable, leases
        self._leader, self._standing, self._agree, self._alone = leader, standing, agree, alone
        self._not_before: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._sound: dict[str, int] = {}
        self.rows = room.rows
        durable.register(WORKFLOW, Course(Steps(room), room.settings, room.tickets))

    def start(self, plan_id: str) -> Started:
        """Begin a plan that was approved; to begin it twice begins it once."""
        kept = self._room.plans.get(plan_id)
        if kept is None:
            raise UsageError(
                f"plan {plan_id!r}: there is none of this id; `sre-copilot plan list` lists them"
            )
        row = self.rows.get(plan_id)
        if row is None:
            try:
                self._begin(kept, autonomous=self._alone(plan_id))
            except Fenced:
                return Started(False, Message(key="remediation.not_leader"))
            except _No as no:
                self._refused(plan_id, no.reason)
                return Started(False, no.reason)
        elif row["state"] not in book.GOING_ON:
            return Started(False, Message(key="remediation.over", params=(("plan", plan_id),)))
        self._durable.start(WORKFLOW, {"plan": plan_id}, key=plan_id)
        return Started(True)

    def turn(self) -> int:
        """Begin what may begin, and go on with what was begun and has no run; how many were begun. Safe to repeat, on any worker."""
        for begun in self.rows.going_on():
            self._each(begun, self._go_on)
        for waiting in self._room.plans.all_of(("proposed",)):
            self._each(waiting, self._consider)
        approved = self._room.plans.all_of(("approved",))
        return sum(self._each(each, self._begin_waiting) for each in approved)

    def _each(self, row: Mapping[str, Any], look: Callable[[Any], bool]) -> bool:
        """Look at one plan; what is wrong with it stops no other."""
        try:
            return look(row)
        except PlanAltered:
            end_altered(self._room, row["id"])
            self._durable.cancel(row["id"])
        except SreCopilotError as error:
            log(__name__).error("a plan cannot be looked after now", plan=row["id"], problem=str(error))
        return False

    def _go_on(self, row: Row) -> bool:
        self._room.plans.get(row["id"])
        self._look_after(row)
        return False

    def _consider(self, row: Mapping[str, Any]) -> bool:
        """Approve what needs nobody; a text that was altered is found as soon as it is."""
        text = hash(row["document"])
        if self._sound.get(row["id"]) != text:
            self._room.plans.get(row["id"])
            self._sound[row["id"]] = text
        alone = row["mode"] == int(Mode.AUTO) and self._leader() is not None
        return alone and self._may_begin_by_itself() and self._agree(row["id"])

    def _begin_waiting(self, row: Mapping[str, Any]) -> bool:
        now = self._room.clock.now()
        return now >= self._not_before.get(row["id"], now) and self.start(row["id"]).begun

    def close(self) -> None:
        """Sign off: what this worker was at is gone on with by another, and was no crash."""
        self.rows.sign_off(self._room.worker, now=self._room.clock.now())

    def _tell(self, plan_id: str, wish: str, at: float) -> None:
        """Wake a run that waits for a word; it reads what is wanted in the store."""
        if self._durable.state(plan_id) is not None:
            self._durable.send(plan_id, CONTROL, wish, idempotency_key=f"{wish}/{at}")

    def _tell_go_aheads(self, plan_id: str) -> None:
        """Wake a run that waits for a person's go-ahead, once for each that was given."""
        with self._room.rows.database.begin() as connection:
            given = go_aheads_of(connection, plan_id)
        if given and self._durable.state(plan_id) is not None:
            for step, row in sorted(given.items()):
                self._durable.send(plan_id, CONTROL, "go", idempotency_key=f"go/{step}/{row['at']}")

    @property
    def _living(self) -> frozenset[str]:
        return self._room.alive() | {self._room.worker, ""}

    def _may_begin_by_itself(self) -> bool:
        """Whether neither the switch nor a crash stands against it."""
        try:
            with self._room.rows.database.begin() as connection:
                _check_switch(connection, self._living)
        except _No:
            return False
        return True

    # -- beginning ----------------------------------------------------------------------------------------------------

    def _begin(self, kept: Kept, *, autonomous: bool) -> None:
        """The plan runs, its targets are taken, the timeline says so: all or nothing."""
        plan, now = kept.plan, self._room.clock.now()
        self._check(kept, autonomous=autonomous)
        living = self._living  # asked before the transaction: it reads by itself
        with self._room.rows.database.write() as connection:
            if autonomous:
                self._check_leader(connection)
            _check_switch(connection, living if autonomous else None)
            targets = sorted({step.action.target.key for step in plan.steps})
            if (other := hold(connection, plan.id, targets, now=now)) is not None:
                raise _No("remediation.target_held", other=other)
            who = f"{WHO} (autonomous)" if autonomous else WHO
            row = {
                "id": plan.id, "incident_id": plan.incident_id, "state": "running", "fingerprint": kept.fingerprint,
                "who": who, "autonomous": autonomous, "attempt": plan.attempt, "worker": self._room.worker,
            }  # fmt: skip
            if not book.begin(connection, row, _step_rows(plan), now=now):
                return
            tell(connection, plan, "remediation.begun", now=now, who=who, steps=len(plan.steps))
            moved = self._room.plans.set_status(
                plan.id, "running", expected=kept.status, who=who, at=now, connection=connection
            )
            if not moved:
                raise _No("remediation.decided_otherwise", plan=plan.id)

    def _check(self, kept: Kept, *, autonomous: bool) -> None:
        plan = kept.plan
        if kept.status != "approved":
            raise _No("remediation.not_approved", plan=plan.id, status=kept.status)
        if plan.fingerprint != kept.fingerprint:
            raise _No("remediation.altered", plan=plan.id)
        if not in_order(plan.steps):
            raise _No("remediation.no_order", plan=plan.id)
        if autonomous and (plan.risk.mode != Mode.AUTO or plan.risk.forbidden):
            raise _No("remediation.not_autonomous", plan=plan.id)
        first = in_order(plan.steps)[0].id
        if (reason := self._standing(plan.id, first, "do")) is not None:
            raise _No(reason.key, **dict(reason.params))

    def _check_leader(self, connection: Connection) -> None:
        lease = self._leader()
        if lease is None:
            raise _No("remediation.not_leader")
        self._leases.check(connection, lease)

    def _refused(self, plan_id: str, reason: Message) -> None:
        """Audit a refusal, once for each reason: it is asked again and again."""
        self._not_before[plan_id] = self._room.clock.now() + ASK_AGAIN_S
        if self._said.get(plan_id) == reason.key:
            return
        self._said[plan_id] = reason.key
        now = self._room.clock.now()

        def also(connection: Connection) -> None:
            self._room.audit.append(
                connection, WHO, "plan.begin", plan_id, "refused", plain_message(reason), now
            )

        self._room.effects.note(also)

    # -- looking after ------------------------------------------------------------------------------------------------

    def _look_after(self, row: Row) -> None:
        """A plan that goes on has a run; one whose run has failed is ended, and people are told."""
        self._hold_after_crash(row)
        if row["state"] == "paused" and row["asked"] in ("resume", "cancel"):
            self._tell(row["id"], row["asked"], row["updated_at"])
        elif row["state"] == "paused":
            self._tell_go_aheads(row["id"])
        self._durable.start(WORKFLOW, {"plan": row["id"]}, key=row["id"])
        state = self._durable.state(row["id"])
        if state is None or state.status not in ("failed", "cancelled"):
            return
        if self._room.clock.now() - row["updated_at"] < LOST_AFTER_S:
            return
        log(__name__).error("a repair was cut off; people must look", plan=row["id"], problem=state.error)
        steps = Steps(self._room)
        reason = {"key": "remediation.cut_off", "params": {"problem": state.error[:300]}}
        failure: Mapping[str, Any] = {"kind": "unknown", "reason": reason, "step": "", "seen": {}}
        steps.end(row["id"], failure, {})
        steps.hand_over(row["id"])
        if self._room.tickets is not None and book.TICKET in {
            each["step_id"] for each in self.rows.steps(row["id"])
        }:
            self._room.tickets.finish(row["id"], True)

    def _hold_after_crash(self, row: Row) -> None:
        """A worker that died with an autonomous plan keeps others from beginning, also before its run is taken over."""
        if not row["autonomous"] or row["worker"] in self._living:
            return
        with self._room.rows.database.write() as connection:
            hold_autonomy(
                connection,
                self._room.audit,
                plan_id=row["id"],
                worker=row["worker"],
                now=self._room.clock.now(),
            )


def _step_rows(plan: Plan) -> list[dict[str, Any]]:
    steps = [(each.id, each.action.name, each.action.target) for each in in_order(plan.steps)]
    if plan.ticket is not None:
        steps.insert(0, (book.TICKET, f"{plan.ticket.queue.executor}.create", plan.ticket.queue))
    return [{"step_id": key, "action": name, "target": target.key} for key, name, target in steps]


def _check_switch(connection: Connection, living: frozenset[str] | None) -> None:
    """Raise when the switch is thrown, or, where it is to begin by itself, when a worker died with another such plan."""
    now_standing = standing(connection)
    if now_standing.thrown:
        raise _No("remediation.switch")
    if living is None:
        return
    if now_standing.held:
        raise _No("remediation.held", plan=now_standing.held_plan)
    for row in book.going_on(connection):
        if row["autonomous"] and row["worker"] not in living:
            raise _No("remediation.held", plan=row["id"])
