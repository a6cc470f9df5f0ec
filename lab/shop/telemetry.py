"""What a service tells about itself: counters and a histogram, spans with W3C context, JSON log lines."""

from __future__ import annotations

import json
import sys
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Counter("http_requests", "Requests answered", ["route", "status"])
SECONDS = Histogram("http_request_seconds", "Time to answer", ["route"], buckets=BUCKETS)
IN_FLIGHT = Gauge("http_in_flight", "Requests being answered")
LOGGED = Counter("log_lines", "Log lines written", ["level"])
ORDERS = Counter("shop_orders", "Orders that customers placed", ["channel", "outcome"])
AMOUNT = Counter("shop_order_amount", "Money of completed orders", ["channel"])
ORDER_SECONDS = Counter("shop_order_seconds", "Time that customers waited for an order", ["channel"])


def tracer(service: str, instance: str, endpoint: str) -> trace.Tracer:
    """A tracer that sends its spans to the lab's receiver once a second."""
    resource = Resource({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=2)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider.get_tracer("shop")


def log(level: str, message: str) -> None:
    """Write one JSON line that carries the ids of the current span."""
    context = trace.get_current_span().get_span_context()
    line = {
        "ts_ns": time.time_ns(),
        "level": level,
        "trace_id": trace.format_trace_id(context.trace_id) if context.is_valid else "",
        "span_id": trace.format_span_id(context.span_id) if context.is_valid else "",
        "message": message,
    }
    LOGGED.labels(level).inc()
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()
