"""Calls of a running system against the learned past: time lost on the way, slow and failing services, calls that come no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.live.histograms import BINS, bins_of, quantile, share_above
from sre_copilot.cognition.live.seasonal import MINUTE_S, Expected, Seasonal, needed
from sre_copilot.cognition.live.trace_findings import failed, rate, slow
from sre_copilot.cognition.traces.errors import origins
from sre_copilot.cognition.traces.gaps import FLOOR_MS
from sre_copilot.cognition.traces.sides import rise
from sre_copilot.cognition.traces.spans import Spans, read_spans
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Window

WARM_UP_DAYS = 1 / 24  # an hour: most calls of a system have come some hundred times
DAILY_DAYS = 1.0  # before it a dependency may be new because its time of day has not come
FEWEST = 5  # calls of a window; fewer are one slow moment
LEARNED = 30  # calls that must be known of an edge
WITNESSES = 30.0  # calls of one window that speak for themselves: requests share their moment
SHARE = 0.2  # of the calls must be slow, and SHARE_FAILED of the runs fail: less is a tail that every service has, or what retries hide
SHARE_FAILED = 0.1
TIMES = 3.0  # the median, plus the resolution, is slow
DUE = 10.0  # calls due in a window, fewer of which say nothing
MANY_TIMES = 3.0  # as many calls as are due
PRESENT = (
    0.5  # of its usual calls: a caller that is asked so much and does not ask on has lost its dependency
)
MOST_EDGES = 20_000  # of 2.2 kB each; a large estate has a few thousand, more means that operations are named after what they carry
KEPT = 0.9  # of the edges stay when there are too many: some go at once, so that it is seldom done
DEEPEST = 64  # spans one below the other: more are a loop in what was recorded
_SEPARATOR = "\x1f"
GAP, OWN = 0, 1


@dataclass(frozen=True)
class _Calls:
    """Calls of one window as arrays: the edge (index into `edges`: caller, callee, operation; caller '' at an entry), ms lost on the way (NaN at an entry), ms spent in the
    callee itself, whether an error begins there, epoch minute."""

    edges: tuple[tuple[str, str, str], ...]
    edge: NDArray[np.int64]
    gap: NDArray[np.float64]
    own: NDArray[np.float64]
    begins: NDArray[np.float64]
    minute: NDArray[np.int64]


class LiveTraces:
    """Learns each edge (caller, callee, operation): calls by time of day, time lost between both, time spent in the callee, errors that begin there."""

    def __init__(self) -> None:
        self.counts = Seasonal()
        self._times = np.zeros((2, 0, BINS))
        self._errors = np.zeros((0, 2))  # runs with a known status, and those in which an error began

    def learn(self, table: pl.DataFrame, window: Window | None = None) -> None:
        """Add spans of the past, stretches in order of time; `window` is what they cover, default from the first to the last."""
        calls = _calls(table, window)
        if calls is None:
            if window is not None:
                self._count(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), window)
            return
        first, last = float(calls.minute.min()), float(calls.minute.max())
        covered = window or Window(first * MINUTE_S, (last + 1) * MINUTE_S)
        places = self.counts.index(_SEPARATOR.join(edge) for edge in calls.edges)[calls.edge]
        self._make_room()
        self._count(places, calls.minute, covered)
        for kind, value in ((GAP, calls.gap), (OWN, calls.own)):
            known = ~np.isnan(value)
            np.add.at(self._times[kind], (places[known], bins_of(value[known])), 1.0)
        known = ~np.isnan(calls.begins)
        np.add.at(self._errors, places[known], np.stack([np.ones(known.sum()), calls.begins[known]], axis=1))
        self._forget()

    def tick(self, table: pl.DataFrame | None, window: Window) -> list[Anomaly]:
        """Judge the spans of one window, most surprising first; `table` None (not recorded) is no judgement."""
        if table is None or self.counts.days < WARM_UP_DAYS:
            return []
        calls = _calls(table, window)
        if calls is None:
            if not table.is_empty():
                return []  # other times were recorded, this one was not
            calls = _Calls(
                (), *(np.zeros(0, dtype=kind) for kind in (np.int64, float, float, float, np.int64))
            )
        limit = needed(4 * len(self.counts.places))
        told = [
            *self._slow(calls, window, limit, GAP),
            *self._slow(calls, window, limit, OWN),
            *self._failing(calls, window, limit),
            *self._rates(calls, window, limit),
        ]
        return sorted(told, key=lambda each: (-each.score, each.entity, each.finding.id))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be told yet."""
        if self.counts.days >= DAILY_DAYS:
            return ()
        first = self.counts.days < WARM_UP_DAYS
        key = "gap.live_traces_first_hour" if first else "gap.live_traces_first_day"
        hours = round(self.counts.days * 24, 1)
        return (Gap(modality="traces", message=Message(key=key, params=(("hours", hours),))),)

    def merge(self, other: LiveTraces) -> None:
        """Add what another learned of other stretches of time; the same time twice would halve every rate."""
        self.counts.merge(other.counts)
        self._make_room()
        at = self.counts.index(other.counts.places)
        self._times[:, at] += other._times  # each place once
        np.add.at(self._errors, at, other._errors)
        self._forget()

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest fit for JSON."""
        arrays, meta = self.counts.state()
        return {**arrays, "times": self._times.copy(), "errors": self._errors.copy()}, {"counts": meta}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> LiveTraces:
        """The learned past that a state was taken of."""
        found = cls()
        found.counts = Seasonal.of(arrays, meta["counts"])
        found._times, found._errors = arrays["times"].copy(), arrays["errors"].copy()
        return found

    def _make_room(self) -> None:
        more = len(self.counts.places) - len(self._errors)
        if more:
            self._times = np.concatenate([self._times, np.zeros((2, more, BINS))], axis=1)
            self._errors = np.concatenate([self._errors, np.zeros((more, 2))])

    def _forget(self) -> None:
        """Drop the edges that were seen least recently when there are too many."""
        if len(self.counts.places) > MOST_EDGES:
            kept = self.counts.keep(self.counts.latest(int(KEPT * MOST_EDGES)))
            self._times, self._errors = self._times[:, kept], self._errors[kept]

    def _count(self, places: NDArray[np.int64], minutes: NDArray[np.int64], window: Window) -> None:
        pairs, counts = np.unique(np.stack([places, minutes], axis=1), axis=0, return_counts=True)
        self.counts.learn(pairs[:, 0], pairs[:, 1], counts.astype(np.float64), window)

    def _slow(self, calls: _Calls, window: Window, limit: float, kind: int) -> Iterator[Anomaly]:
        """Edges whose calls take longer, on the way or inside the callee; of each callee the worst edge."""
        value = calls.gap if kind == GAP else calls.own
        best: dict[tuple[str, ...], tuple[float, Anomaly]] = {}
        for place, edge in enumerate(calls.edges):
            own = value[(calls.edge == place) & ~np.isnan(value)]
            learned = self._learned(edge, kind)
            if learned is None or len(own) < FEWEST:
                continue
            normal = float(quantile(learned, 0.5)[0])
            bound = max(TIMES * normal + FLOOR_MS, float(quantile(learned, 0.99)[0]))
            share, median = float(np.mean(own > bound)), float(np.median(own))
            nats = _nats(share, float(share_above(learned, np.array([bound]))[0]), len(own))
            ends = edge[:2] if kind == GAP else edge[1:2]
            if share >= SHARE and nats >= limit and nats > best.get(ends, (0.0,))[0]:
                level = median if median > bound else float(np.quantile(own, 0.9))
                best[ends] = (
                    nats,
                    slow(
                        edge,
                        kind == GAP,
                        window,
                        (level, median > bound, normal, share),
                        nats=nats,
                        limit=limit,
                    ),
                )
        yield from (found for _, found in best.values())

    def _learned(self, edge: tuple[str, str, str], kind: int) -> NDArray[np.float64] | None:
        place = self.counts.places.get(_SEPARATOR.join(edge))
        if place is None or self._times[kind][place].sum() < LEARNED:
            return None
        return np.asarray(self._times[kind][place][None, :])

    def _failing(self, calls: _Calls, window: Window, limit: float) -> Iterator[Anomaly]:
        """Services in which errors begin: the deepest that fail, with who calls them. The worst operation of each."""
        best: dict[str, tuple[float, Anomaly]] = {}
        for service, operation in sorted({edge[1:] for edge in calls.edges}):
            edges = [place for place, edge in enumerate(calls.edges) if edge[1:] == (service, operation)]
            begins = calls.begins[np.isin(calls.edge, edges) & ~np.isnan(calls.begins)]
            if len(begins) < FEWEST:
                continue
            keys = [_SEPARATOR.join(calls.edges[place]) for place in edges]
            known = [self.counts.places[key] for key in keys if key in self.counts.places]
            runs, wrong = self._errors[known].sum(axis=0) if known else (0.0, 0.0)
            if runs < LEARNED:
                continue
            share, normal = float(begins.mean()), float(wrong / runs)
            nats = _nats(share, (wrong + 0.5) / (runs + 1.0), len(begins))
            if share >= SHARE_FAILED and nats >= limit and nats > best.get(service, (0.0,))[0]:
                callers = sorted({calls.edges[place][0] for place in edges} - {""})
                best[service] = (
                    nats,
                    failed(
                        service,
                        operation,
                        callers,
                        window,
                        (share, normal, len(begins)),
                        nats=nats,
                        limit=limit,
                    ),
                )
        yield from (found for _, found in best.values())

    def _rates(self, calls: _Calls, window: Window, limit: float) -> Iterator[Anomaly]:
        """Dependencies between services that are asked less or more than is due, are gone, or are new."""
        seen: dict[tuple[str, str], float] = {}
        for place, count in enumerate(np.bincount(calls.edge, minlength=len(calls.edges)).tolist()):
            ends = calls.edges[place][:2]
            seen[ends] = seen.get(ends, 0.0) + count
        due, spread = self._due(window)
        yield from self._new(seen, due, window, limit)
        loads = _loads(seen, due)
        for ends, mean in due.items():
            count = seen.get(ends, 0.0)
            nats_low, nats_high = _count_nats(count, mean, spread[ends])
            asked = loads.get(ends[0], 1.0)
            if ends[0] and mean >= DUE and nats_low >= limit and count <= PRESENT * mean * min(asked, 1.0):
                kind = "live.dependency_gone" if count == 0 else "live.calls_low"
                yield rate(kind, ends, window, (count, mean), nats=nats_low, limit=limit)
            elif mean >= DUE and nats_high >= limit and count >= MANY_TIMES * mean * max(asked, 1.0):
                yield rate("live.calls_high", ends, window, (count, mean), nats=nats_high, limit=limit)

    def _due(self, window: Window) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
        """Calls due between two services, and the spread of their rate."""
        places = np.arange(len(self.counts.places))
        expected = self.counts.expected(places, window)
        due: dict[tuple[str, str], float] = {}
        spread: dict[tuple[str, str], float] = {}
        for name, mean, wide in zip(
            self.counts.places, expected.mean.tolist(), expected.spread.tolist(), strict=True
        ):
            caller, callee, _ = name.split(_SEPARATOR)
            due[caller, callee] = due.get((caller, callee), 0.0) + mean
            spread[caller, callee] = max(spread.get((caller, callee), 0.0), wide)
        return due, spread

    def _new(
        self,
        seen: dict[tuple[str, str], float],
        due: dict[tuple[str, str], float],
        window: Window,
        limit: float,
    ) -> Iterator[Anomaly]:
        for ends in sorted(set(seen) - set(due)):
            if self.counts.days >= DAILY_DAYS and ends[0] and seen[ends] >= FEWEST:
                yield rate(
                    "live.dependency_new", ends, window, (seen[ends], 0.0), nats=limit + 1.0, limit=limit
                )


def _calls(table: pl.DataFrame, window: Window | None) -> _Calls | None:
    """The calls between services of a window, and the entries."""
    spans = None if table.is_empty() else read_spans(table, window=window)
    if spans is None:
        return None
    parent = np.where(spans.parent >= 0, spans.parent, 0)
    root = spans.parent < 0
    rows = np.flatnonzero(root | (spans.service != spans.service[parent]))
    return _of_rows(spans, rows, parent, root)


def _of_rows(
    spans: Spans, rows: NDArray[np.int64], parent: NDArray[np.int64], root: NDArray[np.bool_]
) -> _Calls:
    caller = np.where(root[rows], -1, spans.service[parent[rows]])
    pairs, edge = np.unique(np.stack([caller, spans.operation[rows]], axis=1), axis=0, return_inverse=True)
    edges = tuple(("" if a < 0 else spans.services[a], *spans.operations[b]) for a, b in pairs.tolist())
    gap = np.where(root[rows], np.nan, spans.duration[parent[rows]] - spans.duration[rows])
    begins = np.where(np.isnan(spans.failed), np.nan, origins(spans).astype(float))
    return _Calls(
        edges=edges,
        edge=edge.reshape(-1).astype(np.int64),
        gap=gap,
        own=_own(spans)[rows],
        begins=begins[rows],
        minute=(spans.start[rows] // MINUTE_S).astype(np.int64),
    )


def _own(spans: Spans) -> NDArray[np.float64]:
    """Time a span does not wait for other services: its self time and that of the spans below it in its own service that call nobody."""
    own = spans.self_time.copy()
    child = spans.children
    inside = child[spans.service[child] == spans.service[spans.parent[child]]]
    inside = inside[spans.callee[inside] == spans.service[inside]]
    depth = _depths(spans)[inside]
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = inside[depth == level]
        np.add.at(own, spans.parent[rows], own[rows])
    return own


def _depths(spans: Spans) -> NDArray[np.int64]:
    """How many spans lie above each; spans that are their own ancestors end at `DEEPEST`."""
    depth = np.zeros(len(spans.parent), dtype=np.int64)
    above = spans.parent.copy()
    for _ in range(DEEPEST):
        below = above >= 0
        if not below.any():
            break
        depth += below
        above = np.where(below, spans.parent[np.maximum(above, 0)], -1)
    return depth


def _nats(share: float, normal: float, calls: int) -> float:
    smoothed = np.array([(share * calls + 0.5) / (calls + 1.0)])
    return float(rise(np.array([normal]), smoothed, np.array([min(calls, WITNESSES)]))[0])


def _count_nats(count: float, mean: float, spread: float) -> tuple[float, float]:
    """Surprise of so few calls, and of so many."""
    due = Expected(np.array([mean]), np.array([spread]), np.zeros(1), seasonal=True)
    seen = np.array([count])
    return float(due.nats_below(seen)[0]), float(due.nats_above(seen)[0])


def _loads(seen: dict[tuple[str, str], float], due: dict[tuple[str, str], float]) -> dict[str, float]:
    """How often each service is asked by how often is due; those of which that is unknown are left out."""
    usual, asked = _by_callee(due), _by_callee(seen)
    return {service: asked.get(service, 0.0) / mean for service, mean in usual.items() if mean > 0}


def _by_callee(calls: dict[tuple[str, str], float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for (_, callee), count in calls.items():
        total[callee] = total.get(callee, 0.0) + count
    return total
