"""Workflows of the user's own, five steps each, from their start to their end as a row of the store; the durable runs that they are made of beside them.

Five steps that only look are kept together, five that tell people are kept each by itself (`told_per_s`), as the five of a bare run are.

On PostgreSQL once with the one process that starts them and once with a further worker beside it, as more than one is what PostgreSQL is for.

python -m benchmarks.workflows [--database sqlite|postgresql|both] [--runs 200]
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.durable import memory_mb, postgresql, until
from benchmarks.figure import Figure, Peers
from sre_copilot.clock import SystemClock
from sre_copilot.durable.port import Run
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.durable.runs import sqlite_url as durable_url
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.workflow_runs import UNFINISHED, RunStore
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.store.workflows import runs as table
from sre_copilot.testing.workflows import FakeTell, FakeTools
from sre_copilot.workflows.collection import Collection
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.runs import Runs
from sre_copilot.workflows.steps.doing import Doing

NAME = "workflows"
ABOUT = "workflows of five steps, started to ended, on SQLite, against five steps of a bare durable run; PostgreSQL and 1,000 waits in the detail"
RUNS = 200
READY_S = 60.0  # until a further worker is there
ROUNDS = 2  # the better one counts: others use the machine, too
LOOK_S = 0.05
SENDERS = 2  # threads that start them, as an interface has
WAITS = 1_000
FIVE = """
workflow:
  id: five
  at_once: 1000
  inputs: [{name: n, type: integer, required: true}]
  steps:
    - {name: a, provider: {type: tool.same, with: {x: "{{ inputs.n }}"}}}
    - {name: b, provider: {type: tool.same, with: {x: "{{ steps.a.output.x }}"}}}
    - {name: c, if: steps.b.output.x >= 0, provider: {type: tool.same, with: {x: "{{ steps.b.output.x }}"}}}
    - {name: d, provider: {type: set, with: {x: "{{ steps.c.output.x + 1 }}"}}}
    - {name: e, provider: {type: tool.same, with: {x: "{{ steps.d.output.x }}"}}}
  outputs: {x: "{{ steps.e.output.x }}"}
"""
STEP = "{name: %s, provider: {type: notify, with: {receivers: [oncall], title: 'Number {{ inputs.n }}'}}}"
TOLD = (
    "workflow:\n  id: told\n  at_once: 1000\n  inputs: [{name: n, type: integer, required: true}]\n  steps:\n"
    + "".join(f"    - {STEP % name}\n" for name in "abcde")
)
WAIT = """
workflow:
  id: waits
  at_once: 1000
  inputs: [{name: n, type: integer}]
  steps:
    - {name: note, provider: {type: set, with: {n: "{{ inputs.n }}"}}}
    - {name: wait, if: inputs.n % 2 == 0, provider: {type: wait, with: {for: 1h}}}
    - {name: ask, provider: {type: human, with: {title: "Number {{ inputs.n }}?"}}}
