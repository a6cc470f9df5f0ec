"""The changes that sources tell: kept, and given to what explains something new by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sre_copilot.domain.signals import Change
from sre_copilot.errors import StoreError
from sre_copilot.incidents.watch.journal import change_of, change_row
from sre_copilot.store.records import Records
from sre_copilot.telemetry import log

LASTING_S = 3600.0  # a change explains what is new after it for so long
MOST = 1000  # changes of that time: more explain nothing
_log = log(__name__)


class ToldChanges:
    """Keeps what is told; while the store refuses it, remembers it, so that a tick needs no store to judge."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._owed: dict[str, dict[str, Any]] = {}

    def take(self, told: Iterable[tuple[str, Change]], *, now: float) -> tuple[Change, ...]:
        """Keep changes, each with its source; return those of the last hour, whoever told them."""
        for source, change in told:
            row = change_row(change, at=now, source=source)
            self._owed[row["id"]] = row
        try:
            self._records.save(self._owed.values())
            rows = self._records.page(since=now - LASTING_S, limit=MOST).rows
        except StoreError as error:
            _log.warning("changes are kept with a later tick", problem=str(error), count=len(self._owed))
            return tuple(change_of(row) for row in self._owed.values() if row["ts"] >= now - LASTING_S)
        self._owed.clear()
        return tuple(map(change_of, rows))
