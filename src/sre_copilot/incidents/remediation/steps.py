"""The steps of a repair, each kept by the durable run: what they change, they change together with what they note, so that doing one again notes nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection

from sre_copilot.action.hands import Hands
from sre_copilot.action.order import Audit, Direction, NotAdmitted, Order, plain_message, step_of
from sre_copilot.action.switch import hold_autonomy, standing
from sre_copilot.clock import Clock
from sre_copilot.domain.plan import Plan, PlanStatus
from sre_copilot.errors import DurableError, SreCopilotError
from sre_copilot.incidents.remediation.ending import outcomes_of, status_of, ways, word_of
from sre_copilot.incidents.remediation.judging import Judged, checks_of, in_order, judge
from sre_copilot.incidents.remediation.people import stand_still, waits_for_person
from sre_copilot.incidents.remediation.ports import Again, Alive, AskForStep, HandOver, Plans, Signals
from sre_copilot.incidents.remediation.telling import handed_over, reason_text, tell, tell_step
from sre_copilot.incidents.remediation.tickets import Tickets
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store import remediation as book
from sre_copilot.store.effects import Effects
from sre_copilot.store.limits import let_go
from sre_copilot.store.outcomes import note_outcomes
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import log

WHO = "sre-copilot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """All that the steps work with."""

    hands: Hands
    plans: Plans
    rows: book.Remediations
    effects: Effects
    signals: Signals
    again: Again
    hand_over: HandOver
    audit: Audit
    clock: Clock
    settings: Remediation
    worker: str
    ask_for_step: AskForStep = lambda plan, step: ()
    """What people are told when a plan waits for their go-ahead of a step."""
    tickets: Tickets | None = None
    """Opens the tickets of plans that have one."""
    alive: Alive = frozenset
    """Names of the workers that live, beside this one."""


class Steps:
    """What a repair does, one step at a time; all of them may be done again."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._rows, self._clock = room.rows, room.clock

    def begin(self, plan_id: str) -> dict[str, Any]:
        """What is to be done, in order."""
        plan = self._plan(plan_id)
        row = self._touch(plan_id)
        ordered = in_order(plan.steps)
        return {
            "at": row["began_at"],
            "verify_seconds": plan.verify_seconds,
            "ticket": {"required": plan.ticket.required} if plan.ticket else None,
            "steps": [
                {
                    "id": step.id,
                    "timeout_seconds": step.timeout_seconds,
                    "guards": len(checks_of(plan, step.id)),
                    "last": step is ordered[-1],
                }
                for step in ordered
            ],
        }

    def gate(self, plan_id: str, step_id: str) -> dict[str, Any]:
        """Whether the next step may be gone to, or somebody wants otherwise."""
        row = self._touch(plan_id)
        wish = self._wish(row)
        plan = self._plan(plan_id)
        if wish["go"] == "on" and waits_for_person(self._rows.database, plan, step_id):
            return self._wait_for_person(plan, step_id)
        state: PlanStatus = "paused" if wish["go"] == "pause" else "running"
        if wish["go"] in ("on", "pause") and row["state"] != state:  # one that is called off does not go on
            key = "remediation.paused" if state == "paused" else "remediation.resumed"
            self._move(plan_id, ("running", "paused"), state, key, who=row["asked_by"] or WHO)
        return wish

    def _wait_for_person(self, plan: Plan, step_id: str) -> dict[str, Any]:
        now, told = self._clock.now(), self._room.ask_for_step(plan, step_id)
        with self._rows.database.write() as connection:
            if stand_still(connection, self._rows.database, plan, step_id, told, now=now):
                self._status(connection, plan.id, "paused", who=WHO, now=now, reason="")
        return {"go": "pause", "reason": {"key": "remediation.no_go_ahead", "params": {"step": step_id}}}

    def prepare(self, plan_id: str, step_id: str) -> dict[str, Any]:
        """Look at the target and keep its backup."""
        self._touch(plan_id)
        self._note(plan_id, step_id, "preparing", began_at=self._clock.now())
        return self._room.hands.backup(_order(plan_id, step_id, "do")).plain()

    def perform(self, plan_id: str, step_id: str, direction: Direction) -> dict[str, Any]:
        """Do it, or take it back; what is done already is not done again."""
        self._touch(plan_id)
        self._note(plan_id, step_id, "acting" if direction == "do" else "undoing")
        performed = self._room.hands.perform(_order(plan_id, step_id, direction)).plain()
        if performed["outcome"] == "done" and direction == "do":
            self._note(plan_id, step_id, "verifying")
        elif performed["outcome"] != "done":
            self._say(plan_id, step_id, performed["reason"])
        return performed

    def give_up(self, plan_id: str, step_id: str, direction: Direction) -> None:
        """Nobody can tell what came of it, however often it was looked for: people must."""
        key, now = _order(plan_id, step_id, direction).key, self._clock.now()
        with self._rows.database.write() as connection:
            self._room.effects.settle(
                connection, key, "unknown", now=now, problem="given up: it cannot be told"
            )

    def verify(self, plan_id: str, step_id: str, direction: Direction) -> dict[str, Any]:
        """Whether the target is as it should be."""
        self._touch(plan_id)
        try:
            found = self._room.hands.verify(_order(plan_id, step_id, direction))
        except NotAdmitted as no:
            reason, ok, settled = plain_message(no.reason), False, True
        except SreCopilotError as error:  # the target does not answer: it is looked at again
            reason = {"key": "action.problem", "params": {"problem": str(error)[:500]}}
            ok = settled = False
        else:
            reason, ok, settled = plain_message(found.reason), found.ok, found.settled
        if direction == "do":
            self._note(plan_id, step_id, "watching" if ok else "", reason=reason)
        return {"ok": ok, "settled": settled, "reason": reason, "at": self._clock.now()}

    def measure(self, plan_id: str, step_id: str, since: float, seconds: float) -> dict[str, Any]:
        """Look at the signals over the latest window of this length."""
        row, plan, now = self._touch(plan_id), self._plan(plan_id), self._clock.now()
        begin = max(since, now - seconds)
        judged = [Judged(check, self._measured(check, begin, now)) for check in checks_of(plan, step_id)]
        word = judge(judged)
        signals = [each.plain() for each in judged]
        self._note(plan_id, step_id or in_order(plan.steps)[-1].id, "", seen={"signals": signals, "at": now})
        wish = self._wish(row)
        if wish["go"] in ("pause", "on"):  # a pause is for between two steps
            wish = {"go": "on", "reason": {}}
        reason = wish["reason"] or {"key": f"remediation.signals_{word}", "params": {}}
        return {"go": wish["go"], "word": word, "reason": reason, "signals": signals, "at": now}

    def succeed(self, plan_id: str) -> dict[str, Any]:
        """All is done, and well again where signals show that."""
        plan, now = self._plan(plan_id), self._clock.now()
        good = [step.id for step in plan.steps] if plan.verifiable else []
        self._end(plan, "succeeded", {}, {}, good=good, bad=(), now=now)
        return {"status": "succeeded"}

    def turn_back(self, plan_id: str, failure: Mapping[str, Any]) -> None:
        """From here on what was done is taken back."""
        reason = dict(failure["reason"])
        if failure["step"]:
            self._note(plan_id, failure["step"], "failed", reason=failure["reason"])
        self._move(plan_id, ("running", "paused"), "undoing", "remediation.undoing", reason=reason)

    def way_back(self, plan_id: str, step_id: str) -> dict[str, Any]:
        """How a step is taken back: `undo`; `nothing`, as the target is as it was before; or not at all, and it is `left`."""
        self._touch(plan_id)
        step = step_of(self._plan(plan_id), step_id)
        first = self._room.effects.get(_order(plan_id, step_id, "do").key)
        looked = self._room.hands.look(step.action)
        way = {"way": "undo", "timeout_seconds": step.timeout_seconds}
        if first is not None and looked.digest and looked.digest == first["digest"]:
            way["way"] = "nothing"
        elif step.undo is None and not (
            step.reversible and self._room.hands.catalogue.spec(step.action.name).reversible
        ):
            way["way"] = "left"
        return way

    def undone(
        self,
        plan_id: str,
        step_id: str,
        ok: bool,
        performed: Mapping[str, Any],
        verified: Mapping[str, Any],
    ) -> None:
        """Note that a step was taken back, or that it could not be."""
        reason = performed["reason"] or verified.get("reason") or {}
        self._note(
            plan_id,
            step_id,
            "undone" if ok else "not_undone",
            reason=reason,
            ended_at=self._clock.now(),
        )

    def end(self, plan_id: str, failure: Mapping[str, Any], undone: Mapping[str, str]) -> dict[str, Any]:
        """It is over, and did not help: note what came of it, and whether it is worth another diagnosis."""
        plan, now = self._plan(plan_id), self._clock.now()
        status = status_of(failure, undone, in_doubt=self._in_doubt(plan_id))
        bad = set(undone) if failure["kind"] == "signals" else set()
        if failure["kind"] in ("failed", "not_verified"):
            bad.add(failure["step"])
        self._end(plan, status, failure, undone, good=(), bad=sorted(bad), now=now)
        known = failure["kind"] in ("failed", "not_verified", "signals") and "left" not in ways(undone)
        again = (
            known
            and not self._in_doubt(plan_id)
            and plan.attempt <= self._room.settings.rediagnoses
            and bool(plan.incident_id)
        )
        return {"status": status, "again": again}

    def again(self, plan_id: str) -> str:
        """Diagnose again, and propose a further plan; its id, or ''."""
        return self._room.again(self._plan(plan_id), self._known(plan_id))

    def hand_over(self, plan_id: str) -> None:
        """People take over."""
        plan = self._plan(plan_id)
        known = self._known(plan_id)
        if known.get("status") == "cancelled":
            return
        self._room.hand_over(known)
        told = {**known, "handed_over_at": self._clock.now()}
        with self._rows.database.write() as connection:
            row = book.row_of(connection, plan_id)
            if row is not None and "handed_over_at" not in row["known"]:
                book.change(connection, plan_id, (row["state"],), now=told["handed_over_at"], known=told)
                tell(connection, plan, "remediation.handed_over", now=told["handed_over_at"])

    # -- what they share ----------------------------------------------------------------------------------------------

    def _in_doubt(self, plan_id: str) -> bool:
        """Whether nobody knows of an effect whether it was made; what of it is not known by now is not found out any more."""
        return any(each["state"] in ("intended", "unknown") for each in self._room.effects.of_plan(plan_id))

    def _measured(self, check: Any, since: float, until: float) -> float | None:
        try:
            return self._room.signals.measure(check, since, until)
        except SreCopilotError as error:
            log(__name__).warning("a signal could not be read", entity=check.entity, problem=str(error))
            return None

    def _wish(self, row: Row) -> dict[str, Any]:
        """What a person, or the switch, wants."""
        if row["asked"] == "cancel":
            return {
                "go": "cancelled",
                "reason": {"key": "remediation.cancelled", "params": {"who": row["asked_by"]}},
            }
        with self._rows.database.begin() as connection:
            thrown = standing(connection).thrown
        if thrown and self._room.settings.on_kill_switch == "undo":
            return {"go": "switch", "reason": {"key": "remediation.switch", "params": {}}}
        return {"go": "pause" if row["asked"] == "pause" else "on", "reason": {}}

    def _touch(self, plan_id: str) -> Row:
        """This worker is at it now; that another died at it, is told."""
        alive = self._room.alive()
        with self._rows.database.write() as connection:
            row = book.row_of(connection, plan_id)
            if row is None:
                raise DurableError(f"plan {plan_id}: was never begun.")
            if row["worker"] == self._room.worker:
                return row
            now = self._clock.now()
            book.change(connection, plan_id, book.GOING_ON, now=now, worker=self._room.worker)
            if row["autonomous"] and row["worker"] and row["worker"] not in alive:
                hold_autonomy(connection, self._room.audit, plan_id=plan_id, worker=row["worker"], now=now)
        return row

    def _plan(self, plan_id: str) -> Plan:
        kept = self._room.plans.get(plan_id)
        if kept is None:
            raise DurableError(f"plan {plan_id}: is not kept.")
        return kept.plan

    def _known(self, plan_id: str) -> Mapping[str, Any]:
        row = self._rows.get(plan_id)
        return cast(Mapping[str, Any], row["known"]) if row else {}

    def _note(self, plan_id: str, step_id: str, state: str, **values: Any) -> None:
        """Note how a step stands; '' leaves its state."""
        plan = self._plan(plan_id)
        with self._rows.database.write() as connection:
            self._change_step(connection, plan, step_id, state, **values)

    def _change_step(
        self, connection: Connection, plan: Plan, step_id: str, state: str, **values: Any
    ) -> None:
        """Note it, and tell of it on the timeline; both or neither."""
        before = book.step_of(connection, plan.id, step_id)
        changed = book.change_step(
            connection, plan.id, step_id, **({"state": state} if state else {}), **values
        )
        if changed and state and before is not None:
            tell_step(connection, plan, before, state, now=self._clock.now(), reason=values.get("reason"))

    def _say(self, plan_id: str, step_id: str, reason: Mapping[str, Any]) -> None:
        self._note(plan_id, step_id, "", reason=dict(reason or {}))

    def _move(
        self, plan_id: str, before: Sequence[str], state: PlanStatus, key: str, *, who: str = WHO, **params: Any
    ) -> None:  # fmt: skip
        """How the plan stands from now on: here, with the plan, on the timeline, in the audit; once."""
        plan, now = self._plan(plan_id), self._clock.now()
        with self._rows.database.write() as connection:
            if book.change(connection, plan_id, before, now=now, state=state):
                tell(connection, plan, key, now=now, who=who, **params)
                self._status(
                    connection,
                    plan_id,
                    state,
                    who=who,
                    now=now,
                    reason=reason_text(params.get("reason") or {}),
                )

    def _end(
        self,
        plan: Plan,
        status: PlanStatus,
        failure: Mapping[str, Any],
        undone: Mapping[str, str],
        *,
        good: Sequence[str],
        bad: Sequence[str],
        now: float,
    ) -> None:
        """All of the end in one transaction."""
        reason = failure.get("reason") or {}
        known = handed_over(
            plan, status, failure, undone,
            steps=self._rows.steps(plan.id), effects=self._room.effects.of_plan(plan.id),
        )  # fmt: skip
        with self._rows.database.write() as connection:
            row = book.row_of(connection, plan.id)
            self._room.effects.give_up(connection, plan.id, now=now)
            ended = {"state": status, "ended_at": now, "reason": dict(reason), "known": known}
            if row is None or not book.change(connection, plan.id, book.GOING_ON, now=now, **ended):
                return
            let_go(connection, plan.id)
            if status == "succeeded":
                for step in plan.steps:
                    self._change_step(connection, plan, step.id, "done", ended_at=now)
            elif failure.get("step") and failure["step"] not in undone:
                self._change_step(connection, plan, failure["step"], "failed", reason=dict(reason))
            note_outcomes(connection, outcomes_of(plan, row, good, bad, now))
            said = f"remediation.{word_of(plan, status)}"
            tell(connection, plan, said, now=now, seconds=now - row["began_at"], reason=dict(reason))
            self._status(connection, plan.id, status, who=WHO, now=now, reason=reason_text(reason))

    def _status(
        self, connection: Connection, plan_id: str, status: PlanStatus, *, who: str, now: float, reason: str
    ) -> None:
        going_on: tuple[PlanStatus, ...] = ("running", "paused", "undoing")
        self._room.plans.set_status(
            plan_id, status, expected=going_on, who=who, at=now, reason=reason, connection=connection
        )


def _order(plan_id: str, step_id: str, direction: Direction) -> Order:
    return Order(plan_id=plan_id, step_id=step_id, direction=direction)
