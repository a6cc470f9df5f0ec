"""Asking and investigating on a real Prometheus, from the command line."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sre_copilot.testing.servers.real import missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.serving import run, write_config

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
STEP = 15
QUERIES = {"queue_length": "queue_length", "temperature": "temperature"}
DISTURBED_S = 600


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Prometheus with two hours of two metrics of two services; the queue of orders has grown for ten minutes."""
    folder = tmp_path_factory.mktemp("live")
    with prometheus_server(tmp_path_factory.mktemp("prometheus")) as server:
        end = int(time.time()) // STEP * STEP
        remote_write(
            server.url,
            [
                ({"__name__": metric, "job": service}, [(float(t), _value(t, end, metric, service)) for t in range(end - 7200, end + STEP, STEP)])
                for metric in QUERIES
                for service in ("orders", "stock")
            ],
        )  # fmt: skip
        source = {
            "type": "prometheus",
            "url": server.url,
            "core_metrics": False,
            "queries": QUERIES,
            "alerts": False,
        }
        yield write_config(folder, sources=[source])


def _value(at: float, end: float, metric: str, service: str) -> float:
    noise = math.sin(at * 12.9898) * 43758.5453
    grown = 400.0 if (metric, service) == ("queue_length", "orders") and at > end - DISTURBED_S else 0.0
    return 50.0 + (noise - math.floor(noise) - 0.5) + grown


def test_a_question_about_live_metrics_is_answered_with_what_was_sent(config: Path, tmp_path: Path) -> None:
    found = run(
        "ask", "what was the queue length of orders in the last 5 minutes?", "--config", str(config), "-o", "json",
        folder=tmp_path,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["services"] == ["orders"]
    assert any("queue_length" in claim["text"] and "450" in claim["text"] for claim in document["claims"])
    assert any("queue_length" in asked["query"] for asked in document["asked"])


def test_an_alert_is_investigated_on_the_live_sources(config: Path, tmp_path: Path) -> None:
    began = datetime.fromtimestamp(time.time() - DISTURBED_S, UTC).isoformat()
    labels = {"alertname": "QueueGrows", "job": "orders"}
    alert = tmp_path / "alert.json"
    alert.write_text(json.dumps({"alerts": [{"status": "firing", "labels": labels, "startsAt": began}]}))
    found = run("investigate", "--alert", str(alert), "--config", str(config), "-o", "json", folder=tmp_path)
    assert found.returncode in (0, 3), found.stderr
    report = json.loads(found.stdout)
    assert report["header"]["entity"] == "orders"
    assert report["header"]["complaint"] == "QueueGrows"
    assert report["verdict"]["entity"] in (None, "orders")


def test_a_service_is_investigated_since_a_while_ago(config: Path, tmp_path: Path) -> None:
    found = run(
        "investigate",
        "--service",
        "orders",
        "--since",
        "20m",
        "--config",
        str(config),
        "--lang",
        "zh",
        folder=tmp_path,
    )
    assert found.returncode in (0, 3), found.stderr
    assert "orders" in found.stdout


def test_an_alert_that_cannot_be_read_is_a_usage_error(config: Path, tmp_path: Path) -> None:
    (tmp_path / "alert.json").write_text('{"servcie": "orders"}')
    found = run("investigate", "--alert", "alert.json", "--config", str(config), folder=tmp_path)
    assert found.returncode == 2
    assert "--alert alert.json" in found.stderr
