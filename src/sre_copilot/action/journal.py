"""What is written of orders: intent and outcome, each with its event and its entry in the audit in one transaction; refusals too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from sre_copilot.action.executor import Effect, Looked
from sre_copilot.action.limits import Lock, wanted
from sre_copilot.action.order import Audit, Order, Performed, plain_message
from sre_copilot.action.work import Work, event_of, spoken
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Message
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.store import limits as held
from sre_copilot.store.alerting.outbox import announce
from sre_copilot.store.effects import Effects, Prepared, Refused, State
from sre_copilot.store.paging import Row
from sre_copilot.telemetry import clean

OTHER_PLAN_S = 5.0  # pause before a target is asked for again that another plan works at


class Journal:
    """Writes what is begun and what came of it; whoever writes holds the lock of the target."""

    def __init__(self, effects: Effects, audit: Audit, clock: Clock, limits: ActionLimits) -> None:
        self._effects, self._audit, self._clock, self._limits = effects, audit, clock, limits

    def known(self, key: str) -> Row | None:
        """What is written of an effect."""
        return self._effects.get(key)

    def of_plan(self, plan_id: str) -> Sequence[Row]:
        """All effects of a plan."""
        return self._effects.of_plan(plan_id)

    def saw(self, order: Order, digest: str) -> None:
        """Keep how the target is after the effect; '' is nothing to keep."""
        if digest:
            self._effects.saw(order.key, digest)

    def take_over(self, work: Work, lock: Lock) -> Row:
        """An attempt that was cut off is from here on this worker's to judge; nothing is begun.

        Raises
        ------
        Fenced : when another holds the lock of the target by now
        """
        return self._effects.take_over(work.order.key, lock.lease)

    def prepared(self, work: Work, looked: Looked) -> Row:
        """Keep how the target is before the effect; of an undo, what it is to be restored to."""
        backup = work.backup if work.by_backup else work.executor.backup(work.action)
        made = Prepared(
            key=work.order.key,
            plan_id=work.order.plan_id,
            step_id=work.order.step_id,
            direction=work.order.direction,
            action=work.action.name,
            target=work.action.target.key,
            incident_id=work.admitted.plan.incident_id,
            autonomous=work.admitted.autonomous,
            digest=looked.digest,
            version=looked.version,
            backup=backup,
        )
        return self._effects.prepare(made, now=self._clock.now())

    def intend(self, work: Work, lock: Lock, *, first: bool) -> Row:
        """Write that it is begun; limits are counted at the first time.

        Raises
        ------
        Fenced : when another holds the lock of the target by now
        Refused : when a limit says no, or another plan works at the target
        """
        now, target = self._clock.now(), work.action.target.key
        counted = first and work.order.direction == "do"

        def also(connection: Connection) -> None:
            if held.holder(connection, target) not in (None, work.order.plan_id):
                raise Refused(held.Limit(reason="limits.other_plan", allowed=1, wait_s=OTHER_PLAN_S))
            announce(connection, [event_of(work, "started", now=now)])
            self._note(connection, work, "begun", now)

        limits = wanted(work.action, work.order.plan_id, self._limits) if counted else None
        return self._effects.intend(work.order.key, lock.lease, now=now, wanted=limits, also=also)

    def finish(
        self,
        work: Work,
        lock: Lock,
        row: Row,
        state: State,
        *,
        effect: Effect | None = None,
        problem: str = "",
    ) -> None:
        """Write the outcome.

        Raises
        ------
        Fenced : when another has begun it meanwhile
        """
        now, problem = self._clock.now(), clean(problem)
        kept: dict[str, Any] = {}
        if effect is not None:
            kept = {"changed": effect.changed, "detail": dict(effect.detail), "version": effect.version}

        def also(connection: Connection) -> None:
            if state != "intended":
                told = {"outcome": spoken(state, work.order.direction), "error": problem[:500]}
                what = f"finished/{row['attempts']}"
                announce(connection, [event_of(work, what, now=now, **told)])
            self._note(connection, work, state, now, problem=problem)

        self._effects.finish(
            work.order.key, lock.lease, state, now=now, effect=kept, problem=problem, also=also
        )

    def refuse(self, order: Order, reason: Message) -> Performed:
        """Write that it may not be done, and answer that."""
        now = self._clock.now()
        verb, detail = f"action.{order.direction}", plain_message(reason)

        def also(connection: Connection) -> None:
            self._audit.append(connection, "sre-copilot", verb, order.key, "refused", detail, now)

        self._effects.note(also)
        return Performed(outcome="refused", reason=reason, at=now)

    def _note(
        self, connection: Connection, work: Work, outcome: str, now: float, *, problem: str = ""
    ) -> None:
        detail = {
            "action": work.action.name,
            "target": work.action.target.key,
            "autonomous": work.admitted.autonomous,
            "fingerprint": work.admitted.plan.fingerprint,
            "problem": problem[:500],
        }
        verb = f"action.{work.order.direction}"
        self._audit.append(connection, work.admitted.who, verb, work.order.key, outcome, detail, now)
