"""The loop of a worker: while it is the leader it turns the engine, sends what is due, and waits for more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from sre_copilot.errors import SreCopilotError, StoreError
from sre_copilot.incidents.alerting.engine import Engine
from sre_copilot.store.alerting.inbox import Inbox
from sre_copilot.store.leadership import Leadership
from sre_copilot.telemetry import OwnMetrics, log

IDLE_S = 0.1  # between two looks at whether it is the leader
GATHER_S = 0.05  # from turn to turn while alerts come, so that a turn and its transaction serve many of them; a command does not wait
PUMP_S = (
    0.2  # between two looks at what is to be sent on, while alerts come and there is nothing new to be told
)
AFTER_FAILURE_S = 1.0
ELSEWHERE_S = 0.05  # other processes write into the inbox, too, and cannot wake this one
_log = log(__name__)
Pump = Callable[[], object]
"""Sends on what a turn kept: notifications, events, runs."""


class Runner:
    """One thread; `shared` says that other processes use the same store, `on_term` is called when this process becomes the leader."""

    def __init__(
        self,
        engine: Engine,
        inbox: Inbox,
        leadership: Leadership,
        pumps: Sequence[Pump],
        *,
        own: OwnMetrics,
        turn_seconds: float,
        shared: bool,
        on_term: Callable[[], object] = lambda: None,
    ) -> None:
        self._engine = engine
        self._inbox = inbox
        self._leadership = leadership
        self._pumps = pumps
        self._own = own
        self._on_term = on_term
        self._most = min(turn_seconds, ELSEWHERE_S) if shared else turn_seconds
        self._pumps_at = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._token: int | None = None
        self._failing: dict[Pump, tuple[float, str]] = {}  # until when it rests, and why
        self.problem = ""
        """Why the last turn was not kept, or not sent on; '' when it was."""

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._leadership.start()
        self._thread = threading.Thread(target=self.run, name="alerting", daemon=True)
        self._thread.start()

    def close(self, *, wait_s: float = 2.0) -> None:
        """End after the turn that is under way, and let another take over."""
        self._stop.set()
        self._inbox.arrived.set()
        self._inbox.commanded.set()
        if self._thread is not None:
            self._thread.join(wait_s)
        self._leadership.close()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def leads(self) -> bool:
        """Whether this process is the one that decides."""
        return self._leadership.is_leader

    def run(self) -> None:
        """Turn until it is told to end."""
        while not self._stop.is_set():
            if not self._leads_now():
                self._stop.wait(IDLE_S)
                continue
            began = time.monotonic()
            try:
                busy = self.turn()
            except SreCopilotError as error:
                self._failed(str(error))
                continue
            except Exception as error:  # noqa: BLE001 - the top of a thread: what happens is recorded, and the next turn begins anew
                _log.exception("a turn of alerting failed")
                self._failed(f"{type(error).__name__}; the log says more")
                continue
            waits = 0.0 if busy else min(self._most, self._engine.next_in())
            if waits > GATHER_S:
                self._inbox.arrived.wait(waits)
            elif (rest := began + GATHER_S - time.monotonic()) > 0:
                self._inbox.commanded.wait(rest)

    def turn(self) -> bool:
        """One turn of the engine, and of all that sends on; whether more waits already."""
        self._inbox.arrived.clear()
        self._inbox.commanded.clear()
        done = self._engine.turn()
        if done.notifications or not done.more or time.monotonic() >= self._pumps_at:
            for pump in self._pumps:
                self._send_on(pump)
            self._pumps_at = time.monotonic() + PUMP_S
        self.problem = next((problem for _, problem in self._failing.values()), "")
        return done.more

    def _send_on(self, pump: Pump) -> None:
        """Let one of those that send on do its work, unless another process leads by now; one that failed a moment ago rests, and holds up none of the others."""
        rests_until, before = self._failing.get(pump, (0.0, ""))
        if time.monotonic() < rests_until or not self._leadership.is_leader:
            return
        problem = self._pumped(pump)
        if not problem:
            self._failing.pop(pump, None)
            return
        self._failing[pump] = (time.monotonic() + AFTER_FAILURE_S, problem)
        if problem != before:
            _log.error("something could not be sent on; it is tried again", problem=problem)

    def _pumped(self, pump: Pump) -> str:
        """What went wrong with it; '' when nothing did."""
        try:
            pump()
        except SreCopilotError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - the top of a room's work: it is recorded, and tried again later
            _log.exception("what sends on failed")
            return f"{type(error).__name__}; the log says more"
        return ""

    def _leads_now(self) -> bool:
        token = self._leadership.token
        self._own.leader.set(float(token is not None))
        if token is not None and token != self._token:
            self._engine.forget_all()  # another process may have decided meanwhile
            self._on_term()
            _log.info("this process decides on alerts from now on", term=token)
        self._token = token
        return token is not None

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("alerting could not go on; it tries again", problem=problem)
        self.problem = problem
        self._engine.forget_all()
        self._stop.wait(AFTER_FAILURE_S)


def guarded(leadership: Leadership, check: Callable[..., None]) -> Callable[..., None]:
    """A check, inside a transaction, that this process is still the leader; raises when it is not."""

    def guard(connection: object) -> None:
        lease = leadership.lease
        if lease is None:
            raise StoreError(
                "this process no longer decides on alerts: its lease is over. Another one goes on."
            )
        check(connection, lease)

    return guard
