"""The invented shop behind `testing.cases`: requests run through its services and leave spans, log lines and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

CALLS: dict[str, tuple[str, ...]] = {
    "entry": ("browse", "basket", "order"),
    "browse": ("prices",),
    "basket": (),
    "order": ("billing", "stock"),
    "prices": (),
    "billing": ("vault",),
    "stock": (),
    "vault": (),
}
INTERVAL_S = 15
OWN_MS = 6.0  # median work of a service for one request
GAP_MS = 1.2  # median time on the network between a client span and its server span
SLOWED = 5.0  # times that a starved service takes longer
DELAY_S = 0.25  # that a delayed network adds
FAILING_SHARE = 0.7  # of the culprit's requests while it raises

_IDS = ("trace_id", "span_id", "parent_id", "service", "instance", "operation")
SPANS = {
    **dict.fromkeys(_IDS, pl.String),
    **dict.fromkeys(("start_ns", "duration_us"), pl.Int64),
    **dict.fromkeys(("kind", "status"), pl.String),
}
LOGS = {
    "ts_ns": pl.Int64,
    **dict.fromkeys(("service", "instance", "level", "trace_id", "span_id", "message"), pl.String),
}

METRICS = {"ts": pl.Int64, **dict.fromkeys(("service", "instance", "metric"), pl.String), "value": pl.Float64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The load of one period (epoch seconds), and what goes wrong in it."""

    start: int
    end: int
    rate: float
    fault: str = "none"
    culprit: str = ""
    onset: int = 0

    def is_faulty(self, service: str, at: float) -> bool:
        """Whether the fault is active in `service` at `at` (epoch s)."""
        return self.fault != "none" and service == self.culprit and at >= self.onset


@dataclass(frozen=True, slots=True)
class Span:
    """The identity of a span that is being simulated."""

    trace: str
    id: str
    parent: str
    service: str


@dataclass(slots=True)
class Recorder:
    """Collects the spans and log lines of simulated requests."""

    traffic: Traffic
    random: np.random.Generator
    spans: list[tuple[str | int, ...]]
    logs: list[tuple[str | int, ...]]

    def serve(self, service: str, at: float, trace: str, parent: str) -> tuple[float, bool]:
        """Let a service work from `at` (epoch s); return the duration in seconds and whether it succeeded."""
        span = Span(trace, self._id(), parent, service)
        faulty = self.traffic.is_faulty(service, at)
        own = OWN_MS / 1e3 * float(self.random.lognormal(0.0, 0.25))
        own *= SLOWED if faulty and self.traffic.fault == "cpu" else 1.0
        raises = faulty and self.traffic.fault == "exception" and self.random.random() < FAILING_SHARE
        self._log(span, at, "INFO", f"{service} received request {self.random.integers(10**6)}")
        now, good = at + own / 2, not raises
        for callee in () if raises else self._callees(span, faulty):
            took, answered = self._call(span, callee, now)
            now, good = now + took, good and answered
        now += own / 2
        if raises:
            total = self.random.integers(10**4)
            self._log(span, now, "ERROR", f"{service} unexpected state: invalid total {total}")
        self._log(span, now, "INFO", f"{service} answered in {1e3 * (now - at):.1f} ms")
        self._end(span, "handle", "server", (at, now), good)
        return now - at, good

    def _call(self, caller: Span, callee: str, at: float) -> tuple[float, bool]:
        span = Span(caller.trace, self._id(), caller.id, caller.service)
        gap = GAP_MS / 1e3 * float(self.random.lognormal(0.0, 0.2))
        if self.traffic.fault == "network_delay" and self.traffic.is_faulty(callee, at):
            gap += DELAY_S * float(self.random.lognormal(0.0, 0.1))
        took, good = self.serve(callee, at + gap / 2, span.trace, span.id)
        level, what = ("INFO", f"step {callee} done") if good else ("ERROR", f"call to {callee} failed")
        self._log(caller, at + took + gap, level, f"{caller.service} {what}")
        self._end(span, f"call {callee}", "client", (at, at + took + gap), good)
        return took + gap, good

    def _callees(self, span: Span, faulty: bool) -> tuple[str, ...]:
        callees = CALLS[span.service]
        if not span.parent and callees:  # the entry serves one kind of request at a time
            return (callees[int(self.random.integers(len(callees)))],)
        return callees[:-1] if faulty and self.traffic.fault == "missing_step" else callees

    def _id(self) -> str:
        return f"{int(self.random.integers(2**62)):016x}"

    def _log(self, span: Span, at: float, level: str, message: str) -> None:
        where = (span.service, f"{span.service}-1")
        self.logs.append((round(at * 1e6) * 1000, *where, level, span.trace, span.id, message))

    def _end(self, span: Span, operation: str, kind: str, times: tuple[float, float], good: bool) -> None:
        start, end = times
        place = (span.service, f"{span.service}-1", operation)
        measured = (round(start * 1e6) * 1000, max(1, round((end - start) * 1e6)))
        status = "ok" if good else "error"
        self.spans.append((span.trace, span.id, span.parent, *place, *measured, kind, status))


