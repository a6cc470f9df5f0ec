"""A worker of workflows that is killed by the tests: `python -m tests.durability.workflow_worker` with the JSON of `Task`.

Its target is a file of its own (SQLite) that keeps a key for each effect, as `notifications` and `plans` do, and counts how often each was asked for.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.durability.durable_worker import append

from sre_copilot.clock import SystemClock
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.durable.runs import sqlite_url as durable_url
from sre_copilot.errors import DurableError
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.workflows.collection import Collection
from sre_copilot.workflows.ports import Answered, Asker, PlanState, Ports, Proposal, Told
from sre_copilot.workflows.runs import Runs
from sre_copilot.workflows.steps.doing import Doing

EFFECT_S = 0.02
PLAN_S = 0.3  # until a plan is over
TURN_S = 0.3
# steps have an hour: who is killed every second or two may leave one of many runs lying for longer than the minute that a step has
OUTER = """
workflow:
  id: outer
  at_once: 1000
  steps:
    - {name: first, timeout: 1h, provider: {type: notify, with: {receivers: [r], title: first}}}
    - {name: pause, provider: {type: wait, with: {for: 200ms}}}
    - {name: wide, timeout: 1h, foreach: [1, 2, 3], concurrency: 3, provider: {type: notify, with: {receivers: [r], title: "wide {{ item }}"}}}
    - name: both
      parallel:
        left:
          - {name: look, timeout: 1h, provider: {type: tool.look, with: {run: "{{ run.id }}"}}}
          - {name: act, provider: {type: action.lab.restart, with: {target: {kind: thing, name: x}}}}
        right: [{name: sub, provider: {type: workflow, with: {id: inner}}}]
    - {name: last, timeout: 1h, provider: {type: notify, with: {receivers: [r], title: "last {{ steps.sub.output.v }}"}}}
  outputs: {v: "{{ steps.sub.output.v }}", n: "{{ size(steps.wide.output) }}"}
"""
INNER = """
workflow:
  id: inner
  at_once: 1000
  steps:
    - {name: one, timeout: 1h, provider: {type: notify, with: {receivers: [r], title: inner}}}
    - {name: pause, provider: {type: wait, with: {for: 100ms}}}
    - {name: two, provider: {type: set, with: {v: 7}}}
  outputs: {v: "{{ steps.two.output.v }}"}
"""


@dataclass(frozen=True)
class Task:
    """What a worker does."""

    folder: str
    runs: int
    url: str = ""


class Target:
    """A system that keeps a key for each effect: asked again, it does nothing."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "target.sqlite"
        with closing(self._open()) as made, made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, at REAL)")
            made.execute("CREATE TABLE IF NOT EXISTS asked (key TEXT, pid INTEGER)")

    def do(self, key: str) -> None:
        """Do it, once."""
        with closing(self._open()) as target, target:
            target.execute("INSERT INTO asked VALUES (?, ?)", (key, os.getpid()))
            target.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", (key, time.time()))
        time.sleep(EFFECT_S)

    def at(self, key: str) -> float:
        """When it was done."""
        with closing(self._open()) as target:
            return float(target.execute("SELECT at FROM effects WHERE key = ?", (key,)).fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30)


@dataclass
class Keyed:
    """The ports, on the target."""

    target: Target
    file: str

    def receivers(self) -> Sequence[str]:
        """There is one."""
        return ("r",)

    def tell(self, receivers: Sequence[str], told: Told, *, key: str) -> int:
        """An effect with a key."""
        self.target.do(key)
        return 1

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """Another one; the plan is named after it."""
        self.target.do(key)
        return key

    def outcome(self, plan_id: str) -> PlanState:
        """Over after a while."""
        over = time.time() - self.target.at(plan_id) > PLAN_S
        return PlanState(plan_id=plan_id, status="succeeded" if over else "proposed", over=over)

    def withdraw_all(self, run: str, *, who: str) -> None:
        """None is taken back here."""

    def withdraw(self, plan_id: str, *, who: str) -> None:
        """Never needed."""

    def names(self) -> Sequence[str]:
        """One tool."""
        return ("look",)

    def schema(self, name: str) -> Mapping[str, object] | None:
        """Anything."""
        return {}

    def use(self, name: str, arguments: Mapping[str, object], *, asker: Asker) -> Answered:
        """What keeps no key: it may be asked again when the process died meanwhile."""
        append(self.file, "begin", asker.run, name, os.getpid())
        time.sleep(EFFECT_S)
        append(self.file, "end", asker.run, name, os.getpid())
        return Answered(outcome="success")


def main(task: Task) -> None:
    """Work until all runs are over, and until killed."""
    folder = Path(task.folder)
    database, clock = Database(task.url or sqlite_url(folder)), SystemClock()
    durable = DbosDurable(
        task.url or durable_url(folder),
        database=database if task.url else None,
        lease_s=2.0,
        on_fenced=lambda: os._exit(3),
    )
    keyed, store = Keyed(Target(folder), str(folder / "calls")), RunStore(database)
    doing = Doing(Ports(tools=keyed, decide=keyed, tell=keyed), store, durable, clock)
    runs = Runs(Collection(WorkflowStore(database), clock), store, durable, doing, clock)
    durable.launch()
    append(keyed.file, "ready", os.getpid())
    for text in (INNER, OUTER):
        runs.collection.apply(text, who="test")
    for number in range(task.runs):
        runs.start("outer", {}, who="test", role="viewer", cause=f"run {number}")
    while True:
        runs.turn()
        rows = store.page(
            workflow="outer", statuses=("succeeded", "failed", "timed_out", "cancelled"), limit=1000
        ).rows
        if len(rows) == task.runs:
            break
        time.sleep(TURN_S)
    append(keyed.file, "over", os.getpid(), *{row["status"] for row in rows})
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main(Task(**json.loads(sys.argv[1])))
    except DurableError:  # another has taken over: that is said from a thread of its own
        threading.Event().wait(10.0)
