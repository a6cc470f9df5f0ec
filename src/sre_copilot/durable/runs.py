"""Durable runs on DBOS: SQLite for exactly one process, PostgreSQL for more. Nothing of DBOS is seen outside of this room."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from dbos import DBOS, EnqueueOptions
from dbos import error as dbos_error
from dbos._sys_db import StepInfo, WorkflowStatus
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from sre_copilot.durable.driver import DbosHands, GreenRun
from sre_copilot.durable.heartbeat import Alone, Guard, Heartbeat
from sre_copilot.durable.kept import as_json
from sre_copilot.durable.port import RunState, RunStatus, StepState, Workflow
from sre_copilot.durable.private import let_listener_go, next_place, wake
from sre_copilot.durable.sweep import ENDED, Sweep
from sre_copilot.durable.system import VERSION, quieten, settings, silence, system_engine
from sre_copilot.errors import DurableError, SreCopilotError
from sre_copilot.store.database import Database
from sre_copilot.store.leadership import TTL_S
from sre_copilot.store.leases import Leases
from sre_copilot.store.lock import FolderLock

POLL_S = 0.25  # how long a run waits for its beginning at most, against four statements a second and workflow
DISPATCHES = 1000  # of one run: a wait of months survives daily restarts, and a run that kills its process ends some day
KEEP_S = 30 * 86_400.0  # of ended runs: a month, as of the timeline that they belong to
DRAIN_S = 1.2  # at the end, for steps in flight to be recorded: of the 2 s that an end may take
LANE = "lane:"  # before a lane's name, as DBOS knows none without one

_one_in_a_process = threading.Lock()  # as DBOS is
_STATUS: dict[str, RunStatus] = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "SUCCESS": "succeeded",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


class DbosDurable:
    """A worker's hold on the runs of all workers; one in a process.

    Parameters
    ----------
    url : the database of runs; a file of its own on SQLite, a schema of its own on PostgreSQL
    database : where the leases of workers are kept; needed on PostgreSQL
    executor : name of this process; unique to each start when left out, and never to be used by two
    lease_s : how long a worker that does not answer keeps its runs
    keep_s : how long ended runs are kept, and with them the keys that start nothing again
    on_fenced : called once, from a thread, when another worker has taken over: this one has ended its work, and its process should end
    """

    def __init__(
        self,
        url: str,
        *,
        database: Database | None = None,
        executor: str | None = None,
        lease_s: float = TTL_S,
        keep_s: float = KEEP_S,
        on_fenced: Callable[[], None] = lambda: None,
    ) -> None:
        if not url.startswith("sqlite") and database is None:
            raise DurableError("database: is needed for the leases of workers. Give the store's.")
        self.executor = executor or uuid.uuid4().hex
        self._url, self._lease_s, self._keep_s, self._on_fenced = url, lease_s, keep_s, on_fenced
        self._leases = None if url.startswith("sqlite") or database is None else Leases(database)
        self._workflows: dict[str, tuple[Workflow, int | None]] = {}
        self._dbos: DBOS | None = None
        self._guard: Guard = self._make_guard()
        self._hands: dict[str, DbosHands] = {}
        self._under_way: Counter[str] = Counter()  # keys of runs that this process is at
        self._lock: FolderLock | None = None
        self._closing = threading.Lock()

    def register(self, name: str, workflow: Workflow, *, lane_limit: int | None = None) -> None:
        """Make a workflow known."""
        if self._dbos is not None:
            raise DurableError(f"workflow {name!r}: is registered after launch. Register it before.")
        self._workflows[name] = (workflow, lane_limit)

    def launch(self) -> None:
        """Begin to work. Returns when runs can be started."""
        if self._hands:
            raise DurableError("durable runs: have been launched before. Make new ones for a new launch.")
        self._lock = _file_lock(self._url)
        self._engine = system_engine(self._url)
        self._hands = {name: DbosHands(self._guard) for name in self._workflows}
        try:
            # in a thread without an event loop: DBOS would make a loop of the caller's its own
            _in_plain_thread(self._launch)
        except (SQLAlchemyError, dbos_error.DBOSException) as error:
            self.close()
            raise DurableError(f"durable runs: cannot be begun: {_brief(error)}") from error
        except SreCopilotError:
            self.close()
            raise

    def start(self, name: str, arguments: Mapping[str, Any], *, key: str, lane: str = "") -> bool:
        """Start a run, once: False when there is one with this key."""
        self._need(name)
        kept = as_json(dict(arguments), what=f"arguments of {name!r}")
        options = {
            "workflow_name": name,
            "queue_name": name,
            "workflow_id": key,
            "workflow_id_reuse_policy": "reject",
            "app_version": VERSION,
        }
        try:
            self._call(lambda: self._enqueue(options, LANE + lane, kept))
        except dbos_error.DBOSWorkflowIDInUseError:
            return False
        return True

    def state(self, key: str) -> RunState | None:
        """How a run is doing; None when there is none."""
        found = self._call(lambda: DBOS.get_workflow_status(key))
        return _state(found) if found is not None else None

    def steps(self, key: str) -> tuple[StepState, ...]:
        """The steps of a run that are over, in the order in which it asked for them."""
        found = self._call(lambda: DBOS.list_workflow_steps(key))
        return tuple(_step(each) for each in found if not each["function_name"].startswith("DBOS."))

    def cancel(self, key: str) -> bool:
        """Let it end before its next step; False when it has ended already, or is not there."""
        found = self._call(lambda: DBOS.get_workflow_status(key))
        if found is None or found.status in ENDED:
            return False
        self._call(lambda: DBOS.cancel_workflow(key))
        return True

    def send(self, key: str, topic: str, value: Any, *, idempotency_key: str) -> None:
        """Tell a run something, once for each idempotency key."""
        kept = {"value": as_json(value, what=f"message {topic!r} to {key!r}")}
        once = f"{key}/{topic}/{idempotency_key}"
        try:
            self._call(lambda: DBOS.send(key, kept, topic, idempotency_key=once))
        except dbos_error.DBOSNonExistentWorkflowError:
            raise DurableError(f"run {key!r}: is not there, so that nothing can be sent to it.") from None
        if self._leases is None:
            wake(self._launched(), key, topic)

    def close(self) -> None:
        """Stop working: steps in flight have a second to end, and what is under way is gone on with by another worker, or by the next start."""
        with self._closing:
            dbos, self._dbos = self._dbos, None
            self._guard.stop()
            if dbos is not None:
                self._sweep.close()
                self._drain()
                _in_plain_thread(lambda: self._destroy(dbos))
                self._engine.dispose()
                self._guard.close()
                _one_in_a_process.release()
            if self._lock is not None:
                self._lock.close()

    def _enqueue(self, options: dict[str, Any], lane: str, arguments: dict[str, Any]) -> None:
        name = options["workflow_name"]
        if self._workflows[name][1] is not None:
            place = next_place(self._launched(), name, lane)
            options |= {"queue_partition_key": lane, "priority": place}
        DBOS.enqueue_workflow_with_options(cast(EnqueueOptions, options), **arguments)

    def _launch(self) -> None:
        if not _one_in_a_process.acquire(blocking=False):
            raise DurableError("durable runs: others have been launched in this process. Close them first.")
        quieten()
        self._dbos = dbos = DBOS(config=settings(self._engine, self.executor))
        for name, (workflow, _) in self._workflows.items():
            DBOS.workflow(name=name, max_recovery_attempts=DISPATCHES)(
                _coroutine(workflow, self._hands[name], self._under_way)
            )
        DBOS.listen_queues(list(self._workflows))
        self._sweep = Sweep(
            dbos, self.executor, self._leases, known=self._workflows, under_way=self._under_way,
            ttl_s=self._lease_s, keep_s=self._keep_s,
        )  # fmt: skip
        self._guard.start()
        DBOS.launch()
        for name, (_, limit) in self._workflows.items():
            DBOS.register_queue(
                name, partition_concurrency=limit, polling_interval_sec=POLL_S, on_conflict="always_update"
            )
        self._sweep.start()

    def _make_guard(self) -> Guard:
        if self._leases is None:
            return Alone()
        return Heartbeat(self._leases, self.executor, ttl_s=self._lease_s, on_fenced=self._when_fenced)

    def _when_fenced(self) -> None:
        def end() -> None:
            self.close()
            self._on_fenced()

        threading.Thread(target=end, name="durable-fenced", daemon=True).start()

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until and any(hands.under_way for hands in self._hands.values()):
            time.sleep(0.02)

    def _destroy(self, dbos: DBOS) -> None:
        if self._leases is None:
            let_listener_go(dbos)
        silence()  # what it could not begin any more is begun by the next
        DBOS.destroy(destroy_registry=True)

    def _launched(self) -> DBOS:
        if self._dbos is None:
            raise DurableError("durable runs: are not launched, or closed by now.")
        return self._dbos

    def _need(self, name: str) -> None:
        self._launched()
        if name not in self._workflows:
            raise DurableError(f"workflow {name!r}: is not registered here. Register it before launch.")

    def _call(self, call: Callable[[], Any]) -> Any:
        """A call of DBOS from a plain thread, with errors of the database as ours."""
        self._launched()
        if _on_a_loop():
            raise DurableError(
                "durable runs: are asked from an event loop or from a workflow. Ask from a thread, or in a step."
            )
        try:
            return call()
        except SQLAlchemyError as error:
            raise DurableError(f"durable runs: the database did not answer: {_brief(error)}") from error


def sqlite_url(folder: Path) -> str:
    """The address of the database of runs in the store's folder."""
    return f"sqlite:///{folder / 'durable.sqlite'}"


