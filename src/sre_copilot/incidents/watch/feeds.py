"""Reading many sources at once, so that a slow one delays no other and none is asked again before it has answered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from sre_copilot.errors import SreCopilotError
from sre_copilot.perception.source import Source

Answer = TypeVar("Answer")
SLICE_S = 0.2  # so soon it is seen that the watch shall stop


@dataclass(frozen=True, slots=True)
class Job(Generic[Answer]):
    """What is asked of one feed: a call, and what it is for."""

    call: Callable[[], Answer]
    asked_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Answer]):
    """What came of asking one feed: an answer, an error, or nothing yet (`late`)."""

    feed: str
    answer: Answer | None = None
    error: SreCopilotError | None = None
    late: bool = False
    asked_at: float = 0.0
    seconds: float = 0.0


class Feed(Generic[Answer]):
    """One source and the thread that reads it.

    At most one question is under way: while it is, the next is not asked (back-pressure), and its answer comes with a later tick.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.name
        self._jobs: queue.SimpleQueue[Job[Answer] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Outcome[Answer]] = queue.SimpleQueue()
        self._busy = False
        self._thread = threading.Thread(target=self._work, name=f"feed {self.name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a question is under way."""
        return self._busy

    def ask(self, call: Callable[[], Answer], *, asked_at: float) -> bool:
        """Ask unless it is still busy; return whether it was asked."""
        if self._busy:
            return False
        self._busy = True
        self._jobs.put(Job(call, asked_at))
        return True

    def answer(self, *, timeout: float, stop: threading.Event | None = None) -> Outcome[Answer]:
        """Wait for the answer, at most so many seconds, or until told to stop."""
        end = monotonic() + timeout
        while True:
            try:
                outcome = self._answers.get(timeout=min(SLICE_S, max(end - monotonic(), 0.0)))
            except queue.Empty:
                if monotonic() >= end or (stop is not None and stop.is_set()):
                    return Outcome(feed=self.name, late=True)
                continue
            self._busy = False
            return outcome

    def close(self) -> None:
        """Let the thread end after what it is doing; it does not keep the process."""
        self._jobs.put(None)
        if not self._busy:
            self._thread.join(1.0)
            self.source.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._answers.put(self._done(job))

    def _done(self, job: Job[Answer]) -> Outcome[Answer]:
        start = monotonic()
        try:
            answer, error = job.call(), None
        except SreCopilotError as caught:
            answer, error = None, caught
        except Exception as caught:  # noqa: BLE001 - the top of a thread: an error here is told as that of its source
            answer = None
            error = SreCopilotError(f"{self.name}: internal error: {type(caught).__name__}: {caught}")
        return Outcome(
            feed=self.name, answer=answer, error=error, asked_at=job.asked_at, seconds=monotonic() - start
        )


@dataclass(frozen=True, slots=True)
class Round(Generic[Answer]):
    """What came of asking all feeds once."""

    outcomes: Mapping[str, Outcome[Answer]] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers, by feed."""
        return {name: each.answer for name, each in self.outcomes.items() if each.answer is not None}

    @property
    def late(self) -> tuple[str, ...]:
        """Feeds that have not answered yet."""
        return tuple(name for name, each in self.outcomes.items() if each.late)

    @property
    def errors(self) -> dict[str, SreCopilotError]:
        """Errors, by feed."""
        return {name: each.error for name, each in self.outcomes.items() if each.error is not None}


def ask_all(
    feeds: Sequence[Feed[Answer]],
    call: Callable[[Source], Callable[[], Answer]],
    *,
    now: float,
    patience_seconds: float,
    stop: threading.Event | None = None,
) -> Round[Answer]:
    """Ask every feed that is idle, and take what has come within the patience, also from earlier questions."""
    end = monotonic() + patience_seconds
    for feed in feeds:
        feed.ask(call(feed.source), asked_at=now)
    return Round({feed.name: feed.answer(timeout=end - monotonic(), stop=stop) for feed in feeds})
