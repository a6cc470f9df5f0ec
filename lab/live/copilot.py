"""`sre-copilot serve` beside the shop: the configuration that a user would write for it, the process, and its REST interface."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from lab.layout import edges

RATE_S = 30  # six scrapes; a longer window would dilute what has just begun
LOOKBACK_S = 15  # three scrapes: what a dead process last said is not carried on
STEP_S = 60
ORDERS_S = 10
EVENT_HOURS = 2.0  # of orders; logs and spans have no past here, and asking for it takes minutes
CORE = (
    "up",
    "cpu_usage_cores",
    "memory_usage_bytes",
    "file_descriptors_percent",
    "requests_per_second",
    "request_error_ratio",
    "restarts",
)
_TARGET = "by ($service_labels, $instance_labels)"
_SECONDS = "sum by ($service_labels, le) (rate(http_request_seconds_bucket[$__rate_interval]))"
QUERIES = {
    "request_latency_p95_seconds": f"histogram_quantile(0.95, {_SECONDS})",
    "request_latency_mean_seconds": "sum by ($service_labels) (rate(http_request_seconds_sum[$__rate_interval]))"
    " / sum by ($service_labels) (rate(http_request_seconds_count[$__rate_interval]))",
    "log_errors_per_second": 'sum by ($service_labels) (rate(log_lines_total{level="ERROR"}[$__rate_interval]))'
    " or 0 * sum by ($service_labels) (rate(log_lines_total[$__rate_interval]))",
    "connection_pool_usage_percent": f"100 * max {_TARGET} (db_pool_in_use / db_pool_max)",
    "connection_pool_waiting": f"max {_TARGET} (db_pool_waiting)",
    "disk_usage_percent": f"100 * max {_TARGET} (disk_used_ratio)",
    "certificate_days_left": f"clamp_max(min {_TARGET} (tls_certificate_seconds_left) / 86400, 14)",
    "pg_locks_waiting": f"sum {_TARGET} (pg_locks_waiting)",
    "pg_longest_transaction_seconds": f"max {_TARGET} (pg_longest_transaction_seconds)",
    "pg_idle_in_transaction": f"sum {_TARGET} (pg_connections_idle_in_transaction)",
    "pg_rollbacks_per_second": f"sum {_TARGET} (rate(pg_rollbacks_total[$__rate_interval]))",
    "redis_commands_per_second": f"sum {_TARGET} (rate(redis_commands_total[$__rate_interval]))",
}
"""What the shop's services count under names of their own, beside the catalogue. A certificate that lasts for weeks is as good as one that lasts for months."""


def prometheus_settings(url: str) -> dict[str, Any]:
    """How the shop's Prometheus is read."""
    return {
        "url": url,
        "core_metrics": list(CORE),
        "queries": QUERIES,
        "rate_seconds": RATE_S,
        "lookback_seconds": LOOKBACK_S,
        "alerts": False,
    }


def configuration(
    folder: Path,
    *,
    shop: Path,
    prometheus: str,
    jaeger: str,
    interval: int,
    days: int,
    port: int,
    receiver: str = "",
    cluster: str = "",
) -> dict[str, Any]:
    """What `serve` is told; with a `receiver` (its address) there is somebody who hears of incidents."""
    return {
        **({"alerting": people(receiver)} if receiver else {}),
        "check_interval_seconds": interval,
        "baseline": {"learning_days": days, "step_seconds": STEP_S, "event_hours": EVENT_HOURS},
        "store": {"folder": str(folder / "data")},
        "server": {"port": port},
        "logging": {"file": str(folder / "serve.log")},
        "sources": [
            {"type": "prometheus", **prometheus_settings(prometheus)},
            {
                "type": "promql_transactions",
                "url": prometheus,
                "service": "gateway",
                "step_seconds": ORDERS_S,
                "volume": "sum by (service, channel) (increase(shop_orders_total[$step]))",
                "failures": 'sum by (service, channel) (increase(shop_orders_total{outcome!="completed"}[$step]))',
                "amount": "sum by (service, channel) (increase(shop_order_amount_total[$step]))",
            },
            {"type": "jaeger", "url": jaeger, "limit": 2000},
            {
                "type": "files",
                "paths": [f"{shop}/*.log", f"{shop}/postgres/log"],
                "exclude_paths": [f"{shop}/supervisord.log"],
                "path_fields": r"(?P<service>\w+)(?:\.log|/log)$",
                "rotated": False,
            },
            {"type": "topology_file", "files": [str(folder / "topology.yaml")]},
            *([{"type": "kubernetes", "url": cluster}] if cluster else []),
        ],
    }