"""


def measure(peers: Peers) -> Figure:
    """Time both on both databases, in one run."""
    del peers  # the peer is what ours is built on
    detail: dict[str, float | str] = {}
    sqlite = measured(None, runs=RUNS)
    with postgresql() as url:
        if url is None:
            detail["postgresql_missing"] = "the `lab` extra is not installed"
        else:
            detail |= {f"postgresql_{name}": value for name, value in measured(url, runs=RUNS).items()}
    with postgresql() as url:  # a fresh one: of the other the thousand waits are left
        if url is not None:
            detail["postgresql_two_workers_per_s"] = with_two(url, runs=RUNS)
    detail |= {f"sqlite_{name}": value for name, value in sqlite.items()}
    return Figure(unit="workflows/s", ours=sqlite["per_s"], peer=sqlite["bare_per_s"], detail=detail)


def measured(url: str | None, *, runs: int) -> dict[str, float]:
    """Workflows a second, bare runs a second, and what a thousand waits cost."""
    before = memory_mb()
    with opened(url) as (durable, store, made):
        made.collection.apply(FIVE, who="benchmark")
        made.collection.apply(WAIT, who="benchmark")
        made.collection.apply(TOLD, who="benchmark")
        own, bare, told = [], [], []
        for number in range(ROUNDS):
            bare.append(_rate(_bare(durable, number), _bare_left(durable), _ended(durable), runs))
            own.append(_rate(_own(made), _left(store), _over(store), runs))
            told.append(_rate(_own(made, "told"), _left(store), _over(store), runs))
        speed = {"per_s": max(own), "told_per_s": max(told), "bare_per_s": max(bare)}
        return speed | {"ratio": max(own) / max(bare)} | _waits(durable, made, before)


def with_two(url: str, *, runs: int) -> float:
    """Workflows a second with a further worker beside the process that starts them."""
    context = multiprocessing.get_context("spawn")
    ready, over = context.Event(), context.Event()
    worker = context.Process(target=_work, args=(url, ready, over))
    with opened(url) as (_, store, made):
        worker.start()
        try:
            if not ready.wait(READY_S):
                raise RuntimeError(f"the further worker was not there after {READY_S:.0f} s")
            made.collection.apply(FIVE, who="benchmark")
            return max(_rate(_own(made), _left(store), _over(store), runs) for _ in range(ROUNDS))
        finally:
            over.set()
            worker.join(READY_S)


def _work(url: str, ready: Event, over: Event) -> None:
    """What the further worker does: nothing but what it takes from the queue."""
    with opened(url):
        ready.set()
        over.wait()


@contextmanager
def opened(url: str | None) -> Iterator[tuple[DbosDurable, RunStore, Runs]]:
    """Workflows on a store of their own."""

    def five(run: Run, *, n: int) -> int:
        for number in range(5):
            n = run.step(f"step {number}", abs, n)
        return n

    with tempfile.TemporaryDirectory() as folder:
        database, clock = Database(url or sqlite_url(Path(folder))), SystemClock()
        durable = DbosDurable(url or durable_url(Path(folder)), database=database if url else None)
        durable.register("five.1", five)
        store, tools = RunStore(database), FakeTools(answers={"same": lambda given: {"x": given["x"]}})
        made = Runs(
            Collection(WorkflowStore(database), clock),
            store,
            durable,
            Doing(Ports(tools=tools, tell=FakeTell()), store, durable, clock),
            clock,
        )
        durable.launch()
        yield durable, store, made
        durable.close()
        database.close()


def _own(made: Runs, name: str = "five") -> Callable[[int], str]:
    return lambda number: made.start(name, {"n": number}, who="benchmark", role="viewer").run


def _bare(durable: DbosDurable, turn: int) -> Callable[[int], str]:
    def start(number: int) -> str:
        durable.start("five.1", {"n": number}, key=f"bare-{turn}-{number}")
        return f"bare-{turn}-{number}"

    return start


def _left(store: RunStore) -> Callable[[], int]:
    def left() -> int:
        with store.database.begin() as connection:
            count = select(func.count()).select_from(table).where(table.c.status.in_(UNFINISHED))
            return int(connection.execute(count).scalar_one())

    return left


def _over(store: RunStore) -> Callable[[str], bool]:
    def over(key: str) -> bool:
        row = store.get(key)
        return row is not None and row["status"] == "succeeded"

    return over


def _bare_left(durable: DbosDurable) -> Callable[[], int]:
    def left() -> int:
        system: Any = durable._launched()._sys_db
        status = system.tables.workflow_status
        begun = (status.c.name == "five.1") & status.c.status.in_(("ENQUEUED", "PENDING"))
        with system.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(status).where(begun)).scalar_one())

    return left


def _ended(durable: DbosDurable) -> Callable[[str], bool]:
    def ended(key: str) -> bool:
        state = durable.state(key)
        return state is not None and state.status == "succeeded"

    return ended


def _rate(
    start: Callable[[int], str], left: Callable[[], int], well: Callable[[str], bool], runs: int
) -> float:
    """How many a second, from the first start until none is left; looked for seldom, as each look takes a millisecond of the one interpreter."""
    began = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        keys = list(pool.map(start, range(runs)))
    until(lambda: left() == 0, every_s=LOOK_S)
    took = time.perf_counter() - began
    if wrong := [key for key in keys if not well(key)]:
        raise RuntimeError(f"{len(wrong)} runs did not succeed, such as {wrong[0]}")
    return runs / took


def _waits(durable: DbosDurable, made: Runs, before: float) -> dict[str, float]:
    start = memory_mb()
    for number in range(WAITS):
        made.start("waits", {"n": number}, who="benchmark", role="viewer")
    until(lambda: len(made.store.tasks_page(status="open", limit=WAITS).rows) == WAITS // 2)
    until(lambda: _asleep(durable) >= WAITS // 2)
    time.sleep(2.0)
    return {"waits_mb": memory_mb() - start, "process_mb": memory_mb(), "process_before_mb": before}


def _asleep(durable: DbosDurable) -> int:
    system: Any = durable._launched()._sys_db
    table = system.tables.operation_outputs
    with system.engine.connect() as connection:
        return len(connection.execute(table.select().where(table.c.function_name == "DBOS.sleep")).all())


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workflows")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args(argv)
    if chosen.database != "postgresql":
        _shown("sqlite", measured(None, runs=chosen.runs))
    if chosen.database != "sqlite":
        with postgresql() as url:
            if url is None:
                print("postgresql: the `lab` extra is not installed")
            else:
                _shown("postgresql", measured(url, runs=chosen.runs))
        with postgresql() as url:  # a fresh one: of the other the thousand waits are left
            if url is not None:
                _shown("postgresql", {"two_workers_per_s": with_two(url, runs=chosen.runs)})
    return 0


def _shown(name: str, figures: dict[str, float]) -> None:
    for what, value in figures.items():
        print(f"{name:12} {what:20} {value:8.2f}")


if __name__ == "__main__":
    raise SystemExit(main())
