"""What the stand-in for Loki keeps."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from sre_copilot.testing.servers.loki_logql import Query

SERVICE_LABELS = (
    "service", "app", "application", "name", "app_kubernetes_io_name", "container", "container_name", "component",
    "workload", "job",
)  # fmt: skip
"""Labels that Loki takes the service name from by default, in this order."""
AGGREGATED = "__aggregated_metric__"


class Kept(NamedTuple):
    """One line."""

    ts_ns: int
    line: str
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
    parsed: Mapping[str, str]


Value = tuple[int, str, Mapping[str, str]]


class LokiStore:
    """Streams of lines; a line is kept once a stream and nanosecond."""

    def __init__(self, *, service_names: bool = True) -> None:
        self.service_names = service_names
        self._streams: dict[tuple[tuple[str, str], ...], list[Value]] = {}
        self._lock = threading.Lock()

    def push(self, labels: Mapping[str, str], values: Iterable[Value]) -> None:
        """Keep lines."""
        key = tuple(sorted(self._named(labels).items()))
        with self._lock:
            held = self._streams.setdefault(key, [])
            known = {(ts, line) for ts, line, _ in held}
            fresh = {
                (ts, line): (ts, line, metadata) for ts, line, metadata in values if (ts, line) not in known
            }
            held.extend(fresh.values())
            held.sort(key=lambda value: value[0])

    def streams(self) -> list[dict[str, str]]:
        """Labels of all streams."""
        with self._lock:
            return [dict(key) for key in self._streams]

    def entries(self, query: Query, start: int, end: int, *, limit: int, forward: bool) -> list[Kept]:
        """Lines of `start <= t < end` that the query keeps, by time; at most `limit` where that is not 0."""
        found: list[Kept] = []
        with self._lock:
            for key, values in self._streams.items():
                labels = dict(key)
                if query.selects(labels):
                    found += islice(
                        _kept(query, labels, values, span=(start, end), forward=forward), limit or None
                    )
        found.sort(key=lambda each: each.ts_ns, reverse=not forward)
        return found[:limit] if limit else found

    def series(self, query: Query, start: int, end: int) -> list[dict[str, str]]:
        """Labels of the streams that have a line in the window."""
        with self._lock:
            return [
                dict(key)
                for key, values in self._streams.items()
                if query.selects(dict(key)) and any(start <= ts < end for ts, _, _ in values)
            ]

    def names(self, start: int, end: int) -> list[str]:
        """Names of labels."""
        return sorted({name for labels in self.series(Query(()), start, end) for name in labels})

    def values(self, name: str, start: int, end: int) -> list[str]:
        """Values of a label."""
        return sorted({x[name] for x in self.series(Query(()), start, end) if name in x})

    def _named(self, labels: Mapping[str, str]) -> dict[str, str]:
        if not self.service_names or "service_name" in labels or AGGREGATED in labels:
            return dict(labels)
        found = next((labels[name] for name in SERVICE_LABELS if name in labels), "unknown_service")
        return {**labels, "service_name": found}


def _kept(
    query: Query, labels: Mapping[str, str], values: list[Value], *, span: tuple[int, int], forward: bool
) -> Iterator[Kept]:
    first, last = (bisect_left(values, at, key=lambda value: value[0]) for at in span)
    places = range(first, last) if forward else range(last - 1, first - 1, -1)
    for place in places:
        ts, line, metadata = values[place]
        if query.keeps(line):
            parsed = query.parsed(line)
            if query.passes({**labels, **metadata, **parsed}):
                yield Kept(ts, line, labels, metadata, parsed)
