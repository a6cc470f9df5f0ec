"""Plans as they were proposed, and how they stand; who voted on them is in `store.approvals`.

A plan is kept as the text that its fingerprint was computed over: what is read back is what was proposed, or it is said that it was altered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import OVER, Plan, PlanStatus
from sre_copilot.errors import StoreError, UsageError
from sre_copilot.store.alerting.happenings import decided
from sre_copilot.store.alerting.outbox import announce
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.paging import Page, Row, read_page
from sre_copilot.store.plan_ids import first_id, next_id
from sre_copilot.store.tables import metadata

MOST_SECONDS = (
    3600  # that an id may lie after its plan: more than a plan a second for an hour is a fault elsewhere
)
STATUSES: tuple[PlanStatus, ...] = get_args(PlanStatus)

plans = Table(
    "plans",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(200), unique=True),
    Column("incident_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("entity", String(300), nullable=False),
    Column("mode", Integer, nullable=False),
    Column("requester", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("decided_at", Float),
    Column("reason", Text, nullable=False),
    Column("told", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_plans_created_at", "created_at", "id"),
    Index("ix_plans_status", "status", "created_at", "id"),
    Index("ix_plans_incident_id", "incident_id", "created_at"),
)
"""`key` is whoever proposed it's own, for the same again; `told` is how many steps of the escalation have been told."""

Telling = Callable[[Plan], Sequence[Notification]]
Ending = Callable[[Plan, PlanStatus, str], Sequence[Notification]]
"""What those who were asked are told when a plan is over, or waits for them no more though they did not decide: how it stands, and why."""
WAITING: frozenset[PlanStatus] = frozenset({"proposed", "approved"})
FINISHED: frozenset[PlanStatus] = frozenset({"succeeded", "rolled_back", "failed"})
UNUSED: frozenset[PlanStatus] = frozenset({"cancelled", "expired"})
SUPERSEDED = "superseded by "
"""How the reason of a plan begins that made way for another, whose id follows."""
Saying = Callable[[Message], str]


class PlanAltered(StoreError):  # noqa: N818 - a kind of StoreError, and it reads better so
    """What the store holds is not what was proposed: it is never carried out."""


class PlanDecided(StoreError):  # noqa: N818 - a kind of StoreError, and it reads better so
    """A plan that was to make way does not wait any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A plan and how it stands; `fingerprint` is the one that was computed when it was proposed."""

    plan: Plan
    status: PlanStatus
    fingerprint: str
    reason: str
    updated_at: float
    decided_at: float | None
    told: int
    revision: int


