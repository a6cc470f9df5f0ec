"""From scrapes to rows: rates, ratios and quantiles as a Prometheus recording rule computes them.

Counters are compared with the scrape `LOOK_BACK_S` earlier; after a restart the new value counts from 0. What cannot be computed
(no request, no earlier scrape) gives no row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lab.layout import instance
from lab.scrape import Scrape

RESTARTS_LOOK_BACK_S = 30  # a process that is killed again and again is seldom met by two scrapes in a row
_START = "process_start_time_seconds"
LOOK_BACK_S = 10  # five scrapes: at a request a second there is something to take a quantile of
Samples = Mapping[str, float]

_PASSED_ON = (
    "process_resident_memory_bytes", "process_open_fds", "http_in_flight", "db_pool_in_use", "db_pool_max", "db_pool_waiting",
    "disk_used_ratio", "tls_certificate_seconds_left", "redis_connected_clients", "pg_connections",
    "pg_connections_active", "pg_connections_idle_in_transaction", "pg_longest_transaction_seconds", "pg_locks_waiting",
)  # fmt: skip
_RATES = {
    "process_cpu_ratio": "process_cpu_seconds_total",
    "redis_commands_per_second": "redis_commands_total",
    "pg_commits_per_second": "pg_commits_total",
    "pg_rollbacks_per_second": "pg_rollbacks_total",
}
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def parse(text: str) -> dict[str, float]:
    """The samples of a Prometheus text, by series (name and labels as written)."""
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def labels(series: str) -> dict[str, str]:
    """The labels of a series as written."""
    return dict(_LABEL.findall(series))


def increases(name: str, now: Samples, before: Samples) -> dict[str, float]:
    """How much each series of a counter grew; a counter that fell was restarted and counts from 0."""
    found = {series: value for series, value in now.items() if series.partition("{")[0] == name}
    return {
        series: value - before.get(series, 0.0) if value >= before.get(series, 0.0) else value
        for series, value in found.items()
    }


def quantile(share: float, buckets: Iterable[tuple[float, float]]) -> float | None:
    """A quantile from cumulative (upper bound, count) pairs, linear inside a bucket; None without any observation."""
    ordered = sorted(buckets)
    if not ordered or ordered[-1][1] <= 0:
        return None
    rank, lower, below = share * ordered[-1][1], 0.0, 0.0
    for upper, count in ordered:
        if count >= rank:
            if math.isinf(upper):
                return lower
            return lower + (upper - lower) * ((rank - below) / (count - below) if count > below else 1.0)
        lower, below = upper, count
    return lower


def service_rows(name: str, scrapes: Sequence[Scrape]) -> Iterator[dict[str, Any]]:
    """All metric rows of one process, in the order of its scrapes."""
    parsed = {scrape.ts: parse(scrape.text) for scrape in scrapes if scrape.text is not None}
    for scrape in scrapes:
        now = parsed.get(scrape.ts)
        values = {"up": 0.0 if now is None else 1.0}
        if now is not None:
            values |= _levels(now) | _restarts(scrape.ts, parsed)
            before = parsed.get(scrape.ts - LOOK_BACK_S)
            values |= _changes(now, before) if before is not None else {}
        for metric, value in values.items():
            yield {
                "ts": scrape.ts,
                "service": name,
                "instance": instance(name),
                "metric": metric,
                "value": value,
            }


def _levels(now: Samples) -> dict[str, float]:
    return {name: now[name] for name in _PASSED_ON if name in now}


def _restarts(ts: int, parsed: Mapping[int, Samples]) -> dict[str, float]:
    """How many processes took over from another one in the last `RESTARTS_LOOK_BACK_S`."""
    recent = (samples for at, samples in parsed.items() if ts - RESTARTS_LOOK_BACK_S <= at <= ts)
    starts = {samples[_START] for samples in recent if _START in samples}
    return {"process_restarts": len(starts) - 1.0} if starts else {}


def _changes(now: Samples, before: Samples) -> dict[str, float]:
    if now.get(_START) != before.get(_START):
        before = {}  # another process: its counters began at 0
    values = {
        metric: sum(increases(counter, now, before).values()) / LOOK_BACK_S
        for metric, counter in _RATES.items()
        if counter in now
    }
    if "http_in_flight" in now:
        values |= _requests(now, before)
        logged = increases("log_lines_total", now, before)
        errors = sum(value for series, value in logged.items() if labels(series)["level"] == "ERROR")
        values["log_errors_per_second"] = errors / LOOK_BACK_S
    return values


def _requests(now: Samples, before: Samples) -> dict[str, float]:
    by_series = increases("http_requests_total", now, before)
    total = sum(by_series.values())
    values = {"http_requests_per_second": total / LOOK_BACK_S}
    if total > 0:
        failed = sum(value for series, value in by_series.items() if labels(series)["status"].startswith("5"))
        values["http_error_ratio"] = failed / total
    buckets: dict[float, float] = {}
    for series, value in increases("http_request_seconds_bucket", now, before).items():
        bound = float(labels(series)["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    for metric, share in (("http_latency_p50_seconds", 0.5), ("http_latency_p95_seconds", 0.95)):
        if (found := quantile(share, buckets.items())) is not None:
            values[metric] = found
    return values


def metric_rows(scrapes: Mapping[str, Sequence[Scrape]]) -> list[dict[str, Any]]:
    """The metric rows of all processes."""
    return [row for name in sorted(scrapes) for row in service_rows(name, scrapes[name])]


def transaction_rows(service: str, scrapes: Sequence[Scrape]) -> Iterator[dict[str, Any]]:
    """Orders per channel and `LOOK_BACK_S`, from the entry's counters; a bucket that it was not scraped in has no row."""
    parsed = {scrape.ts: parse(scrape.text) for scrape in scrapes if scrape.text is not None}
    for ts in (ts for ts in parsed if ts % LOOK_BACK_S == 0 and ts - LOOK_BACK_S in parsed):
        now, before = parsed[ts], parsed[ts - LOOK_BACK_S]
        orders, amount, seconds = (
            increases(name, now, before)
            for name in ("shop_orders_total", "shop_order_amount_total", "shop_order_seconds_total")
        )
        for channel in sorted({labels(series)["channel"] for series in orders}):
            count, success = _count(orders, channel), _count(orders, channel, "completed")
            waited = _count(seconds, channel)
            yield {
                "ts": ts - LOOK_BACK_S,
                "service": service,
                "channel": channel,
                "count": round(count),
                "success": round(success),
                "amount": _count(amount, channel),
                "latency_ms": 1000 * waited / count if count else None,
            }


def _count(values: Samples, channel: str, outcome: str | None = None) -> float:
    wanted = {"channel": channel} | ({"outcome": outcome} if outcome else {})
    return sum(value for series, value in values.items() if wanted.items() <= labels(series).items())


__all__ = ["LOOK_BACK_S", "metric_rows", "parse", "quantile", "transaction_rows"]
