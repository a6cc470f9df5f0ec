"""The executor `sql`: each statement of the catalogue is an action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection, text

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import UNDO, VerbExecutor, digest, refused, undoing
from sre_copilot.action.executors.levels import LEVELS
from sre_copilot.action.executors.parameters import schema_of, wrong_text
from sre_copilot.action.executors.sql.database import SHOWN_ROWS, Known, Target
from sre_copilot.action.executors.sql.settings import (
    VERSION,
    SqlExecutorSettings,
    SqlStatement,
    acts_by_function,
    selects,
)
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

KIND = "database"
EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN "}


class SqlExecutor(VerbExecutor):
    """Statements of one catalogue in one database."""

    Settings: ClassVar[type[SqlExecutorSettings]] = SqlExecutorSettings

    def __init__(self, settings: SqlExecutorSettings) -> None:
        target = Target(settings)
        verbs = [StatementVerb(settings, each, target) for each in settings.statements]
        super().__init__(settings.name, verbs, allowed=(settings.database,))


class StatementVerb:
    """One statement."""

    def __init__(self, settings: SqlExecutorSettings, told: SqlStatement, target: Target) -> None:
        self._settings, self._told, self._target = settings, told, target
        self._selects = selects(told, target.dialect)
        self._by_function = acts_by_function(told.statement, target.dialect)
        self._undo_by_function = bool(told.undo) and acts_by_function(told.undo, target.dialect)
        self._keyed = settings.keys_table and not self._by_function
        self.spec = ActionSpec(
            name=f"{settings.name}.{told.name}",
            level=LEVELS[told.level],
            parameters=schema_of(told.parameters),
            kinds=(KIND,),
            does=Message(key="sql.does.run", params=(("statement", told.name),)),
            reversible=bool(told.undo),
            exactly_once=self._keyed or bool(told.check),
            fenced=bool(told.version),
            timeout_seconds=told.timeout_seconds,
            idempotent=bool(told.check),
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is, if its texts are texts."""
        if wrong := wrong_text(action.parameters, self._told.parameters):
            raise self._refused(f"parameters.{wrong}: is no text that may be given; change it")
        return action

    def look(self, action: Action) -> Looked:
        """What `look` finds; without it nothing is known of the state."""
        if not (self._told.look or self._told.version):
            return Looked(exists=True)
        with self._target.reading(None) as connection:
            version = self._version(connection, action) if self._told.version else ""
            if not self._told.look:
                return Looked(exists=True, digest=digest(version), version=version)
            rows = self._target.rows(connection, self._told.look, action.parameters)
        return Looked(
            exists=bool(rows), state=_state(rows), digest=digest(rows) if rows else "", version=version
        )

    def preview(self, action: Action) -> Preview:
        """Rows before and after, in a transaction that is rolled back; or what EXPLAIN says."""
        objections = () if self.spec.exactly_once else (Message(key="sql.objection.no_trace"),)
        with self._target.reading(None) as connection:
            before = self._seen(connection, action)
            if self._told.dry_run == "explain" or self._by_function:
                values = self._values(connection, action, "")
                plan = connection.execute(text(EXPLAIN[self._target.dialect] + self._told.statement), values)
                lines = tuple(str(row[-1]) for row in plan)
                return Preview(before=_state(before), after=_state(before), difference=lines, objections=objections, checked_by_target=True)  # fmt: skip
            count = self._run(connection, action, "")
            after = self._seen(connection, action)
        changed = [f"- {_line(row)}" for row in before if row not in after] + [f"+ {_line(row)}" for row in after if row not in before]  # fmt: skip
        lines = (f"{count} rows", *changed[: 2 * SHOWN_ROWS])
        return Preview(before=_state(before), after=_state(after), difference=lines, objections=objections, checked_by_target=True)  # fmt: skip

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `backup` finds."""
        with self._target.reading(None) as connection:
            state = self._seen(connection, action)
            rows = (
                self._target.rows(connection, self._told.backup, action.parameters)
                if self._told.backup
                else []
            )
        if len(rows) > self._told.most_rows:
            raise self._refused(f"{self._told.name}: {len(rows)} rows would have to be restored, and {self._told.most_rows} may change; narrow it")  # fmt: skip
        return {"rows": rows, "digest": digest(state) if state else ""}

    def execute(self, action: Action, call: Call) -> Effect:
        """Run it in one transaction with its key."""
        effect = "unknown" if self._by_function else "none"
        try:
            with self._target.changing(call, effect=effect) as connection:
                if self._told.check and self._target.value(connection, self._told.check, action.parameters):
                    return Effect(changed=False)
                count = self._run(connection, action, call.version)
        except Known:
            return Effect(changed=False)
        return Effect(changed=True, detail={"rows": count})

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the key, else by `check`; an undo by the state where `look` shows it: that it was committed does not mean that it restored."""
        with self._target.reading(call) as connection:
            held = self._keyed and self._target.holds(connection, call.key)
            if undoing(call) and (former := backup.get("digest")):
                return bool(digest(self._seen(connection, action)) == former)
            if held:
                return True
            if self._told.check and not undoing(call):
                return bool(self._target.value(connection, self._told.check, action.parameters))
            return False if self._keyed else None

    def verify(self, action: Action, call: Call) -> Verified:
        """What `check` says; without it, that it was committed is all that is known."""
        if not self._told.check:
            return Verified(ok=True, settled=True, reason=Message(key="sql.verify.committed"))
        with self._target.reading(call) as connection:
            ok = bool(self._target.value(connection, self._told.check, action.parameters))
        return Verified(
            ok=ok, settled=ok, reason=Message(key="sql.verify.as_asked" if ok else "sql.verify.otherwise")
        )

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Restore each row of the backup, in one transaction with its key; nothing, where nothing was done."""
        if not self._told.undo:
            raise self._refused(f"{self.spec.name} cannot be undone; let a person decide")
        try:
            effect = "unknown" if self._undo_by_function else "none"
            with self._target.changing(call, effect=effect) as connection:
                done_key = call.key.removesuffix(UNDO) + "/do"
                never = self._keyed and undoing(call) and not self._target.holds(connection, done_key)
                former = backup.get("digest")
                if never or (former and digest(self._seen(connection, action)) == former):
                    return Effect(changed=False)
                count = sum(self._restored(connection, action, row) for row in backup.get("rows", ()))
                self._limited(count, least=0)
        except Known:
            return Effect(changed=False)
        return Effect(changed=count > 0, detail={"rows": count})

    def _restored(self, connection: Connection, action: Action, row: Mapping[str, Any]) -> int:
        values = {**action.parameters, **row, **{f"before_{name}": value for name, value in row.items()}}
        return _count(connection.execute(text(self._told.undo), values))

    def _run(self, connection: Connection, action: Action, version: str) -> int:
        result = connection.execute(text(self._told.statement), self._values(connection, action, version))
        count = len(result.fetchall()) if self._selects else _count(result)
        return self._limited(count, least=self._told.least_rows)

    def _limited(self, count: int, *, least: int) -> int:
        told, effect = self._told, "unknown" if self._by_function else "none"
        place = f"{self._settings.name}: {told.name} on {self._settings.database}"
        if count < least:
            why = (
                "the row was changed after it was looked at, or is not there"
                if told.version
                else "there is no such row"
            )
            raise ActionError(f"{place}: would change {count} rows, and at least {least} must change ({why}); rolled back", effect=effect)  # fmt: skip
        if count > told.most_rows:
            raise ActionError(f"{place}: would change {count} rows, and most_rows allows {told.most_rows}; rolled back", effect=effect)  # fmt: skip
        return count

    def _values(self, connection: Connection, action: Action, version: str) -> dict[str, Any]:
        values = dict(action.parameters)
        if self._told.version:
            values[VERSION] = version or self._version(connection, action)
        return values

    def _version(self, connection: Connection, action: Action) -> str:
        found = self._target.value(connection, self._told.version, action.parameters)
        return "" if found is None else str(found)

    def _seen(self, connection: Connection, action: Action) -> list[dict[str, Any]]:
        return self._target.rows(connection, self._told.look, action.parameters) if self._told.look else []

    def _refused(self, problem: str) -> ActionError:
        return refused(self._settings.name, problem)


def _count(result: Any) -> int:
    """Rows that changed; a driver that does not tell is no ground for going on."""
    count = int(result.rowcount)
    return count if count >= 0 else 10**9


def _state(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"rows": [dict(row) for row in rows[:SHOWN_ROWS]], "number": len(rows)}


def _line(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())
