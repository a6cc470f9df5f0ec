"""How much may be asked at once and in a minute: decided here, told by whoever answers."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass

from sre_copilot.clock import Clock
from sre_copilot.settings.asking import Chat

MINUTE_S = 60.0
WAIT_S = 5.0  # advised where others are at work: what a question usually takes


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing is begun now, and after how many seconds to try again."""

    problem: str
    retry_after_s: float


class Limits:
    """Counts who is at work; whoever is admitted must be released."""

    def __init__(self, settings: Chat, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._at_work: defaultdict[str, int] = defaultdict(int)
        self._begun: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, who: str) -> Refused | None:
        """Begin a piece of work for a token; or say why not."""
        with self._lock:
            now = self._clock.now()
            begun = self._recent(who, now)
            if refused := self._refused(who, begun, now):
                return refused
            begun.append(now)
            self._at_work[who] += 1
            return None

    def release(self, who: str) -> None:
        """A piece of work has ended."""
        with self._lock:
            self._at_work[who] -= 1
            if self._at_work[who] <= 0:
                del self._at_work[who]

    @property
    def at_work(self) -> int:
        """Pieces of work that go on."""
        with self._lock:
            return sum(self._at_work.values())

    def _recent(self, who: str, now: float) -> deque[float]:
        for key in [key for key, times in self._begun.items() if not times or times[-1] <= now - MINUTE_S]:
            del self._begun[key]
        begun = self._begun[who]
        while begun and begun[0] <= now - MINUTE_S:
            begun.popleft()
        return begun

    def _refused(self, who: str, begun: deque[float], now: float) -> Refused | None:
        limits = self._settings
        if len(begun) >= limits.per_minute:
            wait = max(1.0, begun[0] + MINUTE_S - now)
            return Refused(
                f"this token has asked {limits.per_minute} times within a minute (chat.per_minute)", wait
            )
        if self._at_work.get(who, 0) >= limits.at_once_each:
            each = limits.at_once_each
            return Refused(f"{each} questions of this token are being worked on (chat.at_once_each)", WAIT_S)
        if sum(self._at_work.values()) >= limits.at_once:
            return Refused(f"{limits.at_once} questions are being worked on (chat.at_once)", WAIT_S)
        return None
