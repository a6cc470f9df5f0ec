"""What models cost is counted; spans say names, tokens and seconds, and no word of what was said."""

from __future__ import annotations

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.unit.llm.asking import question, tool

from sre_copilot.llm import tracing
from sre_copilot.llm.factory import make_speaker
from sre_copilot.settings.llm import LanguageModel, Llm
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.models import Answer, Call, ScriptedModel

PRICED = LanguageModel(model="given/fast", price_per_million_input=10, price_per_million_output=20)


def test_tokens_money_and_time_are_counted_by_model() -> None:
    own = OwnMetrics()
    model = ScriptedModel([Call("look", {}), Answer({"service": "order"})])
    speaker = make_speaker(Llm(models={"fast": PRICED}), models={"fast": model}, registry=own.registry)
    usage = speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).usage
    shown = own.exposition().decode()
    assert f'sre_copilot_llm_tokens_total{{kind="input",model="fast"}} {usage.input_tokens:.1f}' in shown
    assert f'sre_copilot_llm_tokens_total{{kind="output",model="fast"}} {usage.output_tokens:.1f}' in shown
    assert 'sre_copilot_llm_calls_total{model="fast",outcome="answered"} 2.0' in shown
    assert 'sre_copilot_llm_call_duration_seconds_count{model="fast"} 2.0' in shown
    cost = next(line for line in shown.splitlines() if line.startswith("sre_copilot_llm_cost_usd_total "))
    assert float(cost.split()[1]) == pytest.approx(usage.cost)


def test_spans_and_metrics_bear_the_names_of_the_convention_and_nothing_that_was_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = MeterProvider([reader])
    script = ScriptedModel([Call("look", {"service": "order"}), Answer({"service": "order"})])
    model = tracing.instrumented(script, tracers=tracers, meters=meters)
    monkeypatch.setattr(trace, "get_tracer", tracers.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)
    speaker = make_speaker(Llm(), models={"fast": model})
    asked = question("is checkout slow? jane@example.com")
    assert speaker.ask(asked, ledger=speaker.ledger(), call=tool("p99 is high")[0]).value is not None
    finished = spans.get_finished_spans()
    assert [span.name for span in finished].count("chat scripted") == 2
    assert "sre_copilot.tool.look" in [span.name for span in finished]
    chat = next(span for span in finished if span.name == "chat scripted")
    assert chat.attributes is not None
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.usage.input_tokens"] > 0  # type: ignore[operator]
    whole = "".join(span.to_json() for span in finished)
    assert [each for each in ("checkout", "jane", "p99 is high") if each in whole] == []
    data = reader.get_metrics_data()
    assert data is not None
    names = {
        metric.name
        for each in data.resource_metrics
        for scope in each.scope_metrics
        for metric in scope.metrics
    }
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= names


def test_without_the_variable_nothing_is_exported() -> None:
    assert tracing.set_up({}) is False
