"""The alert rules of the shop's Prometheus: what a team would have written for it, by service: down, errors, latency, saturation."""

from __future__ import annotations

import json
from typing import Any

EVERY_S = 5  # between two evaluations: as often as is scraped
HOLD_S = 10  # two evaluations more, so that one bad scrape is no alert
WINDOW = "30s"
CLUSTER = "lab"

_ERRORS = f'sum by (service) (rate(http_requests_total{{status=~"5.."}}[{WINDOW}]))'
_ALL = f"sum by (service) (rate(http_requests_total[{WINDOW}]))"
_SLOW = f"histogram_quantile(0.95, sum by (service, le) (rate(http_request_seconds_bucket[{WINDOW}])))"
RULES: tuple[tuple[str, str, str, str], ...] = (
    ("TargetDown", "critical", "max by (service) (up) == 0", "{{ $labels.service }} does not answer"),
    (
        "HighErrorRate",
        "critical",
        f"{_ERRORS} / {_ALL} > 0.05",
        "{{ $value | humanizePercentage }} of the requests of {{ $labels.service }} fail",
    ),
    (
        "HighLatency",
        "warning",
        f"{_SLOW} > 0.5",
        "one in twenty requests of {{ $labels.service }} takes longer than {{ $value | humanizeDuration }}",
    ),
    (
        "PoolSaturated",
        "warning",
        "max by (service) (db_pool_in_use / db_pool_max) >= 1",
        "all connections of the pool of {{ $labels.service }} are in use",
    ),
    (
        "CpuSaturated",
        "warning",
        f"sum by (service) (rate(process_cpu_seconds_total[{WINDOW}])) > 0.8",
        "{{ $labels.service }} uses a whole core",
    ),
    (
        "DiskFull",
        "warning",
        "max by (service) (disk_used_ratio) > 0.9",
        "the volume of {{ $labels.service }} is full",
    ),
)
"""Name, severity, expression, summary."""


def rules_text() -> str:
    """The rules as a file of Prometheus; JSON is YAML."""
    rules = [
        {
            "alert": name,
            "expr": expression,
            "for": f"{HOLD_S}s",
            "labels": {"severity": severity},
            "annotations": {"summary": summary},
        }
        for name, severity, expression, summary in RULES
    ]
    return json.dumps({"groups": [{"name": "shop", "interval": f"{EVERY_S}s", "rules": rules}]}, indent=1)


def sending(port: int, rules_file: str, token_file: str) -> dict[str, Any]:
    """What Prometheus is told besides: to evaluate the rules, and to send what fires to the API of Alertmanager at a port, with the token of a file that is there once the receiver runs."""
    target = {
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        "api_version": "v2",
        "authorization": {"credentials_file": token_file},
    }
    return {"rule_files": [rules_file], "alerting": {"alertmanagers": [target]}}
