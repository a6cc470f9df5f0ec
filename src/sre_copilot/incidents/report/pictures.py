"""Pictures of the deciding signals: the series of a finding, and the band that was expected of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.incidents.report.model import Band, Line, Picture, Statistic
from sre_copilot.incidents.report.numbers import unit_of
from sre_copilot.incidents.report.series import extent, points

WIDTHS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
BUCKETS = 60  # bars and points that a picture of 450 px can hold side by side
FULL = 16.0  # rows a bucket: 16 - 3 sqrt(16) > 0, so that an empty one lies below the band
FEWEST = 20  # buckets that still show a course
POINTS = 240  # of a line: one for every two pixels
FEWEST_POINTS = 2  # a point with nothing to compare is a number, and the evidence table has it
LINES = 3  # instances that can be told apart by eye
BAND_K = 3.0  # x 1.4826 MAD is three standard deviations of a normal series: 99.7 % lie inside
MOST_BUCKETS = 20_000  # of a reference: a day in buckets of 5 s; more does not move a median
NORMAL_POINTS = 8  # fewer give no usable MAD
OTHER_FAULT_S = (60.0, 300.0)  # before and after another fault's onset: no normal time

_LEVELS: dict[str, Statistic] = {"p90": "p90", "p95": "p95", "p99": "p99", "max": "max"}


def draw(finding: Finding, observation: Observation) -> Picture | None:
    """Make the picture of a finding from its first check that measures a series; None when no check does."""
    for check in finding.checks:
        found = points(observation.current, check.query)
        if found is not None and (picture := _picture(finding, check, found, observation)):
            return picture
    return None


def _picture(finding: Finding, check: Check, found: pl.DataFrame, observation: Observation) -> Picture | None:
    query = check.query
    start, end = _period(observation, query, found)
    found = found.filter(pl.col("at").is_between(start, end))
    if not found.height or end <= start:
        return None
    statistic = _statistic(check)
    width = None if statistic == "value" else _width(end - start, query, _rate(found, observation))
    if width:
        start = math.floor(start / width) * width
    lines, left_out = _lines(found, statistic, width, (start, end))
    onset = _onset(finding, observation)
    band = _band(check, statistic=statistic, width=width, lines=lines, onset=onset, observation=observation)
    if band is None and sum(value is not None for line in lines for value in line.values) < FEWEST_POINTS:
        return None
    return Picture(
        finding_id=finding.id,
        entity=finding.entity,
        message=finding.message,
        source=query.source,
        measure=query.measure,
        metric=dict(query.where).get("metric", ""),
        unit=unit_of(query),
        statistic=statistic,
        start=start,
        end=end,
        lines=lines,
        bucket_s=width,
        band=band,
        onset=onset if onset is not None and start <= onset <= end else None,
        left_out=left_out,
    )


def _period(observation: Observation, query: Query, found: pl.DataFrame) -> tuple[float, float]:
    recorded = extent(observation.current, query) or (float(found["at"][0]), float(found["at"][-1]))
    window = observation.incident.window
    if window is None or window.end <= recorded[0] or window.start >= recorded[1]:
        return recorded
    return max(recorded[0], window.start), min(recorded[1], window.end)


def _onset(finding: Finding, observation: Observation) -> float | None:
    if observation.incident.onset is not None:
        return observation.incident.onset
    return finding.window.start if finding.window else None


def _statistic(check: Check) -> Statistic:
    query = check.query
    if query.source in ("metrics", "transactions"):
        return "value"
    if query.measure in ("rows", "calls"):
        return "count"
    return "mean" if query.measure == "error" else _LEVELS.get(check.aggregate, "median")


def _width(seconds: float, query: Query, rate: float | None) -> float:
    """Choose the bucket: as many as can be drawn, of counts wide enough that an empty one is no chance."""
    smallest = 10.0 if query.source == "logs" else 5.0  # log lines are sparser than spans
    if query.measure in ("rows", "calls") and rate:
        smallest = max(smallest, min(FULL / rate, seconds / FEWEST))
    return next((w for w in WIDTHS_S if w >= smallest and seconds / w <= BUCKETS), seconds / BUCKETS)


def _rate(found: pl.DataFrame, observation: Observation) -> float | None:
    """Return rows per second before the onset, or None without a past."""
    onset = observation.incident.onset
    past = found.filter(pl.col("at") < onset) if onset is not None else found.clear()
    if onset is None or not past.height:
        return None
    return past.height / max(onset - float(past["at"][0]), 1.0)


def _lines(
    found: pl.DataFrame, statistic: Statistic, width: float | None, period: tuple[float, float]
) -> tuple[tuple[Line, ...], int]:
    if width:
        times, values = buckets(found, statistic, width, period)
        return (Line(label="", times=times, values=values),), 0
    parts = found.partition_by("label", maintain_order=True)
    parts.sort(key=lambda part: (-_number(part["value"].max()), part["label"][0]))
    return tuple(_samples(part) for part in parts[:LINES]), max(0, len(parts) - LINES)


def _samples(part: pl.DataFrame) -> Line:
    times, values = _thin(part["at"].to_numpy(), part["value"].to_numpy())
    shown: list[tuple[float, float | None]] = []
    hole = (
        3 * float(np.median(np.diff(times))) if len(times) > 2 else math.inf
    )  # two samples or more are missing
    for at, value in zip(times.tolist(), values.tolist(), strict=True):
        if shown and at - shown[-1][0] > hole > 0:
            shown.append(((at + shown[-1][0]) / 2, None))
        shown.append((at, value))
    return Line(
        label=str(part["label"][0]), times=tuple(t for t, _ in shown), values=tuple(v for _, v in shown)
    )


def _thin(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the smallest and largest value of each stretch, so that no spike is lost."""
    if len(times) <= POINTS:
        return times, values
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(times)), POINTS // 2):
        kept |= {int(part[values[part].argmin()]), int(part[values[part].argmax()])}
    chosen = sorted(kept)
    return times[chosen], values[chosen]


