"""Which moves of a metric matter at all, however sure: the least that anyone would act upon, by the unit in which its name ends.

A series that stands still has a normal range of almost nothing; one more open file would be beyond it.
"""

from __future__ import annotations

RELATIVE = 0.05  # of what was expected: a twentieth more or less of anything is nobody's incident
ABSOLUTE = (
    ("_percent", 1.0),  # a point of a whole
    ("_ratio", 0.01),  # the same
    ("_seconds", 0.02),  # a person notices a tenth of a second, which five calls in a row share
)
"""Where a unit has a whole or a human measure, that counts instead: of a disk at 98 % one point matters, of a latency of 1 ms the double does not."""


RISES = frozenset({"latency", "error", "errors", "waiting", "throttled", "lag", "restarts", "unavailable"})
"""Words in names of metrics of which less is better: that they fall is no trouble."""


def matters(metric: str, current: float, expected: float) -> bool:
    """Whether a move of a metric, in its unit, is large enough, and not for the better."""
    move = current - expected
    if move < 0 and RISES & set(metric.partition("{")[0].split("_")):
        return False
    return abs(move) >= least_move(metric, expected)


def least_move(metric: str, expected: float) -> float:
    """The least move of a metric that matters, in its unit."""
    name = metric.partition("{")[0]
    for ending, least in ABSOLUTE:
        if name.endswith(ending):
            return max(least, RELATIVE * abs(expected)) if ending == "_seconds" else least
    return RELATIVE * abs(expected)