def _coroutine(workflow: Workflow, hands: DbosHands, under_way: Counter[str]) -> Callable[..., Any]:
    async def run(**arguments: Any) -> dict[str, Any]:
        key = str(DBOS.workflow_id)
        under_way[key] += 1
        try:
            return await GreenRun(key, hands).drive(workflow, arguments)
        finally:
            under_way[key] -= 1
            if not under_way[key]:
                del under_way[key]

    return run


def _state(found: WorkflowStatus) -> RunState:
    outcome = found.output if isinstance(found.output, dict) else {}
    error = str(outcome.get("error", found.error or ""))
    if found.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        error = f"was begun {DISPATCHES} times, and its process ended each time."
    status = _STATUS[found.status]
    return RunState(
        key=found.workflow_id,
        workflow=found.name,
        status="failed" if status == "succeeded" and "error" in outcome else status,
        started_at=_seconds(found.dequeued_at),
        finished_at=_seconds(found.completed_at),
        result=outcome.get("result"),
        error=error,
        executor=(found.executor_id or "") if status != "waiting" else "",
    )


def _step(found: StepInfo) -> StepState:
    outcome = found["output"] if isinstance(found["output"], dict) else {}
    failed = f"{outcome['kind']}: {outcome['error']}" if "kind" in outcome else ""
    return StepState(
        name=found["function_name"],
        result=outcome.get("result"),
        error=failed,
        started_at=_seconds(found["started_at_epoch_ms"]),
        finished_at=_seconds(found["completed_at_epoch_ms"]),
    )


def _seconds(milliseconds: int | None) -> float | None:
    return milliseconds / 1000 if milliseconds is not None else None


def _file_lock(url: str) -> FolderLock | None:
    file = make_url(url).database if url.startswith("sqlite") else None
    return FolderLock(Path(file).parent, name="durable.lock") if file else None


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_plain_thread(call: Callable[[], None]) -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            raised.append(error)

    thread = threading.Thread(target=work, name="durable-launch", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _brief(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
