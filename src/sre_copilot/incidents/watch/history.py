"""Learning logs, traces and transactions from what a source still holds: as much of the past as can be read in a few minutes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from sre_copilot.domain.signals import Window
from sre_copilot.incidents.watch.events import KINDS, Streams
from sre_copilot.perception.source import Source

STRETCH_S = 600.0  # read at once: an answer that fits the memory of a small machine
PATIENCE_S = 300.0  # for all of it: the watch waits for nothing, but a system should not be asked for hours
SETTLED_S = 600.0  # the newest is left to the watch


def learns_from(source: Source) -> bool:
    """Whether a source tells anything that is learned here."""
    return any(kind in source.modalities for kind in KINDS)


def learn_past(
    source: Source, *, hours: float, now: float, elapsed: Callable[[], float] = monotonic
) -> tuple[Streams, float]:
    """Learn the last hours; return what was learned and how many hours could be read.

    The newest stretch is read first and tells how long one takes; then as many as the patience allows, oldest first.

    Raises
    ------
    SourceError : when it cannot be read
    """
    streams = Streams()
    end = (now - SETTLED_S) // STRETCH_S * STRETCH_S
    wanted = int(hours * 3600 // STRETCH_S)
    if wanted <= 0:
        return streams, 0.0
    began = elapsed()
    newest = source.read(Window(end - STRETCH_S, end))
    took = max(elapsed() - began, 1e-3)
    count = min(wanted - 1, int(PATIENCE_S / took))
    for back in range(count, 0, -1):
        stretch = Window(end - (back + 1) * STRETCH_S, end - back * STRETCH_S)
        streams.learn(source.read(stretch).telemetry, stretch)
    streams.learn(newest.telemetry, Window(end - STRETCH_S, end))
    return streams, (count + 1) * STRETCH_S / 3600
