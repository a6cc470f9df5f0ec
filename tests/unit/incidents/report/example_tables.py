"""Tables of the invented shop: metrics, logs, spans, transactions."""

from __future__ import annotations

import random

import polars as pl

from sre_copilot.domain.signals import Window

ONSET = 1_772_356_860.0  # 2026-03-01 09:21:00 UTC
WINDOW = Window(ONSET - 1500, ONSET + 600)
AFTER = Window(ONSET, ONSET + 300)
HOSTILE = "<script>alert(1)</script>\"' onload=x [bold red]m[/] \x1b[31m\x9b2J\u202egnp.exe\u2066 | `c` ![i](http://evil.example/x.png) **b** @all"

CALLS = (
    ("gateway", "storefront"),
    ("storefront", "catalogue"),
    ("storefront", "cart"),
    ("storefront", "搜索服务"),
    ("storefront", "checkout"),
    ("catalogue", "catalogue-db"),
    ("搜索服务", "catalogue"),
    ("cart", "sessions"),
    ("checkout", "cart"),
    ("checkout", "payments"),
    ("checkout", "delivery-and-returns-service"),
    ("payments", "ledger"),
    ("payments", "checkout"),
)


def metrics(seed: int = 7) -> pl.DataFrame:
    """CPU of two instances of payments (one is hot after the onset) and of the others, every 15 s."""
    draw = random.Random(seed)  # noqa: S311
    rows = []
    for at in range(int(WINDOW.start), int(WINDOW.end), 15):
        for service, instance, level in (
            ("payments", "payments-7d9f-abcde", 92.0 if at >= ONSET else 21.0),
            ("payments", "payments-7d9f-fghij", 24.0),
            ("cart", "cart-0", 18.0),
            (HOSTILE, HOSTILE, 60.0 if at >= ONSET else 40.0),
        ):
            if not (service == "payments" and ONSET - 900 < at < ONSET - 780):
                rows.append((at, service, instance, "cpu_usage(%)", level + draw.gauss(0, 1.8)))
    return pl.DataFrame(rows, schema=["ts", "service", "instance", "metric", "value"], orient="row")


def logs(seed: int = 7) -> pl.DataFrame:
    """A statement of payments that vanishes, one that appears, and Chinese text."""
    draw = random.Random(seed)  # noqa: S311
    rows = []
    for at in range(int(ONSET - 300), int(ONSET + 300)):
        if at < ONSET + 20 and draw.random() < 0.9:
            rows.append((at, "payments", f"charged card of order {at % 9973}"))
        if at > ONSET + 20 and draw.random() < 0.4:
            rows.append((at, "payments", f"库存不足：订单 {at % 997} {HOSTILE}"))
        rows.append((at, "cart", "cart stored"))
    return pl.DataFrame(
        {
            "ts_ns": [int(at * 1e9) for at, _, _ in rows],
            "service": [service for _, service, _ in rows],
            "instance": [f"{service}-0" for _, service, _ in rows],
            "level": ["INFO"] * len(rows),
            "trace_id": [""] * len(rows),
            "span_id": [""] * len(rows),
            "message": [message for _, _, message in rows],
        }
    )


def traces(seed: int = 7) -> pl.DataFrame:
    """Calls from checkout to payments, whose gap grows at the onset."""
    draw = random.Random(seed)  # noqa: S311
    rows = []
    for at in range(int(ONSET - 120), int(ONSET + 180)):
        inside = 30_000 + draw.gauss(0, 2000)
        gap = (140_000 if at >= ONSET else 4_000) * draw.uniform(0.7, 1.3)
        start = int(at * 1e9)
        rows.append((f"t{at}", f"p{at}", "", "checkout", "checkout-0", "POST /pay", start, int(inside + gap)))
        rows.append((f"t{at}", f"c{at}", f"p{at}", "payments", "payments-0", "charge", start, int(inside)))
    names = [
        "trace_id",
        "span_id",
        "parent_id",
        "service",
        "instance",
        "operation",
        "start_ns",
        "duration_us",
    ]
    return pl.DataFrame(rows, schema=names, orient="row")


def transactions() -> pl.DataFrame:
    """Orders of two channels a minute; a third fails after the onset."""
    rows = [
        (at, "checkout", channel, 120, 78 if at >= ONSET else 119, 9000.0, 210.0)
        for at in range(int(WINDOW.start), int(WINDOW.end), 60)
        for channel in ("web", "小程序")
    ]
    names = ["ts", "service", "channel", "count", "success", "amount", "latency_ms"]
    return pl.DataFrame(rows, schema=names, orient="row")
