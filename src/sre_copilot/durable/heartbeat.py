"""A worker's own lease: it beats while the worker lives, and each step asks whether it is still the worker's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from sre_copilot.errors import DurableError, StoreError
from sre_copilot.store.leadership import BEATS
from sre_copilot.store.leases import Fenced, Lease, Leases
from sre_copilot.telemetry import log

WORKER = "worker/"
AGAIN_S = 0.5  # between two questions to a database that does not answer


class Closing(DurableError):  # noqa: N818 - a kind of DurableError, and it reads better so
    """The worker stops: no further step is begun."""


class Guard(Protocol):
    """Says whether this worker may still act."""

    def start(self) -> None:
        """Before the first run."""
        ...

    def confirm(self) -> None:
        """Return when it may; waits while the database does not say. Raises Fenced when it may not, Closing when it stops."""
        ...

    def stop(self) -> None:
        """Let no further step begin."""
        ...

    def close(self) -> None:
        """Let another take over at once."""
        ...


class Alone:
    """The guard of a worker that is the only one: nobody takes over from it while it lives."""

    def __init__(self) -> None:
        self._closing = threading.Event()

    def start(self) -> None:
        """Nothing to do."""

    def confirm(self) -> None:
        """It may, unless it stops."""
        if self._closing.is_set():
            raise Closing("the worker stops.")

    def stop(self) -> None:
        """Let no further step begin."""
        self._closing.set()

    def close(self) -> None:
        """There is no other."""


class Heartbeat:
    """The guard of one worker among several: a lease that others take when it has not been renewed in time."""

    def __init__(self, leases: Leases, executor: str, *, ttl_s: float, on_fenced: Callable[[], None]) -> None:
        self._leases, self._executor, self._ttl_s, self._on_fenced = leases, executor, ttl_s, on_fenced
        self._lease: Lease | None = None
        self._closing = threading.Event()
        self._fenced = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="worker-lease", daemon=True)

    def start(self) -> None:
        """Take the lease and renew it from now on."""
        self._lease = self._leases.acquire(WORKER + self._executor, self._executor, self._ttl_s)
        if self._lease is None:
            raise DurableError(f"executor {self._executor!r}: another process has this name. Leave it out.")
        self._thread.start()

    def confirm(self) -> None:
        """Ask the database whether the lease is still ours."""
        while not self._fenced.is_set():
            if self._closing.is_set():
                raise Closing("the worker stops.")
            try:
                if self._is_ours():
                    return
                self._fence()
            except StoreError as error:
                log(__name__).warning("a step waits for the database", error=str(error))
                self._closing.wait(AGAIN_S)
        raise Fenced(f"worker {self._executor!r}: another has taken over its runs.")

    def stop(self) -> None:
        """Let no further step begin; the lease is kept for those in flight."""
        self._closing.set()

    def close(self) -> None:
        """Let another take over at once."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)
        if self._lease is not None and not self._fenced.is_set():
            try:
                self._leases.release(self._lease)
            except StoreError as error:
                log(__name__).info("the worker's lease runs out by itself", error=str(error))

    def _is_ours(self) -> bool:
        lease = self._lease
        if lease is None:
            raise DurableError("the worker's lease: is asked for before launch.")
        return self._leases.held(lease) or self._leases.renew(lease, self._ttl_s)

    def _turn(self) -> None:
        while not self._closing.wait(self._ttl_s / BEATS) and not self._fenced.is_set():
            try:
                if self._lease is not None and not self._leases.renew(self._lease, self._ttl_s):
                    self._fence()
            except StoreError as error:
                log(__name__).warning("the worker's lease could not be renewed", error=str(error))

    def _fence(self) -> None:
        if not self._fenced.is_set():
            self._fenced.set()
            log(__name__).error("another worker has taken over the runs of this one", executor=self._executor)
            self._on_fenced()