def buckets(
    found: pl.DataFrame, statistic: Statistic, width: float, period: tuple[float, float]
) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    """Reduce rows to one value per bucket of `width` seconds; an empty bucket counts 0 rows, of others it is None."""
    measure = {
        "count": pl.len().cast(pl.Float64),
        "mean": pl.col("value").mean(),
        "max": pl.col("value").max(),
        "p90": pl.col("value").quantile(0.90),
        "p95": pl.col("value").quantile(0.95),
        "p99": pl.col("value").quantile(0.99),
    }.get(statistic, pl.col("value").median())
    first = math.floor(period[0] / width)
    number = max(1, math.floor(period[1] / width) - first + 1)
    grouped = found.group_by(((pl.col("at") / width).floor().cast(pl.Int64) - first).alias("bucket")).agg(
        value=measure
    )
    values: list[float | None] = [0.0 if statistic == "count" else None] * number
    for bucket, value in grouped.iter_rows():
        if 0 <= bucket < number:
            values[bucket] = value
    return tuple((first + i) * width for i in range(number)), tuple(values)


def _band(
    check: Check,
    *,
    statistic: Statistic,
    width: float | None,
    lines: Sequence[Line],
    onset: float | None,
    observation: Observation,
) -> Band | None:
    past = _past(lines, width, onset, observation)
    wants_reference = check.against is not None and check.against.origin == "reference"
    if len(past) >= NORMAL_POINTS and not wants_reference:
        return expected(past, statistic, "past")
    reference = _reference(observation.reference, check.query, statistic, width)
    if len(reference) >= NORMAL_POINTS:
        return expected(reference, statistic, "reference")
    return expected(past, statistic, "past") if len(past) >= NORMAL_POINTS else None


def _past(
    lines: Sequence[Line], width: float | None, onset: float | None, observation: Observation
) -> list[float]:
    if onset is None:
        return []
    before, after = OTHER_FAULT_S
    first = min((line.times[0] for line in lines if line.times), default=onset)
    others = (at for at in observation.incident.other_fault_times if first - after <= at <= onset + before)
    busy = [(at - before, at + after) for at in others]
    return [
        value
        for line in lines
        for at, value in zip(line.times, line.values, strict=True)
        if value is not None and at + (width or 0) <= onset and not any(a <= at <= b for a, b in busy)
    ]


def _reference(
    reference: Telemetry | None, query: Query, statistic: Statistic, width: float | None
) -> list[float]:
    if reference is None or (found := points(reference, query)) is None:
        return []
    if not width:
        return [float(value) for value in found["value"]]
    start, end = extent(reference, query) or (float(found["at"][0]), float(found["at"][-1]))
    period = start, min(end, start + width * MOST_BUCKETS)
    return [value for value in buckets(found, statistic, width, period)[1] if value is not None]


def expected(values: Sequence[float], statistic: Statistic, origin: str) -> Band:
    """Return median +- k MAD of normal values; of counts at least k times the square root of the median (Poisson)."""
    normal = np.asarray(values, dtype=float)
    middle = float(np.median(normal))
    half = BAND_K * 1.4826 * float(np.median(np.abs(normal - middle)))
    chance = BAND_K * math.sqrt(max(middle, 0.0))
    poisson = statistic == "count" and chance >= half
    half = chance if poisson else half
    low = max(0.0, middle - half) if normal.min() >= 0 else middle - half
    return Band(
        middle=middle,
        low=low,
        high=middle + half,
        origin="reference" if origin == "reference" else "past",
        samples=len(normal),
        rule="poisson" if poisson else "deviation",
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else -math.inf
