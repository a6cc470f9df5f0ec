"""Queries, names, catalogue and settings of the Prometheus source; what needs a server is under tests/integration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.words import catalogue, say
from sre_copilot.perception.prometheus import MetricsCollector, PrometheusSource
from sre_copilot.perception.promql.alerts import alerts_of
from sre_copilot.perception.promql.catalogue import CATALOGUE, CORE_METRICS
from sre_copilot.perception.promql.decode import Decoded
from sre_copilot.perception.promql.labels import Naming
from sre_copilot.perception.promql.queries import filled, metric_names, parsed, without_carry
from sre_copilot.perception.promql.settings import PrometheusSettings
from sre_copilot.plugins import load
from sre_copilot.testing.servers.json_server import Request, Response, serving

NAMING = Naming(
    service=("service", "app", "job"), instance=("pod", "instance"), ignored=("namespace",), nobody="estate"
)


def settings(**given: Any) -> PrometheusSettings:
    return PrometheusSettings.model_validate({"url": "http://127.0.0.1:9", **given})


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("x", "last_over_time(x[59s999ms])"),
        ('x{a="b } offset 3"} offset 5m', 'last_over_time(x{a="b } offset 3"}[59s999ms] offset 5m)'),
        ("x offset 5m", "last_over_time(x[59s999ms] offset 5m)"),
        ("rate(x[5m])", "rate(x[5m])"),
        ("sum(rate(x[5m]))   /   2", "sum(rate(x[5m]))   /   2"),
        ("timestamp(x)", "timestamp(x)"),
        ("max_over_time(x[1h:1m])", "max_over_time(x[1h:1m])"),
        ("-x", "-last_over_time(x[59s999ms])"),
        ("1 + 1", "1 + 1"),
    ],
)
def test_a_plain_selector_sees_one_step_and_the_rest_is_as_written(query: str, sent: str) -> None:
    assert without_carry(query, 60) == sent


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum(x", "no PromQL"),
        ("nosuch(x)", "nosuch"),
        ("x[5m]", "put rate"),
        ('"x"', "a text"),
        ("rate(x[$a])", "PromQL"),
    ],
)
def test_what_has_no_value_to_plot_is_refused_and_shown(query: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parsed(query)
    assert query in str(caught.value)


def test_a_wrong_query_is_an_error_of_the_configuration_that_names_its_key() -> None:
    with pytest.raises(ValidationError, match=r"queries\.orders: is no PromQL"):
        settings(queries={"orders": "sum(orders"})
    settings(queries={"orders": "range_median(orders)"}, dialect="metricsql")


def test_placeholders_stand_for_settings_and_other_dollars_stay() -> None:
    values = settings(service_labels=["a", "b"], rate_seconds=90).placeholders(30)
    query = 'label_replace(sum by ($service_labels) (rate(x[$__rate_interval])), "y", "$1", "a", "(.*)$")'
    assert filled(query, values) == 'label_replace(sum by (a, b) (rate(x[90s])), "y", "$1", "a", "(.*)$")'


def test_the_names_that_a_query_reads_are_found() -> None:
    assert metric_names("sum(rate(a[1m])) / b or {c='d'}") == {"a", "b"}


def test_the_first_label_that_is_there_names_the_service() -> None:
    assert NAMING.key("m", {"job": "j", "service": "s", "instance": "i"}) == SeriesKey("s", "m", "i")
    assert NAMING.key("m", {"job": "j", "service": ""}) == SeriesKey("j", "m")
    assert NAMING.key("m", {"pod": "p", "namespace": "n"}) == SeriesKey("p", "m")
    assert NAMING.key("m", {}) == SeriesKey("estate", "m")


def test_labels_that_name_neither_are_part_of_the_metric() -> None:
    labels = {"__name__": "m", "service": "s", "device": 'a"b', "code": "5"}
    assert NAMING.key("m", labels) == SeriesKey("s", 'm{code="5",device="a\\"b"}')


def test_two_series_never_have_one_name() -> None:
    labels = [{"service": "x"}, {"app": "x"}, {"service": "x", "namespace": "n"}, {"service": "y"}]
    keys = NAMING.keys("m", labels)
    assert len(set(keys)) == 4
    assert keys[3] == SeriesKey("y", "m")


def test_the_catalogue_is_rich_and_every_form_is_promql() -> None:
    assert len(CORE_METRICS) >= 15
    values = settings().placeholders(60)
    for metric in CATALOGUE:
        assert metric.unit
        assert metric.meaning
        for form in metric.forms:
            assert metric_names(filled(form.query, values)), form


def test_every_counter_in_the_catalogue_is_read_as_a_rate_or_by_its_changes() -> None:
    values = settings().placeholders(60)
    for query in (query for name, query in CORE_METRICS.items() if name != "load_per_cpu"):  # it counts CPUs
        sent = without_carry(filled(query, values), 60)
        for name in metric_names(sent):
            if name.endswith(("_total", "_bucket", "_count")) and name != "pg_stat_activity_count":
                assert f"last_over_time({name}" not in sent


def test_a_configured_query_joins_or_replaces_the_catalogue() -> None:
    source = PrometheusSource(settings(queries={"up": "min(up)", "orders": "sum(orders)"}))
    assert source.queries()["up"] == "min(up)"
    assert source.queries()["orders"] == "sum(orders)"
    assert source.queries().keys() > {"cpu_usage_percent", "request_latency_p95_seconds"}
    some = PrometheusSource(settings(core_metrics=["up"], queries={"orders": "sum(orders)"}))
    assert list(some.queries()) == ["up", "orders"]


def test_a_derived_class_may_bring_its_own_catalogue() -> None:
    class Mine(MetricsCollector):
        CORE_METRICS = {"queue_length": "sum(queue_length)"}  # noqa: RUF012 - as a user would write it

    assert Mine("http://127.0.0.1:9").queries() == {"queue_length": "sum(queue_length)"}


def test_the_aliases_are_the_same_source() -> None:
    sources = load("sre_copilot.sources")
    assert sources["prometheus"] is sources["victoriametrics"] is sources["thanos"] is PrometheusSource


def matrix(values: str, extra: str = "") -> str:
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{values}]}}{extra}}}'


def source_of(answers: dict[str, str], url: str, **given: Any) -> PrometheusSource:
    queries = {name: name for name in answers}
    return PrometheusSource(
        settings(url=url, core_metrics=False, alerts=False, queries=queries, lookback_seconds=0, **given)
    )


def test_an_answer_in_part_is_a_gap_in_the_servers_words() -> None:
    answers = {
        "whole": matrix('{"metric":{"job":"a"},"values":[[1200,"1"]]}'),
        "thanos": matrix('{"metric":{"job":"a"},"values":[[1200,"1"]]}', ',"warnings":["store 7 is away"]'),
        "cluster": matrix('{"metric":{"job":"a"},"values":[[1200,"1"]]}', ',"isPartial":true'),
        "native": matrix('{"metric":{"job":"a"},"histograms":[[1200,{"count":"1","sum":"1"}]]}'),
    }
    with serving(lambda request: Response(text=answers[request.query["query"]])) as url:
        reading = source_of(answers, url).read(Window(1200, 1260))
    said = {dict(gap.message.params)["metric"]: say(gap.message, "en") for gap in reading.gaps}
    assert said.keys() == {"thanos", "cluster", "native"}
    assert "store 7 is away" in said["thanos"]
    assert "native histograms" in said["native"]
    assert reading.telemetry.metrics is not None
    assert reading.telemetry.metrics["metric"].to_list() == ["cluster", "thanos", "whole"]


def test_a_long_query_is_posted_and_a_short_one_is_not() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(text=matrix(""))

    long = " + ".join(["long"] * 400)
    with serving(answer) as url:
        given = {"queries": {"long": long, "short": "short"}, "lookback_seconds": 0, "concurrency": 1}
        PrometheusSource(settings(url=url, core_metrics=False, alerts=False, **given)).read(
            Window(1200, 1260)
        )
    assert [(r.method, "query" in r.query) for r in seen] == [("POST", False), ("GET", True)]
    assert b"query=long" in seen[0].body


def test_what_was_asked_can_be_asked_again_by_hand() -> None:
    with serving(lambda _: Response(text=matrix('{"metric":{"job":"a"},"values":[[1200,"1"]]}'))) as url:
        (asked,) = source_of({"x": ""}, url).read(Window(1190, 1260)).asked
    assert asked.text == "x"
    assert asked.target == f"{url}/api/v1/query_range"
    assert asked.window == Window(1200, 1260)
    assert (asked.step_seconds, asked.rows) == (60, 1)


def test_an_alert_is_as_long_as_its_series_was_there() -> None:
    row = np.full((1, 10), np.nan, np.float32)
    row[0, [2, 3, 7]] = 1
    labels = {
        "__name__": "ALERTS",
        "alertname": "High",
        "alertstate": "firing",
        "service": "s",
        "severity": "page",
    }
    found = alerts_of([(0, Decoded({}, (labels,), row))], Window(1000, 1600), step_seconds=60, naming=NAMING)
    assert [(a.name, a.entity, a.kind, a.window) for a in found] == [
        ("High", "s", "page", Window(1120, 1240)),
        ("High", "s", "page", Window(1420, 1480)),
    ]
    assert found[0].text == ("service=s", "severity=page")


def test_gaps_are_said_in_every_language() -> None:
    keys = [key for key in catalogue() if key.startswith("gap.metric_source.")]
    params = {"source": "p", "metric": "m", "problem": "q", "items": 3, "values": 2}
    for key in keys:
        for lang in ("en", "zh"):
            text = say(Message(key=key, params=tuple(params.items())), lang)  # type: ignore[arg-type]
            assert "p" in text
            assert key not in text


def test_alerts_that_cannot_be_asked_for_are_a_gap_and_not_none_that_fired() -> None:
    def answer(request: Request) -> Response:
        if "ALERTS" in request.query.get("query", ""):
            return Response({"status": "error", "errorType": "execution", "error": "no"}, status=422)
        return Response({"status": "success", "data": {"resultType": "matrix", "result": []}})

    with serving(answer) as url:
        source = PrometheusSource(
            settings(url=url, core_metrics=False, queries={"m": "m"}, lookback_seconds=0)
        )
        reading = source.read(Window(0, 60))
        source.close()
    assert reading.telemetry.alerts is None
    assert [gap.message.key for gap in reading.gaps] == ["gap.metric_source.query_failed"]
    assert any("ALERTS" in asked.text for asked in reading.asked)