class PlanStore:
    """Keeps plans; each change of one is a transaction with its event and its entry in the audit.

    `tell` makes, of a plan with its final id, what people are told of it, `tell_end` what they are told when it ends unused; `say` puts its title into words for the event;
    `accompany` adds what goes along with every plan before it is kept.
    """

    def __init__(
        self,
        database: Database,
        *,
        tell: Telling = lambda plan: (),
        tell_end: Ending = lambda plan, status, reason: (),
        say: Saying = lambda message: message.key,
        accompany: Callable[[Plan], Plan] = lambda plan: plan,
    ) -> None:
        self.database, self._accompany = database, accompany
        self._tell, self._tell_end = tell, tell_end
        self._say = say

    def propose(self, plan: Plan, *, key: str = "", instead: Collection[str] = ()) -> Plan:
        """Keep a plan under the next free id, with its event, its entry in the audit and what people are told; the plan as it is kept.

        The same `key` again (a step that is repeated after a crash) is no second plan: the first one is returned.

        Parameters
        ----------
        instead : plans that make way for it, all or nothing; those who were asked for them are told

        Raises
        ------
        UsageError : when it holds what cannot be kept
        PlanDecided : when somebody has decided on one of `instead` meanwhile; nothing is kept then
        """
        with self.database.write() as connection:
            made = _inserted(connection, self._accompany(plan), key or None)
            if made is None:
                return self._known(connection, key)
            NotificationStore(self.database).insert(connection, self._tell(made))
            for each in instead:
                self._supersede(connection, each, made)
            announce(connection, [self._proposed(made)])
            decided(
                connection, made.incident_id, made.id, "plan.proposed", at=made.created_at, who=made.requester,
                what={"key": made.title.key, "params": dict(made.title.params)}, score=made.risk.score,
            )  # fmt: skip
            detail = {"fingerprint": made.fingerprint, "incident": made.incident_id, "strategy": made.strategy,
                      "risk": made.risk.score, "mode": made.risk.mode.name, "origin": made.origin}  # fmt: skip
            AuditChain.append(connection, made.requester, "plan.propose", made.id, "done", detail, made.created_at)  # fmt: skip
            for each in instead:
                AuditChain.append(connection, made.requester, "plan.cancelled", each, "done", {"reason": SUPERSEDED + made.id}, made.created_at)  # fmt: skip
        return made

    def get(self, plan_id: str) -> Kept | None:
        """A plan by its id.

        Raises
        ------
        PlanAltered : when its text is not the one that was proposed
        """
        with self.database.begin() as connection:
            return self.read(connection, plan_id)

    @staticmethod
    def read(connection: Connection, plan_id: str, *, hold: bool = False) -> Kept | None:
        """The same in the caller's transaction; `hold`: nobody else changes it before that is over."""
        if hold:
            mine = update(plans).where(plans.c.id == plan_id)
            connection.execute(mine.values(revision=plans.c.revision + 1))
        row = connection.execute(select(plans).where(plans.c.id == plan_id)).mappings().one_or_none()
        return _kept(dict(row)) if row is not None else None

    def page(
        self,
        *,
        statuses: Collection[str] = (),
        incident_id: str = "",
        since: float | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Plans as rows, the latest first; `document` is the text of the plan (`plan_of`)."""
        where: list[ColumnElement[bool]] = [plans.c.status.in_(statuses)] if statuses else []
        where += [plans.c.incident_id == incident_id] if incident_id else []
        where += [plans.c.created_at >= since] if since is not None else []
        return read_page(self.database, plans, by="created_at", where=where, cursor=cursor, limit=limit)

    def all_of(self, statuses: Collection[str]) -> tuple[Row, ...]:
        """Every plan of some statuses, the earliest first: of `proposed` and of what is under way there are few."""
        query = select(plans).where(plans.c.status.in_(statuses)).order_by(plans.c.created_at, plans.c.id)
        with self.database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def under_way(self, prefix: str) -> dict[str, str]:
        """Keys of plans that are not over, by id, of those whose key begins so."""
        going_on = plans.c.status.in_([each for each in STATUSES if each not in OVER])
        query = select(plans.c.id, plans.c.key).where(
            going_on, plans.c.key.startswith(prefix, autoescape=True)
        )
        with self.database.begin() as connection:
            return {str(row.id): str(row.key) for row in connection.execute(query)}

    def counts(self) -> dict[str, int]:
        """How many plans there are of each status."""
        query = select(plans.c.status, func.count()).group_by(plans.c.status)
        with self.database.begin() as connection:
            return {str(status): int(count) for status, count in connection.execute(query)}

    def set_status(
        self,
        plan_id: str,
        status: PlanStatus,
        *,
        expected: PlanStatus | Collection[PlanStatus],
        who: str,
        at: float,
        reason: str = "",
        connection: Connection | None = None,
    ) -> bool:
        """Change how a plan stands, if it stands as expected; with its entry in the audit, in the caller's transaction (as the last of it) or one of its own.

        False: it stands otherwise by now, nothing was changed.
        """
        if connection is not None:
            return self._moved(connection, plan_id, status, expected, who=who, at=at, reason=reason)
        with self.database.write() as own:
            return self._moved(own, plan_id, status, expected, who=who, at=at, reason=reason)

    def _moved(
        self,
        connection: Connection,
        plan_id: str,
        status: PlanStatus,
        expected: PlanStatus | Collection[PlanStatus],
        *,
        who: str,
        at: float,
        reason: str,
    ) -> bool:
        before = (expected,) if isinstance(expected, str) else tuple(expected)
        if not changed(connection, plan_id, before, who=who, status=status, reason=reason, updated_at=at):
            return False
        if status in FINISHED or status in UNUSED:
            self._end(connection, plan_id, status, reason)
        AuditChain.append(connection, who, f"plan.{status}", plan_id, "done", {"reason": reason}, at)
        return True

    def _supersede(self, connection: Connection, plan_id: str, by: Plan) -> None:
        reason = SUPERSEDED + by.id
        values: Row = {"status": "cancelled", "reason": reason, "updated_at": by.created_at}
        if not changed(connection, plan_id, ("proposed",), **values):
            raise PlanDecided(f"plan {plan_id}: somebody has decided on it meanwhile. Look at it again.")
        self._end(connection, plan_id, "cancelled", reason)

    def _end(self, connection: Connection, plan_id: str, status: PlanStatus, reason: str) -> None:
        """Tell those who were asked; of one that was altered nobody is told what it does not say."""
        with suppress(PlanAltered):
            if (kept := self.read(connection, plan_id)) is not None:
                told = self._tell_end(kept.plan, status, reason)
                NotificationStore(self.database).insert(connection, told)

    def _known(self, connection: Connection, key: str) -> Plan:
        row = connection.execute(select(plans).where(plans.c.key == key)).mappings().one()
        return _kept(dict(row)).plan

    def _proposed(self, plan: Plan) -> Event:
        data = {
            **event_data(plan, plan.created_at),
            "title": self._say(plan.title),
            "risk": f"{plan.risk.score:.2f} {plan.risk.mode.name}",
            "steps": [
                {"id": step.id, "action": step.action.name, "target": step.action.target.key}
                for step in plan.steps
            ],
        }
        return event(EventType.PLAN_PROPOSED, plan, data, at=plan.created_at)


def plan_of(document: str | bytes) -> Plan:
    """A plan out of its text.

    Raises
    ------
    PlanAltered : when it is none
    """
    try:
        return _adapter().validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise PlanAltered(f"plan: its text cannot be read ({place}: {first['msg']}). It was altered; propose it anew.") from None  # fmt: skip


def text_of(plan: Plan) -> str:
    """A plan as the text that is kept.

    Raises
    ------
    UsageError : when it holds what JSON cannot say
    """
    try:
        return json.dumps(asdict(plan), allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError) as error:
        raise UsageError(f"plan: holds what cannot be kept: {error}. Leave it out.") from None


def event(kind: EventType, plan: Plan, data: Mapping[str, Any], *, at: float) -> Event:
    """An event about a plan; its key is the incident, else the plan."""
    name = hashlib.blake2b(f"{kind.value}/{plan.id}".encode(), digest_size=16).hexdigest()
    return Event(id=name, type=kind, key=plan.incident_id or plan.id, at=at, data=data)


def event_data(plan: Plan, at: float) -> dict[str, Any]:
    """What every event about a plan says."""
    return {"plan_id": plan.id, "incident_id": plan.incident_id, "digest": plan.fingerprint, "at": at}


def changed(
    connection: Connection,
    plan_id: str,
    expected: Collection[str],
    *,
    who: Any = "sre-copilot",
    **values: Any,
) -> bool:
    """Set columns of a plan that stands as expected, in the caller's transaction, who also writes the audit; whether it did.

    That one ends which was never begun is told on the timeline of its incident, in the name of `who`.
    """
    mine = update(plans).where(plans.c.id == plan_id, plans.c.status.in_(expected))
    found = mine.values(**values, revision=plans.c.revision + 1).returning(plans.c.incident_id)
    row = connection.execute(found).first()
    if row is not None and values.get("status") in UNUSED and set(expected) <= WAITING:
        key, reason = f"plan.{values['status']}", str(values.get("reason", ""))
        if key == "plan.expired" and "proposed" not in expected:
            key = "plan.expired_unused"
        if reason.startswith(SUPERSEDED):
            key, reason = "plan.superseded", reason.removeprefix(SUPERSEDED)
        decided(connection, row[0], plan_id, key, at=values["updated_at"], who=who, reason=reason)
    return row is not None


def _inserted(connection: Connection, plan: Plan, key: str | None) -> Plan | None:
    """The plan as it was inserted under the first free id; None when there is one of its key."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    wanted = plan.id or first_id(plan.created_at)
    for _ in range(MOST_SECONDS):
        made = plan_of(text_of(replace(plan, id=wanted)))
        new = dialect.insert(plans).values(_row(made, key)).on_conflict_do_nothing()
        if connection.execute(new.returning(plans.c.id)).first() is not None:
            return made
        if key and connection.execute(select(plans.c.id).where(plans.c.key == key)).first() is not None:
            return None
        wanted = next_id(wanted)
    raise StoreError(f"plans: no id was free within an hour after {plan.id}. Something proposes without end.")


def _row(plan: Plan, key: str | None) -> Row:
    return {
        "id": plan.id,
        "key": key[:200] if key else None,
        "incident_id": plan.incident_id[:64],
        "status": "proposed",
        "fingerprint": plan.fingerprint,
        "entity": plan.entity[:300],
        "mode": int(plan.risk.mode),
        "requester": plan.requester[:200],
        "created_at": plan.created_at,
        "updated_at": plan.created_at,
        "decided_at": None,
        "reason": "",
        "told": 0,
        "revision": 1,
        "document": text_of(plan),
    }


def _kept(row: Mapping[str, Any]) -> Kept:
    plan = plan_of(row["document"])
    if plan.fingerprint != row["fingerprint"] or plan.id != row["id"]:
        raise PlanAltered(f"plan {row['id']}: its text is not the one that was proposed. It is not carried out; propose it anew.")  # fmt: skip
    names = ("status", "fingerprint", "reason", "updated_at", "decided_at", "told", "revision")
    return Kept(plan=plan, **{name: row[name] for name in names})


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