def people(receiver: str) -> dict[str, Any]:
    """One receiver, who is told of everything."""
    told = {"name": "people", "webhook_configs": [{"url": receiver}]}
    route = {"receiver": "people", "group_by": ["alertname", "service"]}
    return {"notify": {"receivers": [told]}, "routing": {"route": route}}


def topology() -> dict[str, Any]:
    """Who calls whom, as the topology file has it."""
    return {
        "relations": [{"kind": "calls", "caller": caller, "callee": callee} for caller, callee in edges()]
    }


@contextmanager
def serving(folder: Path, settings: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `sre-copilot serve` while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "topology.yaml").write_text(json.dumps(topology()), encoding="utf-8")
    config = folder / "sre-copilot.yaml"
    config.write_text(json.dumps(settings, indent=1), encoding="utf-8")  # JSON is YAML
    with (folder / "serve.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sre_copilot", "serve", "--config", str(config)],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the lab, which then ends this in order
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Interface:
    """The REST interface, with the token of the first start."""

    def __init__(self, url: str, token_file: Path) -> None:
        self._token_file = token_file
        self._client = httpx.Client(base_url=url, timeout=15.0, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        """The document at a path."""
        answer = self._client.get(path, params=params, headers=self._headers())
        answer.raise_for_status()
        return answer.json()

    def anomalies(self, *, since: float) -> list[dict[str, Any]]:
        """Anomalies told since a time, the first told first, with their times as epoch seconds."""
        hours = max(0.1, (time.time() - since) / 3600 + 0.05)
        rows = self.get("/api/v1/anomalies", hours=hours, limit=1000)["items"]
        timed = [
            {**row, **{key: epoch(row[key]) for key in ("opened_at", "closed_at", "since")}} for row in rows
        ]
        return sorted((row for row in timed if row["opened_at"] >= since), key=lambda row: row["opened_at"])

    def open_anomalies(self) -> list[dict[str, Any]]:
        """Anomalies that go on."""
        rows = self.get("/api/v1/anomalies", hours=1, limit=1000)["items"]
        return [row for row in rows if row["closed_at"] is None]

    def tell(self, change: dict[str, Any]) -> None:
        """Post a change to the webhook."""
        self._client.post("/api/v1/changes", json=change, headers=self._headers()).raise_for_status()

    def post(self, path: str, document: Any) -> Any:
        """Post a document, which must be taken."""
        answer = self._client.post(path, json=document, headers=self._headers())
        answer.raise_for_status()
        return answer.json()

    def number(self, name: str) -> float:
        """One of its own metrics, with its labels as `/metrics` writes them; 0 while it has not been counted."""
        answer = self._client.get("/metrics", headers=self._headers())
        answer.raise_for_status()
        rows = (line for line in answer.text.splitlines() if line.startswith(name + " "))
        return next((float(line.rpartition(" ")[2]) for line in rows), 0.0)

    def learned(self) -> bool:
        """Whether it has learned, and ticked since."""
        status = self.get("/api/v1/status")
        if status["learning"]["state"] == "failed":
            raise RuntimeError(f"learning failed: {status['learning']['problem']}")
        return bool(status["learned"]) and status["learning"]["state"] == "done"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token_file.read_text(encoding='utf-8').strip()}"}


def epoch(moment: str | None) -> float | None:
    """RFC 3339 as epoch seconds."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(UTC).timestamp()
