"""What a tick found, in words and with checks."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.ensemble.knowledge import Part
from sre_copilot.domain.anomaly import Anomaly, Severity
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window

Floats = NDArray[np.float32]
THRESHOLD = 0.7  # worth telling
RANGE = 3.0  # robust standard deviations of the profile that are normal: three in a thousand values of a calm series lie beyond
KINDS = {
    Part.SEASONAL: "seasonal",
    Part.STEP: "step",
    Part.SHAPE: "shape",
    Part.HOURS: "shape",
    Part.BASIS: "shape",
    Part.LEVEL: "level",
    Part.LEAK: "leak",
}
LIMITS: tuple[tuple[float, float, Severity], ...] = ((0.9, 10.0, "critical"), (0.8, 6.0, "high"))
"""Score and robust deviations that both must be reached: a sure score of a small move is no emergency."""
SUREST = 0.99  # of a score, when it is turned into nats


def anomalies(  # noqa: PLR0917 - the columns of a tick, in the order in which it has them
    keys: Sequence[SeriesKey],
    values: Floats,
    centre: Floats,
    scale: Floats,
    scores: Floats,
    parts: NDArray[np.uint8],
    since: NDArray[np.float64],
    at: float,
    step: int,
    *,
    threshold: float = THRESHOLD,
) -> list[Anomaly]:
    """Return the anomalies of one tick, in the order of the series.

    A series is told when its score reaches the threshold while its value is outside its normal range: that can be checked
    by anyone. One without a normal range yet (in warm-up), or back inside it, is not told, whatever its score.

    Parameters
    ----------
    keys, values, centre, scale, scores, parts, since : one entry a series; `since` in epoch seconds of the first abnormal value
    at : epoch seconds of the values
    step : seconds from one value to the next, the width of the window of the check
    threshold : score from which an anomaly is worth telling
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = (values.astype(np.float64) - centre) / scale
        told = (scores >= threshold) & (np.abs(deviation) > RANGE) & np.isfinite(deviation)
    return [
        _anomaly(
            keys[i],
            value=float(values[i]),
            centre=float(centre[i]),
            scale=float(scale[i]),
            score=float(scores[i]),
            part=Part(int(parts[i])),
            since=float(since[i]),
            window=Window(at, at + step),
        )
        for i in np.flatnonzero(told).tolist()
    ]


def _anomaly(
    key: SeriesKey,
    *,
    value: float,
    centre: float,
    scale: float,
    score: float,
    part: Part,
    since: float,
    window: Window,
) -> Anomaly:
    low, high = centre - RANGE * scale, centre + RANGE * scale
    deviation = (value - centre) / scale
    params: tuple[tuple[str, str | float | int], ...] = (
        ("metric", key.metric),
        ("instance", key.instance),
        ("value", value),
        ("expected", centre),
        ("low", low),
        ("high", high),
        ("since", since),
        ("percent", 100 * score),
    )
    finding = Finding(
        kind=f"live.{KINDS[part]}",
        entity=key.service,
        modality="metrics",
        weight=log(min(score, SUREST) / (1 - min(score, SUREST))),
        checks=(_check(key, window, low=low, high=high, above=value > high),),
        params=params,
        window=Window(min(since, window.start), window.end),
    )
    return Anomaly(
        finding=finding, metric=key.metric, instance=key.instance, since=since, at=window.start, current=value,
        expected=centre, low=low, high=high, deviation=deviation, score=score, severity=severity(score, deviation),
        method=f"ensemble/{part.name.lower()}",
    )  # fmt: skip


def _check(key: SeriesKey, window: Window, *, low: float, high: float, above: bool) -> Check:
    """The value lies outside the normal range: false of any normal value."""
    where = (("service", key.service), ("instance", key.instance), ("metric", key.metric))
    query = Query(source="metrics", measure="value", where=where, window=window)
    return Check(query=query, aggregate="last", relation=">" if above else "<", bound=high if above else low)


def severity(score: float, deviation: float) -> Severity:
    """How urgent it is, from how sure and how far."""
    for sure, far, name in LIMITS:
        if score >= sure and abs(deviation) >= far:
            return name
    return "warning"
