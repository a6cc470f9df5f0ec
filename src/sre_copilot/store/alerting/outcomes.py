"""What came of commands that this process carried out, for whoever waits in the same process: asking the store again and again costs everyone more than it tells."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

MOST_KEPT = 1_000  # as many as a process carries out in some seconds; whoever comes later asks the store


class Outcomes:
    """The latest outcomes by the ids of their entries; any thread may tell and wait."""

    def __init__(self) -> None:
        self._latest: dict[int, Mapping[str, Any]] = {}
        self._told = threading.Condition()

    def tell(self, outcomes: Mapping[int, Mapping[str, Any]]) -> None:
        """Let those who wait know what is kept in the store by now."""
        if not outcomes:
            return
        with self._told:
            self._latest.update(outcomes)
            for entry in list(self._latest)[:-MOST_KEPT]:
                del self._latest[entry]
            self._told.notify_all()

    def wait(self, entry: int, seconds: float) -> Mapping[str, Any] | None:
        """The outcome of an entry as soon as it is told; None when it is not told in that time."""
        with self._told:
            self._told.wait_for(lambda: entry in self._latest, seconds)
            return self._latest.get(entry)
