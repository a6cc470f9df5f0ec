"""An alert is looked at by itself: its context is read, measured, and only what re-runs true is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl
import pytest
from tests.unit.incidents.casework.bench import shop

from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.incidents.casework.alert_context import LOGS_S, METRICS_S, Alert, of_event
from sre_copilot.incidents.casework.alert_processor import AlertProcessor, AnalysisResult
from sre_copilot.incidents.report.words import has
from sre_copilot.llm.factory import make_speaker
from sre_copilot.perception.promql.rules import AlertRule
from sre_copilot.perception.source import Asked, Estimate, Health, Queried, Reading, SourceSettings
from sre_copilot.settings.llm import LanguageModel, Llm
from sre_copilot.testing.cases import ONSET
from sre_copilot.testing.models import Answer, Prompt, ScriptedModel

AT = ONSET + 180.0
ALERT = Alert(name="ErrorsHigh", service="order", start_time=AT, metric_query="error_ratio > 0.05")
RULE = AlertRule(name="ErrorsHigh", expression="error_ratio > 0.05", for_seconds=60.0, labels={"team": "a"})


class Metrics:
    """A server that takes PromQL: one series that rises, and one rule."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    modalities: ClassVar[tuple[Any, ...]] = ("metrics",)
    languages: ClassVar[tuple[str, ...]] = ("promql",)
    name = "metrics"

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.asked: list[tuple[str, Window]] = []
        self.closed = 0

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        self._check()
        self.asked.append((text, window))
        times = [window.start + 30.0 * n for n in range(int(window.seconds // 30))]
        values = [0.2 if ts >= AT - 120 else 0.01 for ts in times]
        rows = pl.DataFrame({"ts": times, "series": ['{route="/pay"}'] * len(times), "value": values})
        return Queried(rows=rows, asked=Asked(source=self.name, text=text, window=window))

    def alert_rules(self) -> tuple[AlertRule, ...]:
        self._check()
        return (RULE,)

    def read(self, window: Window) -> Reading:
        self._check()
        return Reading(telemetry=Telemetry())

    def dry_run(self, text: str, window: Window) -> Estimate:
        return Estimate()

    def known(self) -> dict[str, Any]:
        return {}

    def health(self) -> Health:
        return Health(source=self.name, ok=not self.down)

    def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.down:
            raise SourceUnreachable(self.name, "no connection", remedy="start it")


def processed(*sources: Any, alert: Alert = ALERT, **options: Any) -> AnalysisResult:
    processor = AlertProcessor(lambda: sources, **options)
    return asyncio.run(processor.process_alert(alert))


def deployed(window: Window) -> Sequence[Change]:
    change = Change(AT - 300, "order", "deploy", "release 1.4.1")
    return [change] if window.start <= change.ts < window.end else []


def test_the_context_is_the_half_hour_of_its_metric_and_five_minutes_of_its_lines() -> None:
    metrics = Metrics()
    result = processed(metrics, shop("exception", "order"))
    assert metrics.asked == [("error_ratio", Window(AT - METRICS_S, AT))]
    assert (METRICS_S, LOGS_S) == (1800.0, 300.0)
    lines = result["logs"]
    assert set(lines["service"]) == {"order"}
    assert lines["ts_ns"].min() >= (AT - 300) * 1e9
    assert lines["ts_ns"].max() < AT * 1e9
    assert result["metrics"]["ts"].min() == AT - 1800
    assert result["service_info"].service == "order"
    assert metrics.closed == 1
    with pytest.raises(KeyError):
        result["traces"]


def test_rules_say_how_the_metric_stands_to_its_limit_and_which_errors_were_written() -> None:
    result = processed(Metrics(), shop("exception", "order"), told=deployed)
    kinds = [finding.kind for finding in result.findings]
    assert kinds[0] == "alert.metric.limit"
    assert "alert.logs.error" in kinds
    assert kinds[-1] == "alert.change"
    first = result.sentences("en")[0]
    assert "0.2 at the alert, mostly 0.01" in first
    assert "> 0.05" in first
    assert "阈值" in result.sentences("zh")[0]
    assert result.chosen_by == "rules"
    assert all(has(kind) for kind in kinds)
    assert result.struck == ()


def test_the_rule_of_the_alert_is_known_with_its_expression_and_its_wait() -> None:
    result = processed(Metrics(), alert=replace(ALERT, metric_query=""))
    assert result.rule == RULE
    assert result.context.compared is not None
    assert (result.context.compared.expression, result.context.compared.limit) == ("error_ratio", 0.05)


def test_without_a_query_the_metrics_of_the_service_are_looked_at() -> None:
    alert = Alert(name="Slow", service="billing", start_time=AT)
    result = processed(shop("cpu", "billing"), alert=alert)
    assert set(result["metrics"]["service"]) == {"billing"}
    told = {
        dict(finding.params)["metric"]: finding.kind
        for finding in result.findings
        if finding.modality == "metrics"
    }
    assert told["cpu_percent"] == "alert.metric.above"


def test_a_quiet_alert_is_said_to_show_nothing() -> None:
    result = processed(alert=Alert(name="Quiet", start_time=AT))
    assert result.findings == ()
    assert result.sentences("en") == ("Nothing remarkable was measured in the half hour before Quiet.",)


def test_a_server_that_is_down_is_a_gap_and_harms_nothing_else() -> None:
    result = processed(Metrics(down=True), shop("exception", "order"))
    keys = {gap.message.key for gap in result.gaps}
    assert keys == {"gap.source.unread", "gap.alert.rules"}
    assert any(finding.kind == "alert.logs.error" for finding in result.findings)
    assert any("no connection" in sentence for sentence in result.sentences("en"))


def test_a_model_chooses_among_what_was_measured_and_adds_nothing() -> None:
    chosen: list[str] = []

    def script(prompt: Prompt) -> Answer:
        found = [word.strip("[]") for word in prompt.text.split() if word.startswith("[F-")]
        chosen[:] = [found[1]]
        return Answer({"finding_ids": [found[1], "F-00000000"]})

    model = ScriptedModel(script)
    speaker = make_speaker(Llm(), models={"fast": model})
    result = processed(Metrics(), shop("exception", "order"), speaker=speaker, told=deployed)
    assert result.chosen_by == "model"
    assert [finding.id for finding in result.findings] == chosen
    prompt = model.prompts[0]
    assert "ErrorsHigh" in prompt.text
    assert "error_ratio > 0.05" in prompt.text
    assert "on-call engineer" in prompt.system


def test_a_model_that_chooses_nothing_known_leaves_the_order_to_the_rules() -> None:
    speaker = make_speaker(
        Llm(), models={"fast": ScriptedModel(lambda prompt: Answer({"finding_ids": ["F-1"]}))}
    )
    result = processed(Metrics(), shop("exception", "order"), speaker=speaker)
    assert result.chosen_by == "rules"
    assert len(result.findings) >= 2


def test_an_alert_as_it_came_in_names_its_query_its_service_and_its_start() -> None:
    event = AlertEvent(
        labels={"alertname": "ErrorsHigh", "service": "order"},
        annotations={"summary": "too many errors"},
        starts_at=AT,
        received_at=AT + 3,
        source="am",
        provider="alertmanager",
        generator_url="http://prometheus:9090/graph?g0.expr=error_ratio+%3E+0.05&g0.tab=1",
    )
    assert of_event(event) == replace(ALERT, summary="too many errors")


def test_the_usual_temperature_of_a_model_is_the_one_that_alerts_are_read_with() -> None:
    assert LanguageModel.model_fields["temperature"].default == 0.3
