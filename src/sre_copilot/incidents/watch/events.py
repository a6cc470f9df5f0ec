"""Logs, traces and transactions as they come: judged at every tick, learned once they have turned out to be quiet."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sre_copilot.cognition.live.logs import LiveLogs
from sre_copilot.cognition.live.traces import LiveTraces
from sre_copilot.cognition.live.transactions import LiveTransactions
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.errors import StoreError
from sre_copilot.perception.collection import merged
from sre_copilot.perception.windows import within
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.telemetry import log

Kind = Literal["logs", "traces", "transactions"]
KINDS: tuple[Kind, ...] = ("logs", "traces", "transactions")
STRETCH_S = 300.0  # learned at once: whole minutes
QUARANTINE_S = 1800.0  # what has just come may belong to an incident that nobody has noticed yet
NEW_NORMAL_S = 7200.0  # what has been abnormal for so long without a break is how it is now
_log = log(__name__)
TRAILING_S = 60.0  # judged together: a tick of ten seconds holds too few requests


@dataclass
class Streams:
    """What one source tells: the learned past of each kind, and what has come since."""

    logs: LiveLogs = field(default_factory=LiveLogs)
    traces: LiveTraces = field(default_factory=LiveTraces)
    transactions: LiveTransactions = field(default_factory=LiveTransactions)
    waiting: deque[tuple[Window, Telemetry]] = field(default_factory=deque)
    trailing: deque[tuple[Window, Telemetry]] = field(default_factory=deque)
    abnormal_since: dict[str, float] = field(default_factory=dict)
    abnormal_at: dict[str, float] = field(default_factory=dict)

    def learn(self, telemetry: Telemetry, window: Window, kinds: Sequence[Kind] = KINDS) -> None:
        """Take a stretch of the past as normal."""
        for kind in kinds:
            table = getattr(telemetry, kind)
            if table is not None:
                getattr(self, kind).learn(table, window)

    def judge(self, telemetry: Telemetry, window: Window, changes: Sequence[Change]) -> list[Anomaly]:
        """Judge what has come in a window."""
        found = self.logs.tick(telemetry.logs, window, changes=changes)
        whole, span = self._trailing(telemetry, window)
        found += self.traces.tick(whole.traces, span)
        found += self.transactions.tick(whole.transactions, span)
        for kind in {each.finding.modality for each in found}:
            self.abnormal_since.setdefault(kind, window.end)
            self.abnormal_at[kind] = window.end
        self.waiting.append((window, telemetry))
        self._learn_what_was_quiet(window.end)
        return found

    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be told yet."""
        return (*self.logs.gaps, *self.traces.gaps, *self.transactions.gaps)

    def _trailing(self, telemetry: Telemetry, window: Window) -> tuple[Telemetry, Window]:
        """The last minute, of which a tick may be a part."""
        part = Telemetry(traces=telemetry.traces, transactions=telemetry.transactions)
        self.trailing.append((window, part))
        while self.trailing and self.trailing[0][0].end <= window.end - TRAILING_S:
            self.trailing.popleft()
        span = Window(max(self.trailing[0][0].start, window.end - TRAILING_S), window.end)
        return merged([each for _, each in self.trailing]), span

    def _learn_what_was_quiet(self, now: float) -> None:
        while self.waiting and now - self.waiting[0][0].end > QUARANTINE_S + STRETCH_S:
            start = self.waiting[0][0].start // STRETCH_S * STRETCH_S
            stretch = Window(start, start + STRETCH_S)
            parts: list[Telemetry] = []
            while self.waiting and self.waiting[0][0].start < stretch.end:
                parts.append(self.waiting.popleft()[1])
            calm = [kind for kind in KINDS if self._calm(kind, stretch, now)]
            self.learn(within(merged(parts), stretch), stretch, calm)

    def _calm(self, kind: Kind, stretch: Window, now: float) -> bool:
        since, last = self.abnormal_since.get(kind), self.abnormal_at.get(kind)
        if since is None or last is None:
            return True
        if now - last > QUARANTINE_S:
            del self.abnormal_since[kind], self.abnormal_at[kind]
            return stretch.start > last or stretch.end < since
        return stretch.end < since or now - since > NEW_NORMAL_S


class EventWatch:
    """The streams of all sources."""

    def __init__(self) -> None:
        self._streams: dict[str, Streams] = {}
        self._lock = threading.Lock()

    def take(
        self, name: str, telemetry: Telemetry, window: Window, *, changes: Sequence[Change] = ()
    ) -> list[Anomaly]:
        """Judge what one source told of a window."""
        if window.seconds <= 0:
            return []
        with self._lock:
            return self._streams.setdefault(name, Streams()).judge(telemetry, window, changes)

    def know(self, name: str, streams: Streams) -> None:
        """Work with what was learned of a source's past; what has come meanwhile stays."""
        with self._lock:
            before = self._streams.get(name)
            if before is not None:
                streams.waiting, streams.trailing = before.waiting, before.trailing
            self._streams[name] = streams

    def unknown(self, name: str) -> bool:
        """Whether nothing was learned of a source yet."""
        with self._lock:
            streams = self._streams.get(name)
            return streams is None or not any(getattr(streams, kind).counts.days for kind in KINDS)

    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be told yet."""
        with self._lock:
            return tuple(dict.fromkeys(gap for each in self._streams.values() for gap in each.gaps()))

    def save(self, arrays: ArrayStore) -> None:
        """Keep what was learned."""
        with self._lock:
            for name, streams in self._streams.items():
                for kind in KINDS:
                    parts, meta = getattr(streams, kind).state()
                    arrays.save(f"{name}.{kind}", parts, meta)

    def recall(self, arrays: ArrayStore, name: str) -> bool:
        """Go on with what was kept; False when nothing was."""
        kept: dict[str, Any] = {}
        makers = {"logs": LiveLogs, "traces": LiveTraces, "transactions": LiveTransactions}
        for kind, maker in makers.items():
            try:
                if arrays.has(f"{name}.{kind}"):
                    kept[kind] = maker.of(*arrays.load(f"{name}.{kind}"))  # type: ignore[attr-defined]
            except StoreError as error:
                _log.warning("what was learned is damaged; it is learned again", problem=str(error))
            except (KeyError, TypeError, ValueError) as error:
                _log.warning(
                    "what was learned is of another release; it is learned again", problem=repr(error)
                )
        if kept:
            self.know(name, Streams(**kept))
        return bool(kept)
