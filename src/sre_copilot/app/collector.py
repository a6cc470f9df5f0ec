"""The garbage collector of a process that remembers many thousands of alerts: it looks at young objects, and seldom at everything."""

from __future__ import annotations

import gc

YOUNG = 50_000  # containers made and not yet gone until the young are looked at: some thousand alerts, a few milliseconds of work
MIDDLE = 20  # such looks until those that stayed are looked at
ALL = 20  # such looks until everything is: a look at a million containers holds up every answer for a tenth of a second or more


def calm_collector() -> None:
    """Collect rarely, and never again look at what was loaded up to now: modules, rules and settings stay until the process ends.

    What is dropped without a cycle, as nearly everything is, goes at once all the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, ALL)
