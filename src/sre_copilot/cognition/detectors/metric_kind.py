"""What a metric measures, read from its name: the conventions of exporters differ, their words hardly do.

Understood are the words of Prometheus client libraries and node exporter, cAdvisor and kubelet, OpenTelemetry semantic
conventions, CloudWatch, Kubernetes metrics and service meshes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal[
    "up",
    "restarts",
    "locks",
    "cpu",
    "throttling",
    "memory",
    "disk",
    "pool",
    "waiting",
    "latency",
    "availability",
    "errors",
    "requests",
    "network",
    "uptime",
    "expiry",
    "other",
]
Unit = Literal["percent", "ratio", "millicores", "bytes", "seconds", "milliseconds", "plain"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|%")
_HOST = {"node", "host", "machine", "hypervisor", "vm"}
_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("restarts", frozenset({"restarts", "restart"})),
    ("locks", frozenset({"lock", "locks", "deadlock", "deadlocks"})),
    ("throttling", frozenset({"throttled", "throttling", "throttle", "cfs"})),
    ("expiry", frozenset({"certificate", "cert", "expiry", "expires", "expiration"})),
    ("uptime", frozenset({"uptime"})),
    ("waiting", frozenset({"waiting", "queued", "blocked", "pending", "backlog", "longest", "oldest"})),
    ("availability", frozenset({"success", "availability", "available", "successful"})),
    ("errors", frozenset({"error", "errors", "fault", "faults", "failure", "failures", "failed", "rollbacks", "5xx"})),
    ("latency", frozenset({"latency", "duration", "elapsed", "rtt", "responsetime"})),
    ("cpu", frozenset({"cpu", "cpus", "processor"})),
    ("memory", frozenset({"memory", "mem", "rss", "heap", "resident"})),
    ("disk", frozenset({"disk", "filesystem", "fs", "volume", "storage"})),
    ("pool", frozenset({"pool", "connections", "threads", "clients", "sessions"})),
    ("network", frozenset({"network", "receive", "transmit", "net", "packets"})),
    ("requests", frozenset({"requests", "request", "workload", "ops", "qps", "rps", "throughput", "calls", "invocations"})),
)  # fmt: skip
_ALIVE = frozenset({"up", "probe_success"})  # of Prometheus: 1 while the target answers, else 0
_STALE = frozenset({"longest", "oldest", "idle"})
_LIMITS = frozenset({"limit", "limits", "max", "maximum", "capacity", "quota", "requested"})
_COUNTERS = frozenset(
    {"total", "bucket", "count", "sum"}
)  # of Prometheus: they only ever grow, a rate of them is meant
_OF_TIME = frozenset({"seconds", "ms", "milliseconds", "time"})


OF_A_SERVICE: frozenset[Kind] = frozenset(
    {"up", "restarts", "locks", "cpu", "memory", "disk", "pool", "throttling", "waiting", "uptime", "expiry"}
)
"""Kinds that speak of what a service runs on, and not of its requests alone."""


@dataclass(frozen=True, slots=True)
class MetricKind:
    """What a metric measures and in which unit; `host` says that it is of the machine and not of the service."""

    kind: Kind
    unit: Unit
    host: bool


@lru_cache(maxsize=4096)
def metric_kind(name: str) -> MetricKind:
    """Read what a metric measures from its name; `other` when no known word occurs."""
    head = name.partition(":")[0] if ":" in name else name
    ordered = [word.lower() for word in _WORD.findall(head)]
    words = set(ordered)
    counter = bool(ordered) and ordered[-1] in _COUNTERS
    kind: Kind = "up" if head in _ALIVE else "other" if counter and "restarts" not in words else _kind(words)
    return MetricKind(kind, _unit(words, kind), bool(words & _HOST) and "nodejs" not in words)


def of_services(names: Iterable[str]) -> bool:
    """Whether any of the metrics says what a service runs on."""
    kinds = (metric_kind(name) for name in names)
    return any(found.kind in OF_A_SERVICE and not found.host for found in kinds)


def _kind(words: set[str]) -> Kind:
    if words & _LIMITS and not words & {"usage", "used"}:
        return "other"  # a limit is set, not measured
    if "transaction" in words and words & _STALE:
        return "locks"  # a transaction that is left open keeps its locks
    for kind, known in _KINDS:
        if words & known:
            return kind
    return "latency" if {"request", "response"} & words and words & _OF_TIME else "other"


def _unit(words: set[str], kind: Kind) -> Unit:
    if words & {"%", "percent", "percentage", "pct"}:
        return "percent"
    if words & {"ratio", "fraction", "utilization", "utilisation"}:
        return "ratio"
    if words & {"bytes", "byte", "mi", "mib", "mb", "gi", "gib"}:
        return "bytes"
    if words & {"millicores", "m"} and kind == "cpu":
        return "millicores"
    if words & {"ms", "millis", "milliseconds"}:
        return "milliseconds"
    return "seconds" if words & {"s", "seconds"} else "plain"
