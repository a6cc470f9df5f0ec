"""A resource that is used up: its level and its jump against the series' own normal level.

A pod that idles at 70 % is no fault; one that leaves its normal level and uses up what was left of the resource is. Both are
measured as the share of the free resource that is gone, so that no z-score of a flat series is needed.

References
----------
Gregg, The USE method, ACM Queue 10(12), 2012: utilisation and saturation, resource by resource.
"""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.detectors.metric_finding import Row, rising
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Finding

FULL = {"percent": 100.0, "ratio": 1.0}
CEILING = {
    "cpu": 7.0,
    "memory": 3.5,
    "disk": 6.0,
    "pool": 4.0,
}  # nats; a healthy pod hardly ever exhausts its processor for a minute
FAULTS = {
    "cpu": "resource/cpu",
    "memory": "resource/memory",
    "disk": "resource/disk",
    "pool": "resource/pool",
}
IMPOSSIBLE = (
    1.1  # of a limit that cannot be exceeded: two instances were counted as one while one replaced the other
)
HIGH = 0.6  # of the resource: below it nothing waits for it
GONE, ALL_GONE = 0.5, 0.85  # of what was free is used up: where suspicion begins and where it is complete


def saturated(levels: pl.DataFrame) -> tuple[Finding, ...]:
    """Find processors, memory, disks and pools with a known limit that were used up for a minute."""
    table = levels.filter(pl.col("unit").is_in(list(FULL)) & pl.col("kind").is_in(list(FAULTS)))
    found = []
    for row in table.filter(pl.col("normal").is_not_null()).iter_rows(named=True):
        full = _full(row)
        level, normal = row["top"] / full, row["normal"] / full
        if level < HIGH or normal >= 1.0 or (level > IMPOSSIBLE and row["kind"] != "cpu"):
            continue
        weight = CEILING[row["kind"]] * ramp((level - normal) / (1.0 - normal), GONE, ALL_GONE)
        if weight > 0:
            factor = row["top"] / row["normal"] if row["normal"] > 0 else 0.0
            found.append(
                rising(f"metric.saturation_{row['kind']}", row, weight, FAULTS[row["kind"]],
                       factor=factor, percent=100 * level, normal_percent=100 * normal)
            )  # fmt: skip
    return tuple(found)


def _full(row: Row) -> float:
    """The value that is all of the resource; some sources call a percentage utilisation."""
    if row["unit"] == "ratio" and max(row["top"], row["high"]) > 2.0:
        return FULL["percent"]
    return FULL[row["unit"]]
