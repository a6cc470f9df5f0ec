"""The tool that runs a query of somebody's own: only what its validator accepted, on a source that takes it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from sre_copilot.agents.scenes.live import LiveScene
from sre_copilot.agents.tool import Tool
from sre_copilot.agents.toolbox import Toolbox
from sre_copilot.agents.tools.run_query import RunQuery
from sre_copilot.clock import SystemClock
from sre_copilot.evidence.verify import verify
from sre_copilot.perception.loki import LokiSettings, LokiSource
from sre_copilot.settings.section import Role
from sre_copilot.testing.servers.loki import LokiServer, loki_server
from sre_copilot.testing.tool_contract import ToolContract, context

AROUND = json.dumps({"service": "billing", "steps": 1})


class TestRunQuery(ToolContract):
    arguments: Mapping[str, str] = {"query": AROUND, "language": "topology"}
    wrong: Mapping[str, str] = {"query": '{"host": "a"}', "language": "topology"}

    def tool(self) -> Tool:
        return RunQuery()


@pytest.fixture
def loki() -> Iterator[LokiServer]:
    with loki_server(service_names=False) as server:
        now = int(time.time())
        values = [
            [str((now - 60 * step) * 10**9), json.dumps({"status": 500, "user": "anna"})] for step in range(5)
        ]
        body = {"streams": [{"stream": {"app": "orders", "level": "error"}, "values": values}]}
        assert httpx.post(server.url + "/loki/api/v1/push", json=body, trust_env=False).status_code == 204
        yield server


def box(loki: LokiServer, *, role: Role = "admin", **settings: object) -> Toolbox:
    source = LokiSource(LokiSettings.model_validate({"url": loki.url, "selector": '{app=~".+"}', **settings}))
    scene = LiveScene(lambda: (source,), clock=SystemClock(), role=role)
    return Toolbox({"run_query": RunQuery()}, context(scene))


def test_rows_are_stated_and_each_statement_is_true_when_it_is_looked_up(loki: LokiServer) -> None:
    result = box(loki).use(
        "run_query", {"query": 'sum by (app) (count_over_time({app="orders"}[5m]))', "language": "logql"}
    )
    assert result.outcome == "success", result.problem
    assert result.handle
    assert result.rows is not None
    assert result.rows["value"].max() >= 1
    assert result.observation is not None
    assert verify(result.findings, result.observation).refuted == ()
    assert result.asked[-1].text.startswith("sum by (app)")


def test_what_the_validator_refuses_is_never_sent(loki: LokiServer) -> None:
    asked = len([each for each in loki.asked if "query_range" in each])
    result = box(loki).use("run_query", {"query": '{color="red"}', "language": "logql"})
    assert result.outcome == "error"
    assert "no label color" in result.problem
    assert not any("color" in each for each in loki.asked[asked:])


def test_masked_values_stay_masked(loki: LokiServer) -> None:
    result = box(loki, mask=["user"]).use("run_query", {"query": '{app="orders"}', "language": "logql"})
    assert result.outcome == "success"
    assert "anna" not in result.digest
    assert result.rows is not None
    assert "anna" not in str(result.rows.to_dicts())


def test_who_may_not_see_the_rows_may_not_query_either(loki: LokiServer) -> None:
    result = box(loki, role="viewer", see_role="responder").use(
        "run_query", {"query": '{app="orders"}', "language": "logql"}
    )
    assert result.outcome == "error"
    assert "responder" in result.problem


def test_a_language_that_no_source_takes_has_no_data(loki: LokiServer) -> None:
    assert box(loki).use("run_query", {"query": "up", "language": "promql"}).outcome == "no_data"
