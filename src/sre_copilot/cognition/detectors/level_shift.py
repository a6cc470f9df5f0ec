"""A series that settled on a higher level: robust distance from its own normal, where that has a spread to measure by.

References
----------
Iglewicz and Hoaglin, How to detect and handle outliers, 1993, chapter 3 (robust z-score from median and MAD; 3.5 as its limit).
"""

from __future__ import annotations

import math

import polars as pl

from sre_copilot.cognition.detectors.metric_finding import Row, rising
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Finding

LIMIT = 3.5  # Iglewicz and Hoaglin 1993
FAR = 15.0  # robust distances beyond which nothing more is learned
CONSTANT = (
    0.02  # of its level: a series that never moved by more is quantised or idle, and any move looks infinite
)
FACTOR, LARGE = 1.8, 5.0  # times its normal level: where suspicion begins and where it is complete
SMALLEST = {
    "latency": 0.005,
    "cpu": 0.2,
    "memory": 64e6,
    "errors": 0.02,
    "waiting": 1.0,
    "locks": 1.0,
    "restarts": 1.0,
    "pool": 2.0,
    "throttling": 0.05,
}
"""Rise that users or neighbours can feel: 5 ms, a fifth of a core, 64 MB, two failed requests in a hundred, one that waits, one restart."""
STEADY = {"cpu": 0.25}
"""Share of that rise which is taken as the least spread: the processor time of a service at rest hardly varies, and one core is all that most processes can take."""
SCALE = {"milliseconds": 1e-3, "millicores": 1e-3, "percent": 1e-2}
CEILING = {
    "latency": 1.2,
    "cpu": 3.0,
    "memory": 2.5,
    "errors": 2.5,
    "waiting": 3.0,
    "locks": 3.5,
    "restarts": 4.5,
    "pool": 1.5,
    "throttling": 3.0,
}
"""Nats: whoever depends on a slow service is slow as well, so latency says least; a process that began anew says most."""
FAULTS = {
    "latency": "degradation/latency",
    "cpu": "resource/cpu",
    "memory": "resource/memory",
    "errors": "degradation/availability",
    "waiting": "resource/pool",
    "locks": "database/lock",
    "restarts": "process/killed",
    "pool": "resource/pool",
    "throttling": "resource/cpu",
}


def shifted(levels: pl.DataFrame) -> tuple[Finding, ...]:
    """Find series whose level of a minute lies far above their normal spread and highs."""
    table = levels.filter(pl.col("kind").is_in(list(SMALLEST)) & pl.col("normal").is_not_null())
    found = []
    for row in table.iter_rows(named=True):
        weight, distance = _weight(row)
        if weight >= 0.1:
            factor = row["top"] / row["normal"] if row["normal"] > 0 else 0.0
            finding = rising(
                f"metric.level_{row['kind']}",
                row,
                weight,
                FAULTS[row["kind"]],
                factor=factor,
                distance=distance,
            )
            found.append(finding)
    return tuple(found)


def _weight(row: Row) -> tuple[float, float]:
    """Nats, and the robust distance; 0 for series that were near-constant and only jittered."""
    kind, unit = row["kind"], row["unit"]
    if kind == "latency" and row["mad"] <= CONSTANT * abs(row["normal"]):
        return 0.0, 0.0
    rise = (row["top"] - max(row["normal"], row["high"])) * _scale(row)
    if rise < SMALLEST[kind]:
        return 0.0, 0.0
    spread = max(row["spread"], SMALLEST[kind] * STEADY.get(kind, 1.0) / _scale(row))
    distance = (row["top"] - row["normal"]) / spread
    if distance < LIMIT:
        return 0.0, distance
    factor = row["top"] / row["normal"] if row["normal"] > 0 else LARGE
    near = ramp(math.log(distance), math.log(LIMIT), math.log(FAR))
    large = (
        ramp(math.log(max(factor, 1e-9)), math.log(FACTOR), math.log(LARGE)) if unit != "percent" else near
    )
    return CEILING[kind] * near * large, distance


def _scale(row: Row) -> float:
    """Factor to the unit of `SMALLEST`; a mebibyte is what a memory metric below a million must count in."""
    if row["kind"] == "memory" and row["unit"] == "bytes" and row["high"] < 1e6:
        return 1e6
    return SCALE.get(row["unit"], 1.0)
