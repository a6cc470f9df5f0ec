"""A system that counts what is done to it, and an executor for it, for tests of what acts.

The system is a file: it survives whoever is killed, keeps the keys of effects so that they can be looked for, and refuses nothing, so that an effect made twice is counted twice.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel

NAME = "counted"
NUMBER = {"type": "number"}
WAIT_S = 0.005
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY, value REAL NOT NULL, version INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS applied (id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, pid INTEGER NOT NULL, at REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS actors (id INTEGER PRIMARY KEY, key TEXT, name TEXT, pid INTEGER, began REAL, ended REAL)",
)


class CountedTarget:
    """Things with a value; every effect that was made is a row, with its key and the process that made it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        connection = sqlite3.connect(file, timeout=20.0, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        for each in SCHEMA:
            connection.execute(each)
        connection.close()

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; nobody else does meanwhile."""
        connection = sqlite3.connect(self._file, timeout=20.0, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def put(self, name: str, value: float) -> None:
        """Make a thing, or change it past everybody."""
        with self.opened() as connection:
            connection.execute(
                "INSERT INTO things VALUES (?, ?, 1) ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = version + 1",
                (name, value),
            )

    def get(self, name: str) -> tuple[float, int] | None:
        """The value and the version of a thing."""
        with self.opened() as connection:
            found = connection.execute("SELECT value, version FROM things WHERE name = ?", (name,)).fetchone()
        return None if found is None else (float(found[0]), int(found[1]))

    def made(self, key: str) -> int:
        """How often the effect of a key was made."""
        with self.opened() as connection:
            return int(connection.execute("SELECT count(*) FROM applied WHERE key = ?", (key,)).fetchone()[0])

    def counts(self) -> dict[str, int]:
        """How often the effect of each key was made."""
        with self.opened() as connection:
            return dict(connection.execute("SELECT key, count(*) FROM applied GROUP BY key").fetchall())

    def order(self) -> list[str]:
        """Keys of effects in the order in which they were made."""
        with self.opened() as connection:
            return [str(key) for (key,) in connection.execute("SELECT key FROM applied ORDER BY id")]

    def overlaps(self) -> list[tuple[str, str]]:
        """Pairs of keys whose actors were at one thing at the same time, in different processes or not."""
        with self.opened() as connection:
            return connection.execute(
                "SELECT a.key, b.key FROM actors a JOIN actors b ON a.name = b.name AND a.id < b.id"
                " WHERE a.ended IS NOT NULL AND b.ended IS NOT NULL AND b.began < a.ended AND a.began < b.ended"
            ).fetchall()


class CountedExecutor:
    """Adds to the value of a thing of a `CountedTarget`.

    `counted.add` is keyed, fenced by the version, and undone by its backup; `counted.send` keeps no key and shows nothing; `counted.set` is idempotent.
    Parameters let it take time (`seconds`), fail (`fail`: `none`, `unknown`, `after`, `retry`, so many `times`), not come right (`sick`), forget the deadline (`careless`), or be there for good (`stuck`).
    """

    name = NAME

    def __init__(self, target: CountedTarget, *, timeout_s: float = 5.0) -> None:
        self.target = target
        self._timeout_s = timeout_s
        self._failed: dict[str, int] = {}
        self.before: Callable[[str], None] = lambda key: None
        """Called with the key right before an effect is made."""

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        return (
            self._spec("add", exactly_once=True, reversible=True, fenced=True),
            self._spec("send", exactly_once=False, reversible=False, level=RiskLevel.HIGH),
            self._spec("set", exactly_once=True, reversible=True, idempotent=True),
        )

    def check(self, action: Action) -> Action:
        """Numbers only."""
        if not isinstance(action.parameters.get("by", 1), int | float):
            raise ActionError("parameters.by: is no number; write one.", effect="none")
        return action

    def look(self, action: Action) -> Looked:
        """The value."""
        found = self.target.get(action.target.name)
        if found is None:
            return Looked(exists=False)
        value, version = found
        return Looked(exists=True, state={"value": value}, digest=_digest(value), version=str(version))

    def preview(self, action: Action) -> Preview:
        """The value before and after."""
        before = self.look(action).state
        after = {"value": before["value"] + _by(action)}
        return Preview(
            before=before, after=after, difference=(f"value: {before['value']} -> {after['value']}",)
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """The value."""
        return dict(self.look(action).state)

    def execute(self, action: Action, call: Call) -> Effect:
        """Add to the value; a key that was added already is added again, and counted."""
        self._fail(action, call, ("none", "unknown", "retry"))

        def change(value: float) -> float:
            return float(action.parameters["to"]) if action.name == "counted.set" else value + _by(action)

        keeps = action.name != "counted.send"
        effect = self._apply(action, call, change, key=call.key if keeps else f"unkeyed:{call.key}")
        self._fail(action, call, ("after",))
        return effect

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the key was added."""
        return None if action.name == "counted.send" else self.target.made(call.key) > 0

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the key was added, unless it is to be sick."""
        if action.parameters.get("sick"):
            return Verified(ok=False, settled=True, reason=Message(key="action.not_restored"))
        return Verified(ok=True, settled=True, reason=Message(key="action.restored"))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """The value as it was."""
        if action.parameters.get("stuck"):
            raise ActionError("it cannot be taken back", effect="none")
        return self._apply(action, call, lambda value: float(backup["value"]), key=call.key)

    def _apply(self, action: Action, call: Call, change: Callable[[float], float], *, key: str) -> Effect:
        actor = self._enter(action, call)
        until = time.monotonic() + float(action.parameters.get("seconds", 0.0))
        while time.monotonic() < until:
            if call.cancelled():
                raise ActionError("called off before anything was changed", effect="none")
            time.sleep(WAIT_S)
        self.before(call.key)
        if time.monotonic() > call.deadline and not action.parameters.get("careless"):
            raise ActionError("the time is over; nothing was changed", effect="none", retry=True)
        with self.target.opened() as connection:
            value, version = connection.execute(
                "SELECT value, version FROM things WHERE name = ?", (action.target.name,)
            ).fetchone()
            if call.version and call.version != str(version):
                raise ActionError(
                    f"version {version} is not {call.version}; nothing was changed", effect="none", retry=True
                )
            connection.execute(
                "UPDATE things SET value = ?, version = version + 1 WHERE name = ?",
                (change(float(value)), action.target.name),
            )
            connection.execute(
                "INSERT INTO applied (key, name, pid, at) VALUES (?, ?, ?, ?)",
                (key, action.target.name, os.getpid(), time.time()),
            )
            connection.execute("UPDATE actors SET ended = ? WHERE id = ?", (time.time(), actor))
        return Effect(changed=True, detail={"value": change(float(value))}, version=str(version + 1))

    def _enter(self, action: Action, call: Call) -> int:
        with self.target.opened() as connection:
            added = connection.execute(
                "INSERT INTO actors (key, name, pid, began) VALUES (?, ?, ?, ?)",
                (call.key, action.target.name, os.getpid(), time.time()),
            )
            return int(added.lastrowid or 0)

    def _fail(self, action: Action, call: Call, kinds: Sequence[str]) -> None:
        wanted = str(action.parameters.get("fail", ""))
        failed = self._failed.get(call.key, 0)
        if wanted not in kinds or failed >= int(action.parameters.get("times", 1)):
            return
        self._failed[call.key] = failed + 1
        effect = "none" if wanted in ("none", "retry") else "unknown"
        raise ActionError("it was told to fail", effect=effect, retry=wanted == "retry")

    def _spec(self, verb: str, *, level: RiskLevel = RiskLevel.MEDIUM, **more: Any) -> ActionSpec:
        return ActionSpec(
            name=f"{NAME}.{verb}",
            level=level,
            parameters={"type": "object", "properties": {"by": NUMBER, "to": NUMBER, "seconds": NUMBER}},
            kinds=("thing",),
            does=Message(key="action.restored"),
            timeout_seconds=self._timeout_s,
            **more,
        )


def _by(action: Action) -> float:
    return float(action.parameters.get("by", 1))


def _digest(value: float) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
