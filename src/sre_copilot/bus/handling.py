"""How a consumer handles events: one after the other, again after a failure, and to the dead letters after the last attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sre_copilot.bus.envelope import decode
from sre_copilot.bus.metrics import BusMetrics
from sre_copilot.bus.port import Handler
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings
from sre_copilot.telemetry import clean, log

LONGEST_PAUSE_S = 30.0
LONGEST_REASON = 2000  # characters: a dead letter must stay smaller than what a broker takes

Park = Callable[[bytes, str, int], None]
"""Puts a body into the dead letters, with the reason and how often it was tried; raises `BusError` when it cannot."""


class Handling:
    """The handler of one group in this process."""

    def __init__(
        self, group: str, handler: Handler, *, settings: BusSettings, park: Park, metrics: BusMetrics
    ) -> None:
        self.group = group
        self.stop = threading.Event()
        self._handler = handler
        self._settings = settings
        self._park = park
        self._metrics = metrics
        self._log = log(__name__)

    def work(self, bodies: Sequence[bytes]) -> int:
        """Handle bodies of one part in their order; how many are done, fewer than all when it is told to stop.

        Raises
        ------
        BusError : when a dead letter cannot be put away; the event then comes again
        """
        for done, body in enumerate(bodies):
            if self.stop.is_set() or not self._one(body):
                return done
        return len(bodies)

    def _one(self, body: bytes) -> bool:
        try:
            event = decode(body)
        except BusError as error:
            self._give_up(body, str(error), 0)
            return True
        for attempt in range(1, self._settings.max_attempts + 1):
            try:
                self._handler(event)
            except Exception as error:  # noqa: BLE001 - a handler is a step of any kind; what it raises is kept in the dead letter
                reason = f"{type(error).__name__}: {clean(str(error))[:LONGEST_REASON]}"
            else:
                self._metrics.handled.labels(group=self.group, outcome="handled").inc()
                return True
            self._metrics.retries.labels(group=self.group).inc()
            if attempt < self._settings.max_attempts and self.stop.wait(self._pause(attempt)):
                return False
        self._give_up(body, reason, self._settings.max_attempts)
        return True

    def _pause(self, attempt: int) -> float:
        return min(LONGEST_PAUSE_S, self._settings.retry_seconds * float(2 ** (attempt - 1)))

    def _give_up(self, body: bytes, reason: str, attempts: int) -> None:
        self._park(body, reason, attempts)
        self._metrics.handled.labels(group=self.group, outcome="dead_letter").inc()
        self._log.error(
            "an event went to the dead letters", group=self.group, reason=reason, attempts=attempts
        )