def simulate(traffic: Traffic, *, seed: int) -> Recorder:
    """Run the requests of a period, evenly spread with some jitter."""
    random = np.random.default_rng(seed)
    recorder = Recorder(traffic, random, [], [])
    count = int((traffic.end - traffic.start - 2) * traffic.rate)  # the last requests end within the period
    for number in range(count):
        at = traffic.start + (number + float(random.random())) / traffic.rate
        recorder.serve("entry", at, f"{int(random.integers(2**62)):032x}", "")
    return recorder


def tables(traffic: Traffic, recorder: Recorder, *, seed: int) -> dict[str, pl.DataFrame]:
    """The tables of a period."""
    spans = pl.DataFrame(recorder.spans, schema=SPANS, orient="row").sort("start_ns", "span_id")
    logs = pl.DataFrame(recorder.logs, schema=LOGS, orient="row").sort("ts_ns", "message")
    metrics = pl.concat(
        [_golden(spans), pl.DataFrame(list(_resources(traffic, seed)), orient="row", schema=METRICS)]
    )
    return {
        "metrics": metrics.sort("ts", "service", "metric"),
        "logs": logs,
        "traces": spans,
        "transactions": _transactions(spans),
    }


def _golden(spans: pl.DataFrame) -> pl.DataFrame:
    """Requests, errors and latency of each service, from its server spans."""
    served = spans.filter(pl.col("kind") == "server").group_by(
        pl.col("start_ns") // (INTERVAL_S * 10**9) * INTERVAL_S, "service", "instance"
    )
    golden = served.agg(
        requests_per_second=pl.len() / INTERVAL_S,
        error_ratio=(pl.col("status") == "error").mean(),
        latency_p95_ms=pl.col("duration_us").quantile(0.95) / 1e3,
    ).rename({"start_ns": "ts"})
    long = golden.unpivot(index=["ts", "service", "instance"], variable_name="metric", value_name="value")
    return long.select(list(METRICS)).cast(METRICS)  # type: ignore[arg-type]


def _resources(traffic: Traffic, seed: int) -> Iterator[tuple[int, str, str, str, float]]:
    """CPU and memory of each service."""
    random = np.random.default_rng([seed, 1])
    first = -(-traffic.start // INTERVAL_S) * INTERVAL_S
    for place, service in enumerate(CALLS):
        for ts in range(first, traffic.end, INTERVAL_S):
            busy = traffic.fault == "cpu" and traffic.is_faulty(service, ts)
            cpu = (96.0 if busy else 14.0 + 3 * place) + float(random.normal(0.0, 1.0))
            memory = 180.0 + 20 * place + float(random.normal(0.0, 1.5))
            yield ts, service, f"{service}-1", "cpu_percent", min(100.0, cpu)
            yield ts, service, f"{service}-1", "memory_mb", memory


def _transactions(spans: pl.DataFrame) -> pl.DataFrame:
    """Orders by channel, from the server spans of `order`."""
    orders = spans.filter((pl.col("service") == "order") & (pl.col("kind") == "server"))
    app = pl.col("trace_id").str.ends_with("0") | pl.col("trace_id").str.ends_with("8")
    channel = pl.when(app).then(pl.lit("app")).otherwise(pl.lit("web")).alias("channel")
    good = (pl.col("status") == "ok").sum()
    return (
        orders.group_by((pl.col("start_ns") // (60 * 10**9) * 60).alias("ts"), "service", channel)
        .agg(
            count=pl.len().cast(pl.Int64),
            success=good.cast(pl.Int64),
            amount=good * 24.5,
            latency_ms=pl.col("duration_us").mean() / 1e3,
        )
        .sort("ts", "channel")
    )
