"""Takes over the runs of dead workers, says which runs nobody here knows, and forgets those that ended long ago."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime

from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from sre_copilot.durable.heartbeat import WORKER
from sre_copilot.durable.private import executors_with_runs, put_back, runs_of, take_over, unknown_names
from sre_copilot.errors import StoreError
from sre_copilot.store.leases import Leases
from sre_copilot.telemetry import log

EVERY_S = 1.0  # of 10 s for a take-over the lease takes 6
LYING_EVERY_S = 5.0  # twice that is how long a run lies at most: far longer than the moment between its dispatch and its beginning
SLOW_EVERY_S = 600.0  # what may be said or forgotten ten minutes late
FORGET_AT_ONCE = 500  # runs in one transaction
UNHELD_S = 86_400.0  # of a worker's lease: no process is stopped for a day and then goes on
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Sweep:
    """One worker's look at the runs of all."""

    def __init__(
        self,
        dbos: DBOS,
        executor: str,
        leases: Leases | None,
        *,
        known: Collection[str],
        under_way: Collection[str] = (),
        ttl_s: float,
        keep_s: float,
    ) -> None:
        self._dbos, self._executor, self._leases = dbos, executor, leases
        self._known, self._ttl_s, self._keep_s = known, ttl_s, keep_s
        self._said: frozenset[str] = frozenset()
        self._under_way = under_way
        self._lying: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="durable-sweep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)

    def take_over_dead(self) -> int:
        """Take over from each worker that has runs and no live lease; how many runs. The only worker takes over from all."""
        others = executors_with_runs(self._dbos) - {self._executor}
        if self._leases is None:
            return sum(map(self._take, others))
        live = self._leases.live(WORKER) if others else frozenset()
        return sum(self._under_lease(self._leases, each) for each in others if WORKER + each not in live)

    def put_back_lying(self) -> int:
        """Put back into their queues the runs that are this worker's, and that nothing in it is at, now as at the last look: an error of the database ended them; how many."""
        lying = runs_of(self._dbos, self._executor) - frozenset(self._under_way)
        again = lying & self._lying
        self._lying = lying - again
        for key in again:
            put_back(self._dbos, key, self._executor)
            log(__name__).warning("a run that was left lying is begun again", key=key)
        return len(again)

    def forget(self, *, ended_before: float) -> int:
        """Delete the runs that ended before a moment; how many. Their keys can be used again."""
        until = datetime.fromtimestamp(ended_before, UTC).isoformat()
        forgotten = 0
        while not self._stop.is_set():
            old = DBOS.list_workflows(
                status=ENDED,
                completed_before=until,
                limit=FORGET_AT_ONCE,
                load_input=False,
                load_output=False,
            )
            DBOS.delete_workflows([each.workflow_id for each in old])
            forgotten += len(old)
            if len(old) < FORGET_AT_ONCE:
                break
        return forgotten

    def say_unknown(self) -> frozenset[str]:
        """Names of unfinished runs that no workflow here has; each is said once."""
        unknown = unknown_names(self._dbos, self._known)
        for name in sorted(unknown - self._said):
            log(__name__).warning("runs of an unknown workflow are left alone", workflow=name)
        self._said = unknown
        return unknown

    def _under_lease(self, leases: Leases, executor: str) -> int:
        """Fence it first: from here on no step of it begins."""
        lease = leases.acquire(WORKER + executor, self._executor, self._ttl_s)
        if lease is None:
            return 0
        try:
            return self._take(executor)
        finally:
            leases.release(lease)

    def _take(self, executor: str) -> int:
        moved = take_over(executor)
        if moved:
            log(__name__).info("runs of a worker that is gone were taken over", executor=executor, runs=moved)
        return moved

    def _turn(self) -> None:
        slow_at = lying_at = 0.0
        while not self._stop.is_set():
            try:
                self.take_over_dead()
                if time.monotonic() >= lying_at:
                    lying_at = time.monotonic() + LYING_EVERY_S
                    self.put_back_lying()
                if time.monotonic() >= slow_at:
                    slow_at = time.monotonic() + SLOW_EVERY_S
                    self._slow()
            except (StoreError, SQLAlchemyError) as error:
                log(__name__).warning("the sweep could not look", error=str(error))
            self._stop.wait(EVERY_S)

    def _slow(self) -> None:
        self.say_unknown()
        self.forget(ended_before=time.time() - self._keep_s)
        if self._leases is not None:
            self._leases.forget(WORKER, unheld_s=UNHELD_S)
