"""How many messages a bot may send, by when it sent the last ones.

A limit is counted over any span of its length, not by a bucket that fills again: after a pause, a full bucket of 20 lets 39 messages through
within a minute, for which some platforms block a robot for ten minutes.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from sre_copilot.settings.alerting.notify import Limit

MANY = 1000  # of a bot without limits
RESERVED = 4  # this part of a budget is kept for what is critical
AHEAD_S = 5.0  # so far may the clock of another process be ahead; what lies further ahead is from before the clock was set back


def free(limits: Sequence[Limit], starts: Sequence[float], now: float) -> int:
    """How many messages may be sent now; `starts` are the times of those that were, in their order."""
    known = _until(starts, now)
    return max(0, min((each.messages - _within(known, now - each.seconds) for each in limits), default=MANY))


def reserved(limits: Sequence[Limit]) -> int:
    """How many of them are kept for what is critical."""
    return min((each.messages // RESERVED for each in limits), default=0)


def wait(limits: Sequence[Limit], starts: Sequence[float], now: float) -> float:
    """Seconds until one more may be sent; 0 when it may now."""
    known = _until(starts, now)
    waits = (known[-each.messages] + each.seconds - now for each in limits if len(known) >= each.messages)
    return max(0.0, max(waits, default=0.0))


def fits(limits: Sequence[Limit], starts: Sequence[float], now: float, *, patience_s: float) -> int:
    """How many messages could be sent until so many seconds from now."""
    if not limits:
        return MANY
    sent, moment, count = list(_until(starts, now)), now, 0
    while count < MANY:
        moment += wait(limits, sent, moment)
        if moment > now + patience_s:
            break
        bisect.insort(sent, moment)
        count += 1
    return count


def longest(limits: Sequence[Limit]) -> float:
    """The longest span that any of them looks back."""
    return max((each.seconds for each in limits), default=0.0)


def _until(starts: Sequence[float], now: float) -> Sequence[float]:
    """Without those that lie ahead: counting them would stop a bot until the clock is there again."""
    return (
        starts
        if not starts or starts[-1] <= now + AHEAD_S
        else starts[: bisect.bisect_right(starts, now + AHEAD_S)]
    )


def _within(starts: Sequence[float], since: float) -> int:
    return len(starts) - bisect.bisect_right(starts, since)
