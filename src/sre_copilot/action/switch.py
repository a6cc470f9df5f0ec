"""The kill switch, and what keeps autonomous plans from beginning after a crash: facts in the store, so that every worker sees them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from sre_copilot.action.order import Audit
from sre_copilot.clock import Clock
from sre_copilot.domain.plan import PlanStatus
from sre_copilot.store.alerting.happenings import KILL_SWITCH, happened_to_all
from sre_copilot.store.database import Database
from sre_copilot.store.facts import read_fact, write_fact
from sre_copilot.store.plans import plans

SWITCH = "act.killswitch"
HELD = "act.autonomy_held"
WHO = 200
REASON = 1000
LIVING: tuple[PlanStatus, ...] = ("proposed", "approved", "running", "paused", "undoing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the switch stands: thrown or not, since when, by whom and why; and the same of what a crash has left."""

    thrown: bool
    at: float | None = None
    who: str = ""
    reason: str = ""
    held: bool = False
    held_at: float | None = None
    held_plan: str = ""
    held_worker: str = ""


class Switch:
    """Stops all that acts, for every worker; turned by people, and audited."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database, self._audit, self._clock = database, audit, clock

    def standing(self) -> Standing:
        """How it stands now."""
        with self._database.begin() as connection:
            return standing(connection)

    def throw(self, *, who: str, reason: str) -> Standing:
        """No plan begins any more, and begun ones are taken back or completed, as `remediation.on_kill_switch` says."""
        return self._set("killswitch.on", who, reason, thrown=True)

    def reset(self, *, who: str, reason: str) -> Standing:
        """Plans may begin again; what a crash has held up is released with it."""
        return self._set("killswitch.off", who, reason, thrown=False)

    def _set(self, verb: str, who: str, reason: str, *, thrown: bool) -> Standing:
        now = self._clock.now()
        fact = {"thrown": thrown, "at": now, "who": who[:WHO], "reason": reason[:REASON]}
        with self._database.write() as connection:
            write_fact(connection, SWITCH, fact)
            if not thrown:
                write_fact(connection, HELD, {})
            concerned = _concerned(connection)
            said = {"reason": fact["reason"]}
            happened_to_all(connection, concerned, KILL_SWITCH, verb, at=now, who=who[:WHO], params=said)
            self._audit.append(connection, who[:WHO], verb, "killswitch", "done", {"reason": fact["reason"]}, now)  # fmt: skip
            return standing(connection)


def _concerned(connection: Connection) -> tuple[str, ...]:
    """Incidents with a plan of which something may still come."""
    query = select(plans.c.incident_id).where(plans.c.status.in_(LIVING)).order_by(plans.c.created_at)
    return tuple(connection.execute(query).scalars())


def standing(connection: Connection) -> Standing:
    """How it stands, in the caller's transaction."""
    thrown: Mapping[str, Any] = read_fact(connection, SWITCH) or {}
    held: Mapping[str, Any] = read_fact(connection, HELD) or {}
    return Standing(
        thrown=bool(thrown.get("thrown")),
        at=thrown.get("at"),
        who=thrown.get("who", ""),
        reason=thrown.get("reason", ""),
        held=bool(held),
        held_at=held.get("at"),
        held_plan=held.get("plan", ""),
        held_worker=held.get("worker", ""),
    )


def hold_autonomy(connection: Connection, audit: Audit, *, plan_id: str, worker: str, now: float) -> bool:
    """A worker died with an autonomous plan begun: no further one begins until a person says so; False when that was so already."""
    if read_fact(connection, HELD):
        return False
    write_fact(connection, HELD, {"at": now, "plan": plan_id, "worker": worker})
    audit.append(connection, "sre-copilot", "autonomy.hold", plan_id, "done", {"worker": worker}, now)
    return True
