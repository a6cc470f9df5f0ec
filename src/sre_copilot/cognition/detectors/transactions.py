"""What business transactions show: fewer succeed, fewer or more come, they take longer, their amount changed.

References
----------
Kulldorff, A spatial scan statistic, 1997, section 3 (likelihood ratio of the stretch that deviates most, binomial and Poisson);
Iglewicz and Hoaglin, How to detect and handle outliers, 1993, chapter 3 (robust z-score; 3.5 as its limit).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sre_copilot.cognition.baselines.periods import Periods, inside, periods
from sre_copilot.cognition.baselines.robust import same_time_of_day
from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.cognition.detectors.scan import (
    FEWEST,
    SHORTEST,
    Array,
    Stretch,
    level_of,
    most_deviating,
    overdispersion,
    robust_distance,
    stretches,
    totals,
)
from sre_copilot.domain.evidence import Aggregate, Check, Combine, Finding, Gap, Message, Query, Relation
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window

Where = tuple[tuple[str, str], ...]

KEYS = ["service", "channel"]
FEW_MS = 5.0  # a rise that users can feel
CEILING = {
    "success_low": 0.8,
    "volume_low": 0.6,
    "latency_high": 0.4,
    "volume_high": 0.3,
    "amount_changed": 0.2,
}
"""Nats: the entry shows the symptom of whatever fails below; a surge or another basket is usual business."""
FAULTS = {"success_low": "degradation/availability", "latency_high": "degradation/latency"}
RAMPS = {
    "success_low": (0.02, 0.3),  # of the successes lost, as for availability
    "volume_low": (0.3, 0.7),  # of the volume lost: a daily shape moves it by less within an hour
    "latency_high": (math.log(1.5), math.log(5.0)),
    "volume_high": (math.log(1.5), math.log(3.0)),
    "amount_changed": (
        math.log(1.5),
        math.log(3.0),
    ),  # the mean of a handful of baskets varies by half
}
"""Effect (share lost, or logarithm of the factor) where suspicion begins and where it is complete."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Rows of one service and channel by time: suspect, normal, those of all normal time that a check compares with, all.

    `period` is when the normal rows are from, None for the reference.
    """

    where: Where
    now: pl.DataFrame
    usual: pl.DataFrame
    compared: pl.DataFrame
    rows: pl.DataFrame
    period: Window | None


def detect(observation: Observation) -> Detection:
    """Compare each channel of each service from the onset on with its own past, else with the reference."""
    table = observation.current.transactions
    if table is None:
        return Detection()
    table = _usable(table)
    if table.is_empty():
        return Detection(gaps=(_gap("gap.transactions_none"),))
    divided = periods(
        observation.incident,
        start=float(table["ts"].to_numpy().min()),
        end=float(table["ts"].to_numpy().max()),
    )
    reference = observation.reference.transactions if observation.reference else None
    usual = table.clear() if reference is None else _usable(reference)
    names = table.select(KEYS).unique().sort(KEYS).rows()
    channels = [_channel(table, usual, divided, name) for name in names]
    known = [channel for channel in channels if channel is not None]
    few = len(names) - len(known)
    gaps = (_gap("gap.transactions_few", ("channels", few), ("total", len(names))),) if few else ()
    found = [finding for channel in known for finding in _judged(channel)]
    return Detection(findings=_shared(found), gaps=gaps)


def _gap(key: str, *params: tuple[str, str | float | int]) -> Gap:
    return Gap(modality="transactions", message=Message(key=key, params=params))


def _usable(table: pl.DataFrame) -> pl.DataFrame:
    known = pl.all_horizontal(pl.col("ts", "service", "count", "success").is_not_null())
    named = (pl.col("service") != "") & ~pl.col("service").str.starts_with("_")
    return table.filter(known & named).with_columns(pl.col("channel").fill_null("")).sort(*KEYS, *_COLUMNS)


_COLUMNS = ("ts", "count", "success", "amount", "latency_ms")


def _channel(
    table: pl.DataFrame, reference: pl.DataFrame, divided: Periods, name: tuple[str, ...]
) -> Channel | None:
    """The rows to compare; None when there are too few."""
    own = pl.all_horizontal(pl.col(key) == value for key, value in zip(KEYS, name, strict=True))
    rows = table.filter(own)
    now = rows.filter(inside("ts", [divided.suspect]))
    compared = rows.filter(inside("ts", [divided.past]))
    period: Window | None = divided.past
    usual = same_time_of_day(compared.filter(~inside("ts", divided.excluded)), at=divided.suspect.start)
    if usual.height < FEWEST:
        compared, period = reference.filter(own), None
        usual = same_time_of_day(compared, at=divided.suspect.start)
    if now.height < SHORTEST or usual.height < FEWEST:
        return None
    where = tuple((key, value) for key, value in zip(KEYS, name, strict=True))
    return Channel(where, now, usual, compared, rows, period)


def _judged(channel: Channel) -> Iterator[Finding]:
    failing = _success(channel)
    yield from failing
    yield from _volume(channel)
    yield from _latency(channel)
    if not failing:  # transactions that fail have no amount
        yield from _amount(channel)


def _success(channel: Channel) -> list[Finding]:
    """Binomial likelihood ratio of the stretch against the normal share, smoothed by half a transaction on each side (Jeffreys)."""
    count, success = _numbers(channel.now, "count"), _numbers(channel.now, "success")
    normal_count, normal_success = _total(channel.usual, "count"), _total(channel.usual, "success")
    if not normal_count or not normal_success:
        return []
    edges = stretches(len(count))
    total, good = totals(count, edges), totals(success, edges)
    share, normal = (good + 0.5) / (total + 1.0), (normal_success + 0.5) / (normal_count + 1.0)
    ratio = good * np.log(share / normal) + (total - good) * np.log((1.0 - share) / (1.0 - normal))
    score = np.sqrt(2.0 * np.maximum(ratio, 0.0) / (1.0 + total / normal_count))
    if (best := most_deviating(np.where(share < normal, score, 0.0), edges)) is None:
        return []
    rows = _rows(channel, best)
    observed, expected = _total(rows, "success") / _total(rows, "count"), normal_success / normal_count
    measured = _mean_rate(rows), _mean_rate(channel.compared)
    if not measured[0] < measured[1]:
        return []
    checks = _checks(channel, rows, "success_rate", "mean", measured)
    lost = 1.0 - observed / expected
    return _finding(
        "success_low",
        channel,
        rows,
        (observed, expected),
        effect=lost,
        checks=checks,
        severity=_severity(observed, 0.5, 0.9),
    )


def _volume(channel: Channel) -> list[Finding]:
    """Poisson deviance of the stretch, divided by the spread beyond Poisson that normal rows have.

    Other days carry another load, so volume is compared with the recording itself alone: where its past is short, with the rows before the stretch.
    """
    count = _numbers(channel.now, "count")
    edges = stretches(len(count))
    total, length = totals(count, edges), (edges[1] - edges[0]).astype(float)
    if channel.period is not None:
        known = np.full(len(total), float(channel.usual.height))
        level = np.full(len(total), level_of(_numbers(channel.usual, "count")))
    else:
        before = _numbers(channel.rows.filter(pl.col("ts") < channel.now["ts"][0]), "count")
        known = len(before) + edges[0].astype(float)
        level = (before.sum() + np.concatenate([[0.0], np.cumsum(count)])[edges[0]]) / np.maximum(known, 1.0)
    due = level * length
    deviance = 2.0 * (total * np.log(np.maximum(total, 1e-9) / np.maximum(due, 1e-9)) - (total - due))
    spread = overdispersion(_numbers(channel.usual, "count"))
    score = np.sqrt(np.maximum(deviance, 0.0) / (spread * (1.0 + length / np.maximum(known, 1.0))))
    score = np.where((known >= FEWEST) & (due > 0), np.sign(total - due) * score, 0.0)
    found: list[Finding] = []
    for kind, sign in (("volume_low", -1.0), ("volume_high", 1.0)):
        if (best := most_deviating(sign * score, edges)) is not None:
            found += _volume_finding(kind, channel, _rows(channel, best))
    return found


def _volume_finding(kind: str, channel: Channel, rows: pl.DataFrame) -> list[Finding]:
    window = channel.period or Window(float(channel.rows["ts"][0]), float(rows["ts"][0]))
    before = _numbers(channel.rows.filter(inside("ts", [window])), "count")
    observed, normal = _total(rows, "count"), float(before.mean())
    due = normal * rows.height
    if due <= 0:
        return []
    ratio = observed / due
    checks = (
        _check(_query(channel, "count", _window(rows)), "sum", (observed, due)),
        *_checks(channel, rows, "count", "mean", (observed / rows.height, normal), window=window)[1:],
    )
    effect = 1.0 - ratio if kind == "volume_low" else math.log(max(ratio, 1e-9))
    severity = _severity(ratio, 0.3, 0.7) if kind == "volume_low" else "low"
    return _finding(kind, channel, rows, (observed, due), effect=effect, checks=checks, severity=severity)


def _latency(channel: Channel) -> list[Finding]:
    now, usual = _numbers(channel.now, "latency_ms"), _numbers(channel.usual, "latency_ms")
    edges = stretches(len(now))
    if (best := most_deviating(robust_distance(now, usual, edges), edges)) is None:
        return []
    rows = _rows(channel, best)
    observed = _median(_numbers(rows, "latency_ms"))
    expected = _median(_numbers(channel.compared, "latency_ms"))
    if not expected > 0 or not observed - expected >= FEW_MS:
        return []
    checks = _checks(channel, rows, "latency_ms", "median", (observed, expected))
    return _finding(
        "latency_high",
        channel,
        rows,
        (observed, expected),
        effect=math.log(observed / expected),
        checks=checks,
    )


def _amount(channel: Channel) -> list[Finding]:
    """Amount per transaction, of rows that had any."""
    now, usual = _per_transaction(channel.now), _per_transaction(channel.usual)
    edges = stretches(len(now))
    best = most_deviating(np.abs(robust_distance(now, usual, edges, fewest=FEWEST)), edges)
    if best is None:
        return []
    rows = _rows(channel, best)
    observed, expected = _mean_amount(rows), _mean_amount(channel.compared)
    if not observed > 0 or not expected > 0:
        return []
    window = _window(rows)
    amounts = _query(channel, "amount", window)
    check = _check(amounts, "sum", (observed, expected), against=_query(channel, "count", window))
    usually = replace(amounts, window=channel.period, origin="incident" if channel.period else "reference")
    other = _check(usually, "sum", (expected, observed), against=replace(usually, measure="count"))
    effect = abs(math.log(observed / expected))
    return _finding(
        "amount_changed", channel, rows, (observed, expected), effect=effect, checks=(check, other)
    )


def _numbers(rows: pl.DataFrame, column: str) -> Array:
    """Values of a column; what is unknown is NaN, which is never above 0."""
    return np.asarray(rows[column].cast(pl.Float64).fill_null(math.nan).to_numpy())


def _total(rows: pl.DataFrame, column: str) -> float:
    return float(_numbers(rows, column).sum())


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan


def _mean_rate(rows: pl.DataFrame) -> float:
    some = rows.filter(pl.col("count") > 0)
    return float((_numbers(some, "success") / _numbers(some, "count")).mean()) if some.height else math.nan


def _per_transaction(rows: pl.DataFrame) -> Array:
    count = _numbers(rows, "count")
    return np.asarray(_numbers(rows, "amount") / np.where(count > 0, count, math.nan))


def _mean_amount(rows: pl.DataFrame) -> float:
    amount, count = _numbers(rows, "amount"), _total(rows, "count")
    return float(amount[np.isfinite(amount)].sum() / count) if count else math.nan


def _rows(channel: Channel, stretch: Stretch) -> pl.DataFrame:
    """All rows of the channel in the window of a stretch: rows of one second belong together."""
    window = _window(channel.now[stretch.first : stretch.last + 1])
    return channel.rows.filter(inside("ts", [window]))


def _window(rows: pl.DataFrame) -> Window:
    return Window(float(rows["ts"][0]), float(rows["ts"][-1]) + 1.0)


def _query(channel: Channel, measure: str, window: Window) -> Query:
    return Query(source="transactions", measure=measure, where=channel.where, window=window)


def _check(
    query: Query, aggregate: Aggregate, measured: tuple[float, float], *, against: Query | None = None
) -> Check:
    """The first of two measured values lies on its own side of the middle of both."""
    relation: Relation = "<=" if measured[0] < measured[1] else ">="
    combine: Combine = "value" if against is None else "ratio"
    return Check(
        query=query,
        aggregate=aggregate,
        relation=relation,
        bound=sum(measured) / 2,
        against=against,
        combine=combine,
    )


def _checks(
    channel: Channel,
    rows: pl.DataFrame,
    measure: str,
    aggregate: Aggregate,
    measured: tuple[float, float],
    *,
    window: Window | None = None,
) -> tuple[Check, ...]:
    """The stretch lies on its side of the middle, in absolute size and relative to normal time; none when it was not measured."""
    now, normal = measured
    if not (math.isfinite(now) and math.isfinite(normal) and normal > 0):
        return ()
    query = _query(channel, measure, _window(rows))
    other = window or channel.period
    usual = replace(query, window=other, origin="incident" if other else "reference")
    return (
        _check(query, aggregate, measured),
        _check(query, aggregate, (now / normal, 1.0), against=usual),
    )


def _severity(share: float, critical: float, high: float) -> str:
    return "critical" if share < critical else "high" if share < high else "low"


def _finding(
    kind: str,
    channel: Channel,
    rows: pl.DataFrame,
    measured: tuple[float, float],
    *,
    effect: float,
    checks: tuple[Check, ...],
    severity: str = "low",
) -> list[Finding]:
    strength = ramp(effect, *RAMPS[kind]) if math.isfinite(effect) else 0.0
    if strength <= 0 or not checks:
        return []
    window = _window(rows)
    finding = Finding(
        kind="transaction." + kind,
        entity=str(rows["service"][0]),
        modality="transactions",
        weight=CEILING[kind] * strength,
        checks=checks,
        params=(
            ("channel", dict(channel.where)["channel"] or "–"),
            ("observed", measured[0]),
            ("expected", measured[1]),
            ("seconds", window.seconds),
            ("severity", severity),
        ),
        fault_type=FAULTS.get(kind),
        window=window,
    )
    return [finding]


def _shared(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Strongest first; channels of one service show one incident from several sides, and together say what the strongest would."""
    total: dict[str, float] = {}
    for finding in found:
        total[finding.entity] = total.get(finding.entity, 0.0) + finding.weight
    shared = [replace(each, weight=each.weight * (each.weight / total[each.entity])) for each in found]
    return tuple(sorted(shared, key=lambda finding: (-finding.weight, finding.kind, finding.id)))
