"""What a tick asks of each source, what came of it, and how the source is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Change, Window
from sre_copilot.errors import SourceError
from sre_copilot.incidents.watch.feeds import Outcome, Round
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.incidents.watch.status import SourceStatus
from sre_copilot.perception.source import Reading, Source
from sre_copilot.store.facts import Facts
from sre_copilot.telemetry import clean

SPANS_ON_THEIR_WAY_S = (
    6.0  # a span is sent when it has ended, in batches of five seconds by default; read sooner it is lost
)
MOST_GAPS = 5  # of one source in its status: enough to see what is wrong
CATCH_UP_S = 6 * 3600  # after an interruption so much is read again at most


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source answered: whole steps and the present of metrics, or a reading of anything else."""

    steps: SeriesBlock | None = None
    present: SeriesBlock | None = None
    reading: Reading | None = None
    window: Window | None = None
    """What the reading is of; None: what has come since the reading before."""
    until: float = 0.0

    @property
    def looked(self) -> bool:
        """Whether it says anything of a time that was not looked at before: an anomaly is over only when it is."""
        if self.reading is not None:
            return self.window is None or self.window.seconds > 0
        return any(block is not None and block.values.shape[1] for block in (self.steps, self.present))


def question(source: Source, watch: MetricWatch | None, *, since: float, now: float) -> Callable[[], Answer]:
    """What to ask a source at this tick: metrics by whole steps, what follows itself what is new, others what came since."""
    if watch is not None:
        return lambda: read_metrics(source, watch, now)
    poll = getattr(source, "poll", None)
    if poll is not None:
        return lambda: Answer(reading=poll(), until=now)
    until = _settled(source, now)
    window = Window(min(max(since, now - CATCH_UP_S), until), until)
    return lambda: Answer(reading=source.read(window), window=window, until=until)


def _settled(source: Source, now: float) -> float:
    """Until when a source can be read whole: spans are on their way for a while, an interval has its row when it is over."""
    interval = getattr(source, "interval_seconds", 0)
    if interval:
        return float(now // interval * interval)
    return now - SPANS_ON_THEIR_WAY_S if "traces" in source.modalities else now


def read_metrics(source: Any, watch: MetricWatch, now: float) -> Answer:
    """Read the whole steps since the last one (at first the last day too), and the present where it lies between two."""
    step = watch.step_seconds
    last = int(now) // step * step
    new = last if watch.committed is None else max(watch.committed + step, last - CATCH_UP_S)
    first = min(new, last - watch.past_seconds // step * step)
    steps = source.series(Window(first, max(first, last + 1)), step_seconds=step)
    present = source.series(Window(int(now), int(now) + 1), step_seconds=step) if int(now) > last else None
    return Answer(steps=steps, present=present, until=now)


def changes_in(answered: Round[Answer]) -> Iterator[tuple[str, Change]]:
    """The changes that sources told, each with its source."""
    for name, answer in answered.answers.items():
        for change in (answer.reading.telemetry.changes if answer.reading else None) or ():
            yield name, change


def unasked(source: Source) -> SourceStatus:
    return SourceStatus(name=source.name, kind=", ".join(source.modalities), ok=False)


def noted(before: SourceStatus, outcome: Outcome[Answer], now: float) -> SourceStatus:
    if outcome.late:
        problem = "has not answered yet" if before.asked_at is not None else "was not asked yet"
        return replace(before, asked_at=before.asked_at or now, problem=before.problem or problem)
    if outcome.error is None:
        return replace(
            before,
            ok=True,
            asked_at=outcome.asked_at,
            answered_at=now,
            seconds=outcome.seconds,
            problem="",
            remedy="",
            gaps=_gaps(outcome.answer),
        )
    problem, remedy = str(outcome.error), ""
    if isinstance(outcome.error, SourceError):
        problem, remedy = outcome.error.problem, outcome.error.remedy
    return replace(
        before,
        ok=False,
        asked_at=outcome.asked_at,
        seconds=outcome.seconds,
        problem=clean(problem),
        remedy=remedy,
    )


def _gaps(answer: Answer | None) -> tuple[Message, ...]:
    told = answer.reading.gaps if answer is not None and answer.reading is not None else ()
    return tuple(dict.fromkeys(gap.message for gap in told))[:MOST_GAPS]


def keep_place(source: Source, facts: Facts) -> None:
    """Keep how far a source that follows itself has been read."""
    position = getattr(source, "position", None)
    if position is not None:
        facts.set(f"position.{source.name}", position())


def resume_feed(source: Source, facts: Facts) -> None:
    """Let a source that follows itself go on where an earlier process stopped."""
    resume, kept = getattr(source, "resume", None), facts.get(f"position.{source.name}")
    if resume is not None and kept is not None:
        resume(kept)
