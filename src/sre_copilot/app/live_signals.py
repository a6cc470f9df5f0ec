"""Signals of running systems, measured for remediation by the evaluator that re-runs evidence; what cannot be told is None, never well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.plan import SignalCheck
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.evidence.selection import NoDataError, Selector
from sre_copilot.perception.collection import UNREAD, collect
from sre_copilot.perception.source import Source

SIGNS: tuple[tuple[Modality, str], ...] = (
    ("metrics", "value"),
    ("traces", "rows"),
    ("logs", "rows"),
    ("transactions", "count"),
)
"""By which something shows that it lives."""


class LiveSignals:
    """Measures checks on the live sources, by the evaluator that re-runs evidence; one reading serves all checks of a window."""

    def __init__(self, opener: Callable[[], Sequence[Source]]) -> None:
        self._opener = opener
        self._read: tuple[tuple[float, float], Observation] | None = None
        self._lock = threading.Lock()

    def measure(self, check: SignalCheck, since: float, until: float) -> float | None:
        """The left side of a check over a time; None when it cannot be told.

        A source of its kind that did not answer may have held the worse half. That nothing came is a zero only of what shows elsewhere that it lives.
        """
        observation = self._observed(since, until)
        if any(gap.modality == check.source and gap.message.key == UNREAD for gap in observation.gaps):
            return None
        window = Window(since, until)
        value = evaluate(asked(check, window), observation).value
        return None if value == 0.0 and not _lives(check.entity, observation, window) else value

    def _observed(self, since: float, until: float) -> Observation:
        with self._lock:
            if self._read is None or self._read[0] != (since, until):
                self._read = ((since, until), self._collected(Window(since, until)))
            return self._read[1]

    def _collected(self, window: Window) -> Observation:
        incident = Incident(id="remediation", complaint=Complaint(text="", at=window.start), window=window)
        sources = self._opener()
        try:
            return collect(sources, incident, window=window).observation
        finally:
            for source in sources:
                source.close()


def asked(check: SignalCheck, window: Window) -> Check:
    """The statement of a signal, over a window."""
    where = check.where or (("service", check.entity),)
    query = Query(source=check.source, measure=check.measure, where=where, window=window)  # type: ignore[arg-type]
    return Check(query=query, aggregate=check.aggregate, relation=check.relation, bound=check.bound)  # type: ignore[arg-type]


def _lives(entity: str, observation: Observation, window: Window | None) -> bool:
    """Whether anything at all was recorded of an entity in a window."""
    selector = Selector(observation)
    for source, measure in SIGNS:
        query = Query(source=source, measure=measure, where=(("service", entity),), window=window)
        with suppress(NoDataError):
            if selector.select(query).values.size:
                return True
    return False
