"""Leadership: one of several processes does what only one may do, and knows in time when it is another's turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sre_copilot.errors import StoreError
from sre_copilot.store.leases import Lease, Leases
from sre_copilot.telemetry import log

TTL_S = 6.0  # of a lease: with a look every second, a dead holder is replaced well within 10 s
BEATS = 4  # renewals within it: three may be lost
LOOK_S = 0.5  # between two looks at whether it is free: part of the time of a take-over
MARGIN = 0.25  # of it: so much earlier than others can be does a holder stop being leader


def elapsed() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Leadership:
    """Takes a lease whenever it is free, renews it, and says whether this process is the leader.

    Parameters
    ----------
    leases, name, holder : which lease, and who asks; a holder is one process, never two
    on_gained : called with the lease when this process has become leader, before `is_leader` says so to others of its threads
    on_lost : called when it has ceased to be, at the latest when the database answers again; `is_leader` says so earlier
    """

    def __init__(
        self,
        leases: Leases,
        name: str,
        holder: str,
        *,
        ttl_s: float = TTL_S,
        on_gained: Callable[[Lease], None] = lambda lease: None,
        on_lost: Callable[[], None] = lambda: None,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        self._leases, self._name, self._holder, self._ttl_s = leases, name, holder, ttl_s
        self._on_gained, self._on_lost, self._elapsed = on_gained, on_lost, elapsed
        self._held: tuple[Lease, float] | None = None  # and until when, on the clock of this process
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lease(self) -> Lease | None:
        """The lease while this process is the leader; its token guards what the leader writes (`Leases.check`)."""
        held = self._held
        return held[0] if held is not None and self._elapsed() < held[1] else None

    @property
    def is_leader(self) -> bool:
        """Whether this process is the leader now."""
        return self.lease is not None

    @property
    def token(self) -> int | None:
        """The token of the lease while this process is the leader."""
        lease = self.lease
        return lease.token if lease is not None else None

    def start(self) -> None:
        """Begin to ask for it, in a thread of its own."""
        self._thread = threading.Thread(target=self._turn, name=f"lease-{self._name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let another take over at once."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        held, self._held = self._held, None
        if held is not None:
            self._give_back(held[0])

    def beat(self) -> None:
        """Renew it, or ask for it: what the thread does again and again."""
        before = self._elapsed()
        held = self._held
        try:
            if held is None:
                lease = self._leases.acquire(self._name, self._holder, self._ttl_s)
            else:
                lease = held[0] if self._leases.renew(held[0], self._ttl_s) else None
        except StoreError as error:
            log(__name__).warning("the lease could not be renewed", lease=self._name, error=str(error))
            self._lose_when_over()
            return
        if lease is None:
            self._lose()
        else:
            self._gain(lease, before + self._ttl_s * (1 - MARGIN))

    def _turn(self) -> None:
        while not self._stop.is_set():
            self.beat()
            pause = self._ttl_s / BEATS
            self._stop.wait(pause if self._held is not None else min(pause, LOOK_S))

    def _gain(self, lease: Lease, until: float) -> None:
        new = self._held is None
        if new:
            self._on_gained(lease)
        self._held = (lease, until)

    def _lose_when_over(self) -> None:
        if self._held is not None and not self.is_leader:
            self._lose()

    def _lose(self) -> None:
        if self._held is not None:
            self._held = None
            log(__name__).warning("no longer the leader", lease=self._name, holder=self._holder)
            self._on_lost()

    def _give_back(self, lease: Lease) -> None:
        try:
            self._leases.release(lease)
        except StoreError as error:
            log(__name__).info("the lease runs out by itself", lease=self._name, error=str(error))
        self._on_lost()
