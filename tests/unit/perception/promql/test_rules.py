"""Alerting rules are read, and their conditions taken apart."""

from __future__ import annotations

import pytest

from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.promql.rules import AlertRule, Compared, compared, metric_query_of
from sre_copilot.testing.servers.json_server import Request, Response, serving


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("up == 0", Compared(expression="up", relation="==", limit=0.0)),
        ("(rate(a[5m]) > 0.05)", Compared(expression="rate(a[5m])", relation=">", limit=0.05)),
        ("a >= -1.5", Compared(expression="a", relation=">=", limit=-1.5)),
        ("a > 3 and b > 2", None),
        ("absent(up)", None),
        ("0.1 < a", None),
        ("a != 1", None),
        ("no (promql", None),
        ("", None),
    ],
)
def test_a_condition_against_a_number_is_taken_apart_and_any_other_is_left(
    text: str, found: Compared | None
) -> None:
    assert compared(text) == found


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("http://p:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0"),
        ("http://grafana:3000/alerting/grafana/abc/view", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_the_query_behind_a_generator_link_is_read(address: str, query: str) -> None:
    assert metric_query_of(address) == query


def test_the_rules_of_a_server_are_read_with_their_expression_and_their_wait() -> None:
    rule = {
        "name": "Slow",
        "query": "latency > 1",
        "duration": 120,
        "labels": {"team": "a"},
        "annotations": {"summary": "slow"},
        "alerts": [],
        "health": "ok",
        "type": "alerting",
    }
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        groups = [
            {"name": "shop", "rules": [rule, {"name": "", "query": "x"}]},
            {"name": "none", "rules": None},
        ]
        return Response({"status": "success", "data": {"groups": groups}})

    with serving(answer) as url:
        source = PrometheusSource(PrometheusSource.Settings.model_validate({"url": url}))
        found = source.alert_rules()
        source.close()
    assert (asked[0].path, asked[0].query) == ("/api/v1/rules", {"type": "alert"})
    assert found == (
        AlertRule(
            name="Slow", expression="latency > 1", for_seconds=120.0, labels={"team": "a"},
            annotations={"summary": "slow"}, group="shop",
        ),
    )  # fmt: skip
