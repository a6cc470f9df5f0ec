"""Alert rules and manifests as YAML, and Python for what is better said in it."""

from __future__ import annotations

from typing import Any

import yaml

from sre_copilot.agents.scripts.task import ScriptTask


def alert_rule(expr: str, *, name: str, severity: str, summary: str, wait: str = "5m") -> str:
    """A rule file of Prometheus with one alert."""
    rule: dict[str, Any] = {
        "alert": name, "expr": expr, "for": wait, "labels": {"severity": severity}, "annotations": {"summary": summary, "description": "Value: {{ $value }}"},
    }  # fmt: skip
    return _written({"groups": [{"name": "generated", "rules": [rule]}]})


def manifest(task: ScriptTask) -> str:
    """A Deployment with probes and limits; the image is left to be filled in."""
    name = task.service
    container = {
        "name": name, "image": f"registry.example/{name}:1.0.0", "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 15},
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False},
    }  # fmt: skip
    labels = {"app": name}
    return _written(
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": task.namespace or "default", "labels": labels},
            "spec": {"replicas": task.replicas or 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}},
        }
    )  # fmt: skip


def _written(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def python(task: ScriptTask) -> str:
    """Python for a task; '' where there is none for it."""
    if task.name == "log_search":
        return _LOG_SEARCH.format(folder=repr(task.path or "/var/log"), text=repr(task.text or "ERROR"))
    if task.name == "certificates":
        return _CERTIFICATES.format(days=task.days or 30)
    if task.name in ("free_disk", "diagnostics"):
        return _DISK.format(folder=repr(task.path or "/var/log"), days=task.days or 14)
    return ""


_LOG_SEARCH = '''"""Count the lines of log files that hold a text, and print the last of them."""

import gzip
from pathlib import Path

FOLDER = Path({folder})
TEXT = {text}

for path in sorted(FOLDER.rglob("*.log*")):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as lines:
        found = [line.rstrip() for line in lines if TEXT in line]
    if found:
        print(f"{{path}}: {{len(found)}}")
        print("\\n".join(found[-20:]))
'''
_CERTIFICATES = '''"""Tell how long the certificates of HOST:PORT are still valid; exit code 1 when one ends soon."""

import socket
import ssl
import sys
import time

soon = False
for target in sys.argv[1:]:
    host, _, port = target.partition(":")
    with socket.create_connection((host, int(port or 443)), timeout=10) as raw:
        with ssl.create_default_context().wrap_socket(raw, server_hostname=host) as secured:
            ends = ssl.cert_time_to_seconds(secured.getpeercert()["notAfter"])
    left = (ends - time.time()) / 86400
    print(f"{{target}}: {{left:.0f}} days left")
    soon = soon or left < {days}
sys.exit(1 if soon else 0)
'''
_DISK = '''"""List the largest files below a folder, and what of them is older than some days. Nothing is deleted."""

import time
from pathlib import Path

FOLDER = Path({folder})
DAYS = {days}

files = [(path.stat().st_size, path.stat().st_mtime, path) for path in FOLDER.rglob("*") if path.is_file()]
for size, changed, path in sorted(files, reverse=True)[:30]:
    age = (time.time() - changed) / 86400
    print(f"{{size / 1e6:10.1f}} MB  {{age:6.1f}} days  {{'old ' if age > DAYS else '    '}}{{path}}")
'''
