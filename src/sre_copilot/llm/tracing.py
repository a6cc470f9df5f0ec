"""OpenTelemetry spans of calls (`gen_ai.*`), on where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to; what was said is in none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import metrics, trace
from pydantic_ai.models import Model
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

from sre_copilot.telemetry import log

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_set_up: list[bool] = []


def set_up(environment: Mapping[str, str] | None = None) -> bool:
    """Send spans and metrics to the collector that the environment names; say whether that is on.

    An application that has set up OpenTelemetry by itself keeps its own.
    """
    environment = os.environ if environment is None else environment
    if not environment.get(ENDPOINT):
        return False
    if not _set_up:
        _set_up.append(_export())
    return _set_up[0]


def _export() -> bool:
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        log(__name__).warning(f"{ENDPOINT} is set, but the extra is missing: install sre-copilot[telemetry]")
        return False
    resource = Resource.create({"service.name": "sre-copilot"})
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        tracers = TracerProvider(resource=resource)
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(tracers)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics.set_meter_provider(MeterProvider([reader], resource=resource))
    return True


def instrumented(
    model: Model,
    *,
    tracers: trace.TracerProvider | None = None,
    meters: metrics.MeterProvider | None = None,
) -> Model:
    """The model with a span around each call: names, tokens, seconds; no word of what was said."""
    settings = InstrumentationSettings(
        tracer_provider=tracers,
        meter_provider=meters,
        include_content=False,
        include_binary_content=False,
        include_model_request_parameters=False,
    )
    return InstrumentedModel(model, settings)


def record_duration(model: str, seconds: float, *, outcome: str) -> None:
    """Record how long a call took; nothing where no metrics are exported."""
    histogram = metrics.get_meter("sre_copilot").create_histogram(
        "gen_ai.client.operation.duration", unit="s"
    )
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    failed = {} if outcome == "answered" else {"error.type": outcome}
    histogram.record(seconds, {**attributes, **failed})


@contextmanager
def tool_span(tool: str) -> Iterator[None]:
    """A span around the call of a tool."""
    tracer = trace.get_tracer("sre_copilot")
    with tracer.start_as_current_span(
        f"sre_copilot.tool.{tool}",
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool},
    ):
        yield
