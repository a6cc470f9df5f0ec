"""How fast a system is asked, and how long after a failure it is asked again."""

from __future__ import annotations

import email.utils
import threading
import time
from collections.abc import Callable, Iterator

import stamina

FIRST_PAUSE_S = 0.2  # after the first failure; doubled with each further one
LONGEST_PAUSE_S = 3.0  # a restart of the other side takes a few seconds
JITTER_S = 1.0  # at most so much is added by chance, so that many who wait do not come back together


def tries(on: Callable[[Exception], bool | float], *, attempts: int) -> Iterator[stamina.Attempt]:
    """Attempts with growing pauses between them; `on` says whether another one can help, or after how many seconds."""
    yield from stamina.retry_context(
        on=on,
        attempts=attempts,
        wait_initial=FIRST_PAUSE_S,
        wait_max=LONGEST_PAUSE_S,
        wait_jitter=JITTER_S,
        timeout=None,
    )


class Pace:
    """Spaces requests evenly."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until the next request may go; bursts of up to one second's worth go at once."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next + self._gap, now - 1.0)
            pause = self._next - now
        if pause > 0:
            time.sleep(pause)


def moment(date: str) -> float | None:
    """The time (epoch s) of a header such as `Date`; None when it holds none."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def clock_skew(date: str, before: float, after: float) -> float | None:
    """A server's clock minus ours by the `Date` of its answer to what was asked between `before` and `after`.

    It comes in whole seconds: what is less than that is no skew. None when the server does not tell the time.
    """
    theirs = moment(date)
    if theirs is None:
        return None
    return 0.0 if before - 1.0 <= theirs <= after else theirs + 0.5 - (before + after) / 2
