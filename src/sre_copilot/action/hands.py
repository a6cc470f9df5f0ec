"""Hands: the only caller of an executor's `execute` and `undo`. They trust nobody, and know after a crash what they did not finish.

An effect goes through these doors, in this order: admission (approved, unchanged, not frozen, switch not thrown) → lock of the target, and a place among
the effects under way → look and backup → admission once more → limits and intent, one transaction under the lock → its time-out fits into what is left of
the lock → the effect, by its key → the outcome, written by who still holds the lock → how the target is now, for an undo takes back nothing else.
What an earlier attempt has left is looked for first of all: that changes nothing, and needs no admission.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.journal import Journal
from sre_copilot.action.limits import Busy, Lock, Locks
from sre_copilot.action.order import Admission, Admitted, Audit, NotAdmitted, Order, Performed, act_of
from sre_copilot.action.work import Work, as_before, foreign, never, objection
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.store.effects import Effects, Refused
from sre_copilot.store.leases import Fenced
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import clean

AGAIN_S = 2.0  # pause before the same effect is tried again: a service that restarts is back within some
LOOK_S = 30.0  # longest look at a target


class Hands:
    """Carries out steps of admitted plans, each effect once where its target lets that be told.

    Parameters
    ----------
    admission : says whether an order may be carried out now; raises `NotAdmitted`
    audit : where refusals, intents and outcomes are written
    cancelled : whether a plan was called off; asked by executors while an effect is under way
    counted : told each outcome, for the metrics
    """

    def __init__(
        self,
        catalogue: Catalogue,
        effects: Effects,
        locks: Locks,
        *,
        admission: Admission,
        audit: Audit,
        clock: Clock,
        limits: ActionLimits | None = None,
        cancelled: Callable[[str], bool] = lambda plan_id: False,
        counted: Callable[[str, str], object] = lambda action, outcome: None,
    ) -> None:
        self.catalogue = catalogue
        self._locks, self._admission, self._clock = locks, admission, clock
        self._journal = Journal(effects, audit, clock, limits or ActionLimits())
        self._cancelled, self._counted = cancelled, counted

    # -- what changes nothing, and needs no approval ------------------------------------------------------------------

    def preview(self, action: Action) -> Preview:
        """What an action would do now."""
        executor = self.catalogue.executor(action)
        return executor.preview(executor.check(action))

    def look(self, action: Action) -> Looked:
        """The present state of a target."""
        executor = self.catalogue.executor(action)
        return executor.look(executor.check(action))

    def backup(self, order: Order) -> Performed:
        """Look at the target of a step and keep what its undo needs; harmless to repeat, and without meaning once the step was begun."""
        try:
            work = self._work(order)
            looked = work.executor.look(work.action)
            if (reason := objection(work, looked)) is not None and not self._begun(order):
                return self._journal.refuse(order, reason)
            self._journal.prepared(work, looked)
        except NotAdmitted as no:
            return self._journal.refuse(order, no.reason)
        except ActionError as error:
            return self._problem(error)
        return Performed(outcome="done", at=self._clock.now())

    def verify(self, order: Order) -> Verified:
        """Whether the target has come to the state that a done order was to bring about.

        Raises
        ------
        NotAdmitted : when the plan is not carried out any more
        ActionError : when the target does not answer
        """
        work = self._work(order, self._admission.kept)
        found = self._verified(work)
        if found.ok and order.direction == "do":
            self._journal.saw(order, self._digest(work))
        return found

    def _verified(self, work: Work) -> Verified:
        if not work.by_backup:
            return work.executor.verify(work.action, self._call(work, LOOK_S))
        if as_before(work, work.executor.look(work.action)):
            return Verified(ok=True, settled=True, reason=Message(key="action.restored"))
        back = work.executor.done(work.action, self._call(work, LOOK_S), work.backup)
        said = "action.restored" if back else "action.not_restored"
        return Verified(ok=back is True, settled=back is True, reason=Message(key=said))

    # -- what changes something ---------------------------------------------------------------------------------------

    def perform(self, order: Order) -> Performed:
        """Carry out an order, unless it is done already; the answer says what is so, and nothing is raised for what may happen.

        Raises
        ------
        StoreError : when the store does not answer; nothing further is begun then
        """
        known = self._journal.known(order.key)
        if known is not None and known["state"] in ("done", "unknown"):
            return _told(known)
        doubt = _in_doubt(known)
        try:
            work = self._work(order, self._admission.kept if doubt else self._admission)
        except NotAdmitted as no:
            return self._journal.refuse(order, no.reason)
        except ActionError as error:
            return self._problem(error, doubt=doubt)
        if (reason := never(work)) is not None:
            return self._journal.refuse(order, reason)
        performed = self._with_lock(work, doubt)
        self._counted(work.action.name, performed.outcome)
        return performed

    def _with_lock(self, work: Work, doubt: bool) -> Performed:
        """The effect under the lock; as long as an earlier attempt is in doubt, no answer says that nothing was changed."""
        lock = self._locks.take(work.action.target, work.timeout_s)
        if isinstance(lock, Busy):
            return replace(self._wait(lock.reason, lock.wait_s), in_doubt=doubt)
        try:
            return self._locked(work, lock)
        except NotAdmitted as no:
            return self._journal.refuse(work.order, no.reason)
        except Fenced:
            return replace(self._wait("limits.fenced", AGAIN_S), in_doubt=doubt)
        except Refused as no:
            wait = self._wait(no.limit.reason, no.limit.wait_s, allowed=no.limit.allowed)
            return replace(wait, in_doubt=doubt)
        except ActionError as error:
            return self._problem(error, doubt=doubt)
        finally:
            lock.release()

    def _locked(self, work: Work, lock: Lock) -> Performed:
        """The effect, while nobody else touches the target."""
        known = self._journal.known(work.order.key)
        if known is not None and known["state"] in ("done", "unknown"):
            return _told(known)
        looked = work.executor.look(work.action)
        doubt = False
        if known is not None and _in_doubt(known):
            known = self._journal.take_over(work, lock)
            settled, doubt = self._left(work, lock, known, looked)
            if settled is not None:
                return settled
            if not doubt:
                self._journal.finish(work, lock, known, "none", problem="cut off before anything was changed")
        elif (reason := objection(work, looked) or self._foreign(work, looked)) is not None:
            return self._journal.refuse(work.order, reason)
        else:
            self._journal.prepared(work, looked)
        try:
            self._admission(work.order)
        except NotAdmitted as no:
            return (
                self._too_late(work, lock, known, no)
                if doubt and known
                else self._journal.refuse(work.order, no.reason)
            )
        return self._begin(work, lock, looked, doubt=doubt, first=known is None or not known["attempts"])

    def _begin(self, work: Work, lock: Lock, looked: Looked, *, doubt: bool, first: bool) -> Performed:
        """Nothing speaks against it; `doubt`: an earlier attempt may have had its effect, and having it twice does no harm."""
        row = self._journal.intend(work, lock, first=first)
        if as_before(work, looked):
            return self._found(work, lock, row, looked)
        if lock.remaining() < work.timeout_s:
            problem = "not begun: the lock would have run out before its end"
            self._journal.finish(work, lock, row, "intended" if doubt else "none", problem=problem)
            return replace(self._wait("limits.late", AGAIN_S), in_doubt=doubt)
        performed = self._act(work, lock, row, looked.version if work.spec.fenced else "", doubt=doubt)
        if performed.outcome == "done" and work.order.direction == "do":
            self._journal.saw(work.order, self._digest(work))
        return performed

    def _too_late(self, work: Work, lock: Lock, row: Row, no: NotAdmitted) -> Performed:
        """What may have been done may not be tried again: nobody can tell what there is."""
        problem = f"an earlier attempt was cut off, and may not be repeated: {no.reason.key}"
        return self._unknown(work, lock, row, problem)

    def _act(self, work: Work, lock: Lock, row: Row, version: str, *, doubt: bool) -> Performed:
        call = self._call(work, min(work.timeout_s, lock.remaining()), version)
        try:
            if work.by_backup:
                effect = work.executor.undo(work.action, call, work.backup)
            else:
                effect = work.executor.execute(work.action, call)
        except ActionError as error:
            return self._failed(work, lock, row, error, doubt=doubt)
        self._journal.finish(work, lock, row, "done", effect=effect)
        return self._done(effect)

    def _left(self, work: Work, lock: Lock, row: Row, looked: Looked) -> tuple[Performed | None, bool]:
        """What an earlier attempt has left; None when the effect is to be made, and whether it may be there nevertheless."""
        if not work.spec.exactly_once:
            problem = "an earlier attempt was cut off, and this target keeps no key and shows no state"
            return self._unknown(work, lock, row, problem), False
        if work.by_backup:
            seen: bool | None = as_before(work, looked)
        else:
            seen = work.executor.done(work.action, self._call(work, LOOK_S), row["backup"])
        if seen:
            return self._found(work, lock, row, looked), False
        if seen is None and not work.spec.idempotent:
            problem = "an earlier attempt was cut off, and the target does not tell what came of it"
            return self._unknown(work, lock, row, problem), False
        return None, seen is None

    def _found(self, work: Work, lock: Lock, row: Row, looked: Looked) -> Performed:
        """The effect is there already."""
        effect = Effect(changed=True, detail={"found": True}, version=looked.version)
        self._journal.finish(work, lock, row, "done", effect=effect)
        if work.order.direction == "do":
            self._journal.saw(work.order, looked.digest)
        return self._done(effect)

    def _failed(self, work: Work, lock: Lock, row: Row, error: ActionError, *, doubt: bool) -> Performed:
        """An executor has raised: what is known of the effect decides what may follow."""
        problem = clean(str(error))
        if error.effect == "done":
            effect = Effect(changed=True, detail={"problem": problem})
            self._journal.finish(work, lock, row, "done", effect=effect, problem=problem)
            return replace(self._done(effect), problem=problem)
        if error.effect == "none" and not doubt:
            self._journal.finish(work, lock, row, "none", problem=problem)
            return self._problem(error)
        if not work.spec.exactly_once:
            return self._unknown(work, lock, row, problem)
        self._journal.finish(work, lock, row, "intended", problem=problem)
        return self._problem(error, doubt=True)

    def _foreign(self, work: Work, looked: Looked) -> Message | None:
        """Why an undo leaves a target alone: it shows what this plan has neither found nor left there."""
        if work.order.direction == "do":
            return None
        seen = looked.digest if work.by_backup else self._digest(work)
        return foreign(work, seen, self._journal.of_plan(work.order.plan_id))

    def _digest(self, work: Work) -> str:
        """How the target of a step is now; '' where its executor does not tell, or it does not answer."""
        action = work.admitted.step.action
        try:
            executor = self.catalogue.executor(action)
            return executor.look(executor.check(action)).digest
        except ActionError:
            return ""

    def _work(self, order: Order, admission: Callable[[Order], Admitted] | None = None) -> Work:
        """The order with what belongs to it, admitted anew; what only looks is content with what was `kept`."""
        admitted = (admission or self._admission)(order)
        named = act_of(admitted.step, order.direction)
        executor = self.catalogue.executor(named)
        undoing = order.direction == "undo"
        first = self._journal.known(replace(order, direction="do").key) if undoing else None
        return Work(order, admitted, executor.check(named), self.catalogue.spec(named.name), executor, first)

    def _begun(self, order: Order) -> bool:
        known = self._journal.known(order.key)
        return known is not None and known["attempts"] > 0

    def _call(self, work: Work, seconds: float, version: str = "") -> Call:
        plan_id, doing = work.order.plan_id, work.order.direction == "do"
        return Call(
            key=work.order.key,
            deadline=time.monotonic() + seconds,
            version=version,
            cancelled=lambda: doing and self._cancelled(plan_id),
        )

    # -- what is answered ---------------------------------------------------------------------------------------------

    def _unknown(self, work: Work, lock: Lock, row: Row, problem: str) -> Performed:
        self._journal.finish(work, lock, row, "unknown", problem=problem)
        return self._answer("unknown", _unknown(work.action.name), problem=problem)

    def _problem(self, error: ActionError, *, doubt: bool = False) -> Performed:
        problem = clean(str(error))
        reason = Message(key="action.problem", params=(("problem", problem[:500]),))
        if doubt:
            return self._answer("unknown", reason, problem=problem, wait_s=AGAIN_S, in_doubt=True)
        return self._answer("failed", reason, problem=problem, wait_s=AGAIN_S if error.retry else None)

    def _wait(self, reason: str, wait_s: float, *, allowed: float = 0.0) -> Performed:
        return self._answer("wait", Message(key=reason, params=(("allowed", allowed),)), wait_s=wait_s)

    def _done(self, effect: Effect) -> Performed:
        return self._answer("done", None, changed=effect.changed, detail=effect.detail)

    def _answer(self, outcome: Any, reason: Message | None, **more: Any) -> Performed:
        return Performed(outcome=outcome, reason=reason, at=self._clock.now(), **more)


def _told(row: Row) -> Performed:
    """The outcome that is written already."""
    effect: Mapping[str, Any] = row["effect"] or {}
    done = row["state"] == "done"
    return Performed(
        outcome="done" if done else "unknown",
        reason=None if done else _unknown(row["action"]),
        problem=row["problem"],
        changed=bool(effect.get("changed")),
        detail=effect.get("detail") or {},
        at=row["ended_at"] or 0.0,
    )


def _in_doubt(known: Row | None) -> bool:
    """Whether an attempt was begun of which nobody knows what came."""
    return known is not None and known["state"] == "intended"


def _unknown(action: str) -> Message:
    return Message(key="action.unknown", params=(("action", action),))
