"""Runs of workflows and the tasks in them: who asked for what, how it stands, what came of it. What a run does is kept by the durable runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from sre_copilot.errors import StoreError
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, read_page
from sre_copilot.store.workflows import runs, tasks

UNFINISHED = ("waiting", "running")
JSON_COLUMNS = ("trigger", "inputs", "outputs", "answer", "form", "arguments")
FORGET_AT_ONCE = 500


class RunStore:
    """Keeps runs and tasks."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self, row: Mapping[str, Any], *, at_once: int | None = None) -> str:
        """Keep a new run; `opened`, `known` when its cause has one already, `too_many` when so many of its workflow are under way."""
        try:
            with self.database.write() as connection:
                if at_once is not None:
                    mine = (runs.c.workflow_id == row["workflow_id"]) & runs.c.status.in_(UNFINISHED)
                    count = connection.execute(
                        select(func.count()).select_from(runs).where(mine)
                    ).scalar_one()
                    if count >= at_once:
                        found = connection.execute(
                            select(runs.c.id).where(runs.c.cause == row["cause"])
                        ).first()
                        return "known" if found else "too_many"
                connection.execute(insert(runs).values(**_written(row)))
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                return "known"
            raise
        return "opened"

    def of_cause(self, cause: str) -> Row | None:
        """The run that was started for a cause."""
        return self._one(runs.c.cause == cause)

    def get(self, key: str) -> Row | None:
        """One run."""
        return self._one(runs.c.id == key)

    def page(
        self,
        *,
        workflow: str = "",
        statuses: Sequence[str] = (),
        incident: str = "",
        parent: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Runs, latest first."""
        where: list[ColumnElement[bool]] = []
        if workflow:
            where.append(runs.c.workflow_id == workflow)
        if statuses:
            where.append(runs.c.status.in_(list(statuses)))
        if incident:
            where.append(runs.c.incident_id == incident)
        if parent is not None:
            where.append(runs.c.parent == parent)
        found = read_page(self.database, runs, by="created_at", where=where, cursor=cursor, limit=limit)
        return Page(tuple(map(_read, found.rows)), found.next)

    def unfinished(
        self, *, limit: int, before: float | None = None, after: Row | None = None
    ) -> tuple[Row, ...]:
        """Runs that are not over, oldest first; `before`: only those whose deadline is before it; `after`: only those that come after this one."""
        where: list[ColumnElement[bool]] = [runs.c.status.in_(UNFINISHED)]
        if before is not None:
            where.append(runs.c.deadline < before)
        if after is not None:
            place = tuple_(runs.c.created_at, runs.c.id)
            where.append(place > tuple_(literal(after["created_at"]), literal(after["id"])))
        return self._many(select(runs).where(*where).order_by(runs.c.created_at, runs.c.id).limit(limit))

    def unbegun(self, *, before: float, limit: int = 200) -> tuple[Row, ...]:
        """Runs that were kept before a time and may not have been handed to the durable runs."""
        waiting = (runs.c.status == "waiting") & (runs.c.created_at < before)
        return self._many(select(runs).where(waiting).order_by(runs.c.created_at).limit(limit))

    def begun(self, key: str) -> None:
        """The durable runs have it."""
        with self.database.write() as connection:
            connection.execute(
                update(runs).where(runs.c.id == key, runs.c.status == "waiting").values(status="running")
            )

    def finish(
        self, key: str, status: str, *, now: float, outputs: Mapping[str, Any] | None = None, error: str = ""
    ) -> bool:
        """End a run, and close what people are still asked by it; False when it has ended already."""
        values = {
            "status": status,
            "finished_at": now,
            "outputs": json.dumps(outputs or {}),
            "error": error,
            "arguments": "{}",
        }
        asked = (tasks.c.run_id == key) & (tasks.c.status == "open")
        with self.database.write() as connection:
            mine = (runs.c.id == key) & runs.c.status.in_(UNFINISHED)
            ended = connection.execute(update(runs).where(mine).values(**values)).rowcount == 1
            connection.execute(
                update(tasks).where(asked).values(status="closed", answered_at=now, handed_on=True)
            )
        return ended

    def ask(self, row: Mapping[str, Any]) -> bool:
        """Keep a task for a person; False when it is there already."""
        with self.database.write() as connection:
            known = connection.execute(select(tasks.c.id).where(tasks.c.id == row["id"])).first()
            if known is None:
                connection.execute(insert(tasks).values(**_written(row)))
        return known is None

    def answer(self, key: str, answer: Mapping[str, Any], *, who: str, now: float) -> bool:
        """Keep an answer, the first one; False when the task is not open (any more)."""
        values = {"status": "answered", "answer": json.dumps(answer), "answered_by": who, "answered_at": now}
        return self._change(key, values)

    def close(self, key: str, *, now: float) -> bool:
        """Nobody needs the answer any more; False when there is one already."""
        return self._change(key, {"status": "closed", "answered_at": now, "handed_on": True})

    def handed_on(self, key: str) -> None:
        """The run was told of the answer."""
        with self.database.write() as connection:
            connection.execute(update(tasks).where(tasks.c.id == key).values(handed_on=True))

    def unheard(self, limit: int = 200) -> tuple[Row, ...]:
        """Answered tasks of which the run may not have been told."""
        waiting = (tasks.c.status == "answered") & tasks.c.handed_on.is_(False)
        return self._many(select(tasks).where(waiting).limit(limit))

    def task(self, key: str) -> Row | None:
        """One task."""
        found = self._many(select(tasks).where(tasks.c.id == key))
        return found[0] if found else None

    def tasks_page(
        self, *, run: str = "", status: str = "", cursor: str | None = None, limit: int = 100
    ) -> Page:
        """Tasks, latest first."""
        where: list[ColumnElement[bool]] = [tasks.c.run_id == run] if run else []
        where += [tasks.c.status == status] if status else []
        found = read_page(self.database, tasks, by="created_at", where=where, cursor=cursor, limit=limit)
        return Page(tuple(map(_read, found.rows)), found.next)

    def forget(self, *, before: float) -> int:
        """Delete runs that ended before a time, with their tasks; how many, as many as the limit when there may be more."""
        old = (
            select(runs.c.id)
            .where(runs.c.finished_at < before)
            .order_by(runs.c.created_at)
            .limit(FORGET_AT_ONCE)
        )
        with self.database.write() as connection:
            keys = list(connection.execute(old).scalars())
            connection.execute(delete(tasks).where(tasks.c.run_id.in_(keys)))
            connection.execute(delete(runs).where(runs.c.id.in_(keys)))
        return len(keys)

    def _change(self, key: str, values: dict[str, Any]) -> bool:
        with self.database.write() as connection:
            changed = connection.execute(
                update(tasks).where(tasks.c.id == key, tasks.c.status == "open").values(**values)
            )
        return changed.rowcount == 1

    def _one(self, where: ColumnElement[bool]) -> Row | None:
        found = self._many(select(runs).where(where))
        return found[0] if found else None

    def _many(self, query: Any) -> tuple[Row, ...]:
        with self.database.begin() as connection:
            return tuple(_read(dict(row)) for row in connection.execute(query).mappings())


def _written(row: Mapping[str, Any]) -> Row:
    return {key: json.dumps(value) if key in JSON_COLUMNS else value for key, value in row.items()}


def _read(row: Row) -> Row:
    return {key: json.loads(value) if key in JSON_COLUMNS else value for key, value in row.items()}
