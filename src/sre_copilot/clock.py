"""What time it is: a port, so that hours can pass in a test."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Epoch seconds UTC."""
        ...

    def wait(self, seconds: float, until: threading.Event) -> bool:
        """Wait, or until the event is set; return whether it is."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Epoch seconds UTC."""
        return time.time()

    def wait(self, seconds: float, until: threading.Event) -> bool:
        """Wait, or until the event is set; return whether it is."""
        return until.wait(max(0.0, seconds))


class TurnedClock:
    """A clock that is turned by hand: waiting takes no time, and moves it on."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """Epoch seconds UTC."""
        return self._now

    def wait(self, seconds: float, until: threading.Event) -> bool:
        """Move on at once."""
        self._now += max(0.0, seconds)
        return until.is_set()


def rfc3339(moment: float | None) -> str | None:
    """An epoch second as `2026-02-06T14:30:22Z`; milliseconds only where there are some."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds" if moment % 1 else "seconds")
    return text.replace("+00:00", "Z")
