"""How each source is doing, as the ticks meet it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sre_copilot.incidents.watch.asking import Answer, noted, unasked
from sre_copilot.incidents.watch.feeds import Round
from sre_copilot.incidents.watch.status import SourceStatus
from sre_copilot.perception.source import Source
from sre_copilot.telemetry import OwnMetrics, log

_log = log(__name__)


class Board:
    """One thread notes, any thread may read."""

    def __init__(self, sources: Iterable[Source], *, own: OwnMetrics, started_at: float) -> None:
        self._sources = {source.name: unasked(source) for source in sources}
        self._looked: Counter[str] = Counter()
        self._own = own
        self._started_at = started_at

    def all(self) -> tuple[SourceStatus, ...]:
        """Every source."""
        return tuple(self._sources.values())

    def looked(self, name: str) -> int | None:
        """In how many ticks a source told of a time that was not looked at before; None: there is no such source."""
        return self._looked[name] if name in self._sources else None

    def note(self, answered: Round[Answer], now: float) -> None:
        """Note what came of a tick."""
        self._looked.update(name for name, answer in answered.answers.items() if answer.looked)
        for name, outcome in answered.outcomes.items():
            before = self._sources[name]
            self._sources[name] = noted(before, outcome, now)
            if outcome.error is not None:
                self._own.source_errors.labels(name, type(outcome.error).__name__).inc()
                if before.ok:
                    _log.warning("a source cannot be read", source=name, problem=str(outcome.error))
            elif outcome.answer is not None and not before.ok and before.problem:
                _log.info("a source can be read again", source=name)
            last = self._sources[name].answered_at or self._started_at
            self._own.source_lag_seconds.labels(name).set(max(0.0, now - last))
