"""A short outlier that did not last: a hint, never a cause by itself.

References
----------
Iglewicz and Hoaglin, How to detect and handle outliers, 1993, chapter 3 (robust z-score).
"""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.detectors.metric_finding import rising
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Finding

KINDS = {"latency": "degradation/latency", "errors": "degradation/availability", "cpu": "resource/cpu"}
CEILING = 0.4  # nats: most minutes of most systems have a spike somewhere
SINGLE = 20.0  # robust standard deviations: what a lasting shift needs is far less
FULL = 100.0


def spiked(levels: pl.DataFrame) -> tuple[Finding, ...]:
    """Find series whose highest bucket lies extremely far out though its neighbours are normal."""
    moved = pl.col("normal").is_not_null() & (pl.col("mad") > 0.02 * pl.col("normal").abs())
    calm = pl.col("top") <= pl.col("high")
    found = []
    for row in levels.filter(pl.col("kind").is_in(list(KINDS)) & moved & calm).iter_rows(named=True):
        distance = (row["peak"] - row["normal"]) / row["spread"]
        weight = CEILING * ramp(distance, SINGLE, FULL)
        if weight >= 0.1:
            at_peak = row | {"top": row["peak"], "top_start": row["peak_start"], "top_end": row["peak_end"]}
            found.append(rising("metric.spike", at_peak, weight, KINDS[row["kind"]], distance=distance))
    return tuple(found)
