"""A quiet system: load that follows the time of day, jobs by the clock, rare errors, and no fault."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from sre_copilot.domain.signals import Window

MINUTE, HOUR, DAY = 60, 3_600, 86_400
START = 20_000 * DAY

SERVICES = ("till", "stock", "mail", "front")
RATES = {
    "order {a} of customer {b} accepted": ("INFO", 6.0),
    "stock of item {a} is {b}": ("INFO", 3.0),
    "cache miss for key k{a}": ("DEBUG", 1.5),
    "payment {a} took {b} ms": ("INFO", 2.0),
    "slow answer of bank: {a} ms": ("WARN", 0.1),
    "payment {a} failed: card declined": ("ERROR", 0.05),
}
"""Lines a minute at usual load."""


def load(t: float, rng: np.random.Generator | None = None) -> float:
    """What share of the usual load comes at a time: a daily wave, quieter at the end of the week."""
    wave = 1.0 + 0.6 * math.sin(2 * math.pi * (t % DAY) / DAY)
    week = 0.8 if (t // DAY) % 7 >= 5 else 1.0
    noise = math.exp(0.05 * rng.standard_normal()) if rng else 1.0
    return wave * week * noise


def logs(window: Window, rng: np.random.Generator) -> pl.DataFrame:
    """Lines of a stretch of whole minutes."""
    rows: list[tuple[int, str, str, str]] = []
    for minute in range(int(window.start), int(window.end), MINUTE):
        share = load(minute, rng)
        for service in SERVICES:
            for text, (level, rate) in RATES.items():
                many = rng.poisson(rate * share)
                rows += [_row(minute, service, level, text, rng) for _ in range(many)]
            if minute % (30 * MINUTE) == 0:
                rows += [_row(minute, service, "INFO", "report page {a} written", rng) for _ in range(40)]
    schema = {"ts_ns": pl.Int64, "service": pl.String, "level": pl.String, "message": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("ts_ns")


def _row(
    minute: int, service: str, level: str, text: str, rng: np.random.Generator
) -> tuple[int, str, str, str]:
    at = int((minute + 60 * rng.random()) * 1e9)
    words = text.format(a=int(rng.integers(1, 100_000)), b=int(rng.integers(1, 1_000)))
    return at, service, level, words


CALLS = (
    ("", "front", "GET /"),
    ("front", "till", "pay"),
    ("till", "bank", "charge"),
    ("front", "stock", "list"),
)
WAY_MS = 2.0
OWN_MS = {"front": 8.0, "till": 15.0, "bank": 30.0, "stock": 5.0}


def traces(
    window: Window,
    rng: np.random.Generator,
    *,
    a_minute: float = 20.0,
    way: dict[str, float] | None = None,
    own: dict[str, float] | None = None,
    failing: dict[str, float] | None = None,
    skipped: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Spans of a stretch; `way` and `own` are ms added before and in a service, `failing` its share of errors."""
    rows: list[tuple[str, str, str, str, str, str, int, int, str]] = []
    for minute in range(int(window.start), int(window.end), MINUTE):
        for number in range(rng.poisson(a_minute * load(minute, rng))):
            at = minute + 60 * rng.random()
            _request(rows, f"{minute}-{number}", at, rng, way or {}, own or {}, failing or {}, skipped)
    names = ("trace_id", "span_id", "parent_id", "service", "instance", "operation")
    schema = {
        **dict.fromkeys(names, pl.String),
        "start_ns": pl.Int64,
        "duration_us": pl.Int64,
        "status": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _request(  # noqa: PLR0917 - one request
    rows: list[tuple[str, str, str, str, str, str, int, int, str]],
    trace: str,
    at: float,
    rng: np.random.Generator,
    way: dict[str, float],
    own: dict[str, float],
    failing: dict[str, float],
    skipped: tuple[str, ...],
) -> None:
    took: dict[str, float] = {}
    wrong: dict[str, bool] = {}
    for _, service, _ in reversed(CALLS):
        if service in skipped:
            continue
        below = [callee for caller, callee, _ in CALLS if caller == service and callee in took]
        noise = math.exp(0.3 * rng.standard_normal())
        took[service] = OWN_MS[service] * noise + own.get(service, 0.0)
        took[service] += sum(took[each] + WAY_MS + way.get(each, 0.0) for each in below)
        bad = rng.random() < max(failing.get(service, 0.0), 0.002)
        wrong[service] = bad or any(wrong[each] for each in below)
    for caller, service, operation in CALLS:
        if service in took:
            wait = WAY_MS + way.get(service, 0.0) if caller else 0.0
            if caller:  # the calling side is a span of its own
                client = (trace, f"{service}-c", caller, caller, "", f"call {service}")
                status = "error" if wrong[service] else "ok"
                rows.append((*client, int(at * 1e9), int(1e3 * (took[service] + wait)), status))
            span = (trace, service, f"{service}-c" if caller else "", service, "", operation)
            status = "error" if wrong[service] else "ok"
            rows.append((*span, int(at * 1e9), int(1e3 * took[service]), status))


CHANNELS = {"web": 120.0, "app": 80.0, "branch": 15.0}


def transactions(
    window: Window,
    rng: np.random.Generator,
    *,
    volume: dict[str, float] | None = None,
    success: dict[str, float] | None = None,
    slower: float = 1.0,
) -> pl.DataFrame:
    """Rows a minute and channel; `volume` and `success` say what share of the usual is left of each channel."""
    rows = []
    for minute in range(int(window.start), int(window.end), MINUTE):
        share = load(minute, rng)
        for channel, rate in CHANNELS.items():
            count = int(rng.poisson(rate * share * (volume or {}).get(channel, 1.0)))
            good = int(rng.binomial(count, 0.985 * (success or {}).get(channel, 1.0)))
            latency = 80.0 * slower * math.exp(0.1 * rng.standard_normal())
            rows.append(
                (
                    minute,
                    "bank",
                    channel,
                    count,
                    good,
                    25.0 * count * math.exp(0.1 * rng.standard_normal()),
                    latency,
                )
            )
    schema = {
        "ts": pl.Int64,
        "service": pl.String,
        "channel": pl.String,
        "count": pl.Int64,
        "success": pl.Int64,
        "amount": pl.Float64,
        "latency_ms": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
