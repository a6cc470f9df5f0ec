"""Events of the outbox for parts of our own, in their order and each at least once, whatever the bus does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import SreCopilotError
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.facts import Facts
from sre_copilot.telemetry import log

AT_ONCE = 200
PASSED = 10_000  # events of other types, after which the place is written all the same
_log = log(__name__)


class Follower:
    """Gives events to a handler, which must bear an event that comes twice; how far it is, is kept after each step. `types`: only those; all when there are none."""

    def __init__(
        self,
        name: str,
        records: AlertRecords,
        facts: Facts,
        handle: Callable[[Event], None],
        *,
        types: Sequence[EventType] = (),
    ) -> None:
        self._fact = f"follower.{name}"
        self._records = records
        self._facts = facts
        self._handle = handle
        self._types = tuple(each.value for each in types)
        self._place: int | None = None
        self._kept = 0

    def anew(self) -> None:
        """Forget how far it is: another process may have gone on meanwhile."""
        self._place = None

    def pump(self) -> int:
        """Hand on what is new; return how many events. What a handler refuses comes again with the next call."""
        if self._place is None:
            self._place = self._kept = int(self._facts.get(self._fact) or 0)
        last = self._records.last_event()
        rows = self._records.changes_since(self._place, limit=AT_ONCE, types=self._types)
        handed = [row["id"] for row in itertools.takewhile(self._handed_on, rows)]
        done = handed[-1] if handed else self._place
        if len(handed) == len(rows) < AT_ONCE:
            done = max(done, last)  # up to there, none of its types is left
        self._went_on(done, kept=bool(handed))
        return len(rows)

    def _handed_on(self, row: dict[str, Any]) -> bool:
        try:
            self._handle(event_of(row))
        except SreCopilotError as error:
            _log.warning("an event is handed on later", event_id=row["event_id"], problem=str(error))
            return False
        except Exception:  # noqa: BLE001 - one event that cannot be handled holds up none of those behind it
            _log.exception("an event could not be handled, and is left out", event_id=row["event_id"])
        return True

    def _went_on(self, done: int, *, kept: bool) -> None:
        """Remember how far it is; a place that was reached past events of other types is written seldom, for nothing is lost by going there again."""
        self._place = done
        if done != self._kept and (kept or done - self._kept >= PASSED):
            self._facts.set(self._fact, done)
            self._kept = done


def event_of(row: dict[str, Any]) -> Event:
    """A row of the outbox as an event."""
    return Event(
        id=row["event_id"], type=EventType(row["type"]), key=row["key"], at=row["at"], data=row["data"]
    )
