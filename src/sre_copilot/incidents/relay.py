"""From the outbox to the bus: what was decided was written with its events in one transaction; here they are sent, in that order, until the broker has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import func, select, update

from sre_copilot.bus.port import Bus, EventRefused
from sre_copilot.bus.schemas import event_type
from sre_copilot.clock import Clock
from sre_copilot.domain.event import Event
from sre_copilot.errors import BusError
from sre_copilot.store.alerting.tables import outbox
from sre_copilot.store.database import Database
from sre_copilot.telemetry import log

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
MOST_REFUSED = 1000  # events that no broker can take, remembered until the next start
AT_ONCE = 500  # rows a statement


class RelayMetrics:
    """How far sending is behind."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        name = "sre_copilot_outbox_"
        into = registry or CollectorRegistry()
        self.waiting = Gauge(f"{name}waiting", "Events that are not yet on the bus", registry=into)
        self.published = Counter(f"{name}published", "Events put on the bus", registry=into)
        self.failures = Counter(
            f"{name}failures", "Attempts that failed: broker away, event refused", ["reason"], registry=into
        )


class Relay:
    """Sends what waits in the outbox. One process does it at a time; if two do, an event is sent twice with the same id."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, registry: CollectorRegistry | None = None
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._metrics = RelayMetrics(registry)
        self._log = log(__name__)
        self._refused: set[int] = set()
        self._pause = 0.0
        self._not_before = 0.0

    def pump(self, limit: int = AT_ONCE) -> int:
        """Send at most so many events, in their order; how many were sent.

        While the broker is away it returns 0 at once until the pause is over (1 s, doubling up to 30). An event that no broker can take
        stays in the outbox, is said once and counted, and does not hold up the others.
        """
        if self._clock.now() < self._not_before:
            return 0
        rows = self._unpublished(limit)
        sendable = [(row["id"], event) for row in rows if (event := self._read(row)) is not None]
        try:
            numbers = self._send(sendable)
        except BusError as error:
            self._failed(error)
            return 0
        self._mark(numbers)
        self._reached(numbers, more=len(rows) == limit)
        return len(numbers)

    def _send(self, waiting: list[tuple[int, Event]]) -> list[int]:
        """Send all of them; whatever is refused is left out, and the rest is sent."""
        while waiting:
            try:
                self._bus.publish(*(event for _, event in waiting))
            except EventRefused as error:
                number = next((number for number, event in waiting if event.id == error.event_id), None)
                if number is None:  # a transport that names an event that was not among them
                    raise
                self._refuse(number, str(error))
                waiting = [each for each in waiting if each[0] != number]
            else:
                break
        return [number for number, _ in waiting]

    def _read(self, row: Mapping[str, Any]) -> Event | None:
        try:
            return Event(
                id=row["event_id"],
                type=event_type(row["type"]),
                key=row["key"],
                at=row["at"],
                data=orjson.loads(row["data"]),
            )
        except ValueError as error:
            self._refuse(row["id"], str(error))
            return None

    def _unpublished(self, limit: int) -> Sequence[Mapping[str, Any]]:
        where = [
            outbox.c.published_at.is_(None),
            *([outbox.c.id.not_in(self._refused)] if self._refused else []),
        ]
        query = select(outbox).where(*where).order_by(outbox.c.id).limit(limit)
        with self._database.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _mark(self, numbers: Sequence[int]) -> None:
        now = self._clock.now()
        with self._database.begin() as connection:
            for start in range(0, len(numbers), AT_ONCE):
                chunk = numbers[start : start + AT_ONCE]
                connection.execute(update(outbox).where(outbox.c.id.in_(chunk)).values(published_at=now))

    def _waiting(self) -> int:
        query = select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))
        with self._database.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def _failed(self, error: BusError) -> None:
        self._metrics.failures.labels(reason="bus").inc()
        waiting = self._waiting()
        self._metrics.waiting.set(waiting)
        if not self._pause:
            self._log.warning("events wait in the outbox", waiting=waiting, reason=str(error))
        self._pause = min(LONGEST_PAUSE_S, 2 * self._pause or FIRST_PAUSE_S)
        self._not_before = self._clock.now() + self._pause

    def _reached(self, numbers: Sequence[int], *, more: bool) -> None:
        if not numbers:
            if not more:
                self._metrics.waiting.set(len(self._refused))
            return
        if self._pause:
            self._log.info("events leave the outbox again", sent=len(numbers))
        self._pause = self._not_before = 0.0
        self._metrics.published.inc(len(numbers))
        self._metrics.waiting.set(self._waiting() if more else len(self._refused))

    def _refuse(self, number: int, problem: str) -> None:
        self._metrics.failures.labels(reason="refused").inc()
        self._log.error(
            "an event stays in the outbox: no broker can take it", outbox_id=number, reason=problem
        )
        if len(self._refused) < MOST_REFUSED:
            self._refused.add(number)
