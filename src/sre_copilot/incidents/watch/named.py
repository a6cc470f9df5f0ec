"""Detectors that the configuration names for some metrics, in place of the default ensemble.

Each scores the last three days of a series at every whole step; of several the highest score counts. What they may cost is bounded: a step gives
them a share of the interval, series that had no turn come first at the next one, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log as ln
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.detectors.series.detector import SeriesDetector
from sre_copilot.cognition.ensemble.findings import SUREST, severity
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.errors import MethodError
from sre_copilot.incidents.watch.metrics import MetricWatch, Recent
from sre_copilot.incidents.watch.ranges import Range, range_of
from sre_copilot.telemetry import log

DAYS = 3  # the longest warm-up of the registered detectors is two days; each further day costs and tells them little
DAY_S = 86_400
DEFAULT = "ensemble"  # judged by the tick itself, whose state knows more than three days
_log = log(__name__)


def chosen_for(metric: str, chosen: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The detectors of a metric: by its whole name, else by the longest beginning that ends in `*`; none: the default."""
    if metric in chosen:
        return tuple(chosen[metric])
    fitting = [name for name in chosen if name.endswith("*") and metric.startswith(name[:-1])]
    return tuple(chosen[max(fitting, key=len)]) if fitting else ()


class NamedDetectors:
    """The named detectors of one source and the last days of the series that they judge."""

    def __init__(
        self,
        chosen: Mapping[str, Sequence[str]],
        make: Callable[[str], SeriesDetector],
        *,
        threshold: float,
        budget_seconds: float,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._chosen = chosen
        names = {name for each in chosen.values() for name in each} - {DEFAULT}
        self._made = {name: make(name) for name in sorted(names)}
        self._threshold = threshold
        self._budget = budget_seconds
        self._elapsed = elapsed
        self._keys: dict[SeriesKey, int] = {}
        self._recent: Recent | None = None
        self._until = 0
        self._turn = 0
        self._since: dict[SeriesKey, float] = {}
        self._held: dict[SeriesKey, Anomaly] = {}
        self._said: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._chosen)

    def silences(self, anomaly: Anomaly) -> bool:
        """Whether the ensemble was not chosen for this metric, so that what it found is not told."""
        names = chosen_for(anomaly.metric, self._chosen)
        return bool(names) and DEFAULT not in names

    def take(self, block: SeriesBlock, watch: MetricWatch) -> list[Anomaly]:
        """Take whole steps, and return what the last of them shows."""
        self._remember(block)
        if self._recent is None or not block.values.shape[1]:
            return []
        self._judge(watch)
        return list(self._held.values())

    def _remember(self, block: SeriesBlock) -> None:
        named = [
            (row, key) for row, key in enumerate(block.keys) if self._names(key) and np.isfinite(block.values[row]).any()
        ]  # fmt: skip
        fresh = [key for _, key in named if key not in self._keys]
        if self._recent is None and fresh:
            self._recent = Recent(0, step_seconds=block.step_seconds, days=DAYS)
        if self._recent is None:
            return
        if fresh:
            self._recent.grow(len(fresh))
            self._keys |= {key: len(self._keys) + number for number, key in enumerate(fresh)}
        rows = np.array([row for row, _ in named], np.intp)
        places = np.array([self._keys[key] for _, key in named], np.intp)
        for column, time in enumerate(block.times.tolist()):
            if time > self._until:
                self._recent.skip((time - self._until) // block.step_seconds - 1 if self._until else 0)
                values = np.full(len(self._keys), np.nan, np.float32)
                values[places] = block.values[rows, column]
                self._recent.add(values)
                self._until = time

    def _names(self, key: SeriesKey) -> tuple[str, ...]:
        return tuple(name for name in chosen_for(key.metric, self._chosen) if name != DEFAULT)

    def _judge(self, watch: MetricWatch) -> None:
        """Score as many series as the budget allows, beginning with those that had no turn at the last step."""
        keys = list(self._keys)
        began, done = self._elapsed(), 0
        for number in range(len(keys)):
            if done and self._elapsed() - began > self._budget:
                break
            key = keys[(self._turn + number) % len(keys)]
            self._one(key, watch)
            done += 1
        self._turn = (self._turn + done) % max(1, len(keys))
        if done < len(keys):
            self._say_once(
                f"named detectors are too slow: {done} of {len(keys)} series were judged in {self._budget:g} s. "
                "Name them for fewer metrics, or name faster ones (`sre-copilot eval detectors --help`; the page “Detectors by name”)"
            )

    def _one(self, key: SeriesKey, watch: MetricWatch) -> None:
        assert self._recent is not None  # noqa: S101 - there are keys only together with it
        place = self._keys[key]
        values = self._recent.values(slice(place, place + 1))[0].astype(np.float64)
        self._held.pop(key, None)
        if not np.isfinite(values[-1]):
            return
        score, method = self._score(key, values, watch.step_seconds)
        if score < self._threshold:
            self._since.pop(key, None)
            return
        since = self._since.setdefault(key, float(self._until))
        usual = range_of(key, values, self._until, watch)
        if usual is not None:
            self._held[key] = told(key, values[-1], usual, score=score, method=method, since=since,
                                   window=Window(self._until, self._until + watch.step_seconds))  # fmt: skip

    def _score(self, key: SeriesKey, values: NDArray[np.float64], step: int) -> tuple[float, str]:
        """The highest score of the last value, and whose it is; 0 where no detector can judge yet."""
        first = int(np.flatnonzero(np.isfinite(values))[0])
        start = self._until - (len(values) - 1 - first) * step
        best, method = 0.0, ""
        for name in self._names(key):
            try:
                score = float(self._made[name].score(values[first:], start=start, step_seconds=step)[-1])
            except MethodError as error:
                self._say_once(f"detector {name} failed on {key}: {error}")
                continue
            if score > best:
                best, method = score, name
        return best, method

    def _say_once(self, said: str) -> None:
        kind = said.partition(":")[0]
        if kind not in self._said:
            self._said.add(kind)
            _log.warning(said)


def told(
    key: SeriesKey, value: float, usual: Range, *, score: float, method: str, since: float, window: Window
) -> Anomaly:
    """What a named detector found, with the check that the value lies outside of its usual range."""
    above = value > usual.high
    where = (("service", key.service), ("instance", key.instance), ("metric", key.metric))
    query = Query(source="metrics", measure="value", where=where, window=window)
    check = Check(
        query=query,
        aggregate="last",
        relation=">" if above else "<",
        bound=usual.high if above else usual.low,
    )
    finding = Finding(
        kind="live.named",
        entity=key.service,
        modality="metrics",
        weight=ln(min(score, SUREST) / (1 - min(score, SUREST))),
        checks=(check,),
        params=(
            ("metric", key.metric), ("instance", key.instance), ("value", float(value)), ("expected", usual.centre),
            ("low", usual.low), ("high", usual.high), ("since", since), ("method", method), ("percent", 100 * score),
        ),
        window=Window(min(since, window.start), window.end),
    )  # fmt: skip
    deviation = (float(value) - usual.centre) / usual.scale if usual.scale > 0 else None
    return Anomaly(
        finding=finding, metric=key.metric, instance=key.instance, since=since, at=window.start, current=float(value),
        expected=usual.centre, low=usual.low, high=usual.high, deviation=deviation, score=score,
        severity=severity(score, deviation or 0.0), method=method,
    )  # fmt: skip
