"""What may be spent, what was, and what is promised to calls that are under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sre_copilot.clock import Clock, SystemClock
from sre_copilot.llm.redaction import Pseudonyms
from sre_copilot.llm.speaking import Usage
from sre_copilot.settings.llm import DayBudget, InvestigationBudget


class DayBook(Protocol):
    """Where it is kept what a day has cost, so that a restart does not forget it."""

    def spent(self, day: str) -> Usage:
        """All that was spent on a day (`2026-01-31`, UTC)."""
        ...

    def add(self, day: str, usage: Usage) -> None:
        """Add to a day."""
        ...


class MemoryDayBook:
    """A day book that a restart forgets."""

    def __init__(self) -> None:
        self._days: dict[str, Usage] = {}

    def spent(self, day: str) -> Usage:
        """All that was spent on a day."""
        return self._days.get(day, Usage())

    def add(self, day: str, usage: Usage) -> None:
        """Add to a day; the days before are forgotten."""
        self._days = {day: total(self.spent(day), usage)}


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """What these tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


def total(one: Usage, other: Usage) -> Usage:
    """Both together."""
    return Usage(
        calls=one.calls + other.calls,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        seconds=one.seconds + other.seconds,
        cost=one.cost + other.cost,
    )


def reached(spent: Usage, limits: InvestigationBudget | DayBudget, *, whose: str, seconds: float) -> str:
    """Which limit is reached, in words; '' when there is room."""
    tokens = spent.input_tokens + spent.output_tokens
    for limit, value, unit in (
        (limits.calls, spent.calls, "calls"),
        (limits.tokens, tokens, "tokens"),
        (limits.seconds, seconds, "seconds"),
        (limits.cost, spent.cost, "money"),
    ):
        if limit and value >= limit:
            return f"the limit of {limit:g} {unit} for {whose} is reached"
    return ""


class Day:
    """The budget of a day, shared by all investigations; safe between threads."""

    def __init__(self, limits: DayBudget, *, book: DayBook | None = None, clock: Clock | None = None) -> None:
        self.limits = limits
        self._book = book or MemoryDayBook()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()

    @property
    def spent(self) -> Usage:
        """What today has cost."""
        with self._lock:
            return self._book.spent(self._today())

    def add(self, usage: Usage) -> None:
        """Add to today."""
        with self._lock:
            self._book.add(self._today(), usage)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()


class InvestigationLedger:
    """The budget of one investigation, and the pseudonyms that are used in it; safe between threads."""

    def __init__(
        self, limits: InvestigationBudget, day: Day, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.pseudonyms = Pseudonyms()
        self._limits = limits
        self._day = day
        self._now = now
        self._began = now()
        self._lock = threading.Lock()
        self._spent = Usage()
        self._promised = Usage()

    @property
    def spent(self) -> Usage:
        """All that was spent."""
        return self._spent

    def exhausted(self) -> str:
        """Which limit is reached, in words; '' when there is room."""
        return self._exhausted(Usage())

    def seconds_left(self) -> float:
        """Seconds until the investigation's time is up."""
        if not self._limits.seconds:
            return float("inf")
        return self._began + self._limits.seconds - self._now()

    def tokens_left(self) -> float:
        """Tokens that can still be spent, what is promised taken off."""
        used = total(self._spent, self._promised)
        mine = self._limits.tokens - used.input_tokens - used.output_tokens if self._limits.tokens else None
        today = self._day.spent
        limit = self._day.limits.tokens
        whole = limit - today.input_tokens - today.output_tokens if limit else None
        return min((each for each in (mine, whole) if each is not None), default=float("inf"))

    def promise(self, wanted: Usage) -> str:
        """Set aside what a call is expected to take, or say which limit forbids it."""
        with self._lock:
            if problem := self._exhausted(self._promised):
                return problem
            if wanted.input_tokens > self.tokens_left():
                return f"the next call would take about {wanted.input_tokens} tokens, and fewer are left"
            if problem := self._too_dear(wanted):
                return problem
            self._promised = total(self._promised, wanted)
            return ""

    def settle(self, promised: Usage, used: Usage) -> None:
        """Book what a call took instead of what was expected."""
        with self._lock:
            self._promised = total(self._promised, _negative(promised))
            self._spent = total(self._spent, used)
        self._day.add(used)

    def _exhausted(self, promised: Usage) -> str:
        elapsed = self._now() - self._began
        spent, today = total(self._spent, promised), total(self._day.spent, promised)
        mine = reached(spent, self._limits, whose="an investigation", seconds=elapsed)
        return mine or reached(today, self._day.limits, whose="a day", seconds=today.seconds)

    def _too_dear(self, wanted: Usage) -> str:
        for limit, spent in (
            (self._limits.cost, total(self._spent, self._promised).cost),
            (self._day.limits.cost, self._day.spent.cost),
        ):
            if limit and spent + wanted.cost > limit:
                return f"the next call would cost up to {wanted.cost:.4f}, and less of {limit:g} is left"
        return ""


def _negative(usage: Usage) -> Usage:
    return Usage(
        calls=-usage.calls,
        input_tokens=-usage.input_tokens,
        output_tokens=-usage.output_tokens,
        seconds=-usage.seconds,
        cost=-usage.cost,
    )


def tokens_of(text: str) -> int:
    """About how many tokens a text has: a token of English is four characters, one of Chinese hardly more than one."""
    narrow = sum(1 for each in text if ord(each) < 0x2E80)
    return round(narrow / 3.6 + (len(text) - narrow) * 0.9) + 1
