"""An alert of a real Prometheus, as it sends it: its rule, its query and the half hour before it are read back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from sre_copilot.incidents.casework.alert_context import Alert
from sre_copilot.incidents.casework.alert_processor import AlertProcessor
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.promql.rules import metric_query_of
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.real import PROMETHEUS_CONFIG, missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
RESEND = (
    "--rules.alert.resend-delay=1s"  # the first one is lost: receivers are known some seconds after the start
)
RULES = """\
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: ErrorsHigh
        expr: error_ratio > 0.05
        for: 2s
        labels: {team: shop}
        annotations: {summary: too many errors}
"""


def test_the_context_of_an_alert_is_read_back_from_the_server_that_sent_it(tmp_path: Path) -> None:
    received: list[dict[str, object]] = []

    def take(request: Request) -> Response:
        received.extend(httpx.Response(200, content=request.body).json())
        return Response({})

    with serving(take) as url:
        rules = tmp_path / "rules.yml"
        rules.write_text(RULES, encoding="utf-8")
        manager = f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{url[7:]}']}}]}}]}}\n"
        config = PROMETHEUS_CONFIG + f"rule_files: ['{rules}']\n" + manager
        with prometheus_server(tmp_path / "server", config=config, arguments=[RESEND]) as server:
            now = int(time.time())
            samples = [(now - 15 * n, 0.4 if n < 8 else 0.01) for n in range(130, -6, -1)]
            remote_write(server.url, [({"__name__": "error_ratio", "service": "order"}, samples)])
            until = time.monotonic() + 30
            while not received and time.monotonic() < until:
                time.sleep(0.1)
            assert received, server.log[-2000:]
            alert = Alert(
                name="ErrorsHigh",
                service="order",
                start_time=float(now),
                metric_query=metric_query_of(str(received[0]["generatorURL"])),
            )
            settings = {"url": server.url, "queries": {}, "core_metrics": False}
            processor = AlertProcessor(
                lambda: [PrometheusSource(PrometheusSource.Settings.model_validate(settings))]
            )
            result = asyncio.run(processor.process_alert(alert))
    assert alert.metric_query == "error_ratio > 0.05"
    assert result.rule is not None
    assert (result.rule.for_seconds, dict(result.rule.labels)) == (2.0, {"team": "shop"})
    assert result["metrics"]["ts"].max() - result["metrics"]["ts"].min() >= 1700
    (finding,) = result.findings
    assert finding.kind == "alert.metric.limit"
    params = dict(finding.params)
    assert (params["now"], params["usual"], params["limit"]) == (0.4, 0.01, 0.05)
    assert result.gaps == ()
