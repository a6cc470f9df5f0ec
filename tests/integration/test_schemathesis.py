"""Invented requests at everything that `/openapi.json` describes, at a real server: no server error, and no answer that is not described."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.testing.serving import Serving, serving, write_config

pytestmark = pytest.mark.integration
SECONDS = int(os.environ.get("SRE_COPILOT_FUZZ_SECONDS", "60"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance"
)
ENDLESS = "/updates$|/stream/"  # they answer until whoever asks goes away; tests of their own read them
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
ALERTING: dict[str, Any] = {
    "notify": {"receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}]},
    "routing": {"route": {"receiver": "team", "group_by": ["alertname"], "group_wait": "1s"}},
    "intake": {"entries": {"shop": {"provider": "alertmanager", "token": "a-word-of-the-shop"}}},
    "people": {
        "persons": {"ann": {"name": "Ann"}},
        "teams": {"shop": {"members": ["ann"]}},
        "schedules": {"day": {"layers": [{"order": ["ann"], "start": "2026-01-01"}]}},
    },
}


def test_no_invented_request_meets_a_server_error_or_an_answer_that_is_not_described(tmp_path: Path) -> None:
    write_config(tmp_path, prometheus={"url": "http://127.0.0.1:9"}, alerting=ALERTING)
    with serving(tmp_path) as server:
        known = _something(server)
        found = _fuzzed(server, tmp_path, known)
    print(found.stdout[found.stdout.find("= SUMMARY =") :])
    said = found.stdout[found.stdout.find("= FAILURES =") :]
    assert found.returncode == 0, said[-20_000:] or found.stderr
    assert "No operations" not in found.stdout


def _fuzzed(
    server: Serving, folder: Path, known: dict[str, dict[str, list[str]]]
) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json",
        "--header", f"Authorization: Bearer {server.token}",
        "--checks", CHECKS, "--phases", "coverage,fuzzing,stateful", "--max-time", str(SECONDS), "--max-examples", str(max(30, SECONDS // 10)),
        "--request-timeout", "30", "--exclude-path-regex", ENDLESS, "--generation-database", "none",
        "--continue-on-failure", "--no-color", "--no-shrink",
    ]  # fmt: skip
    env = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(HOOKS),
        "SRE_COPILOT_FUZZ_KNOWN": json.dumps(known),
        "COLUMNS": "160",
    }
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS + 240, check=False
    )


def _something(server: Serving) -> dict[str, dict[str, list[str]]]:
    """Let there be alerts, incidents, a silence and a room; return their names."""
    headers = {"Authorization": f"Bearer {server.token}"}
    now = datetime.now(UTC)
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=20) as client:
        alerts = [
            {
                "labels": {"alertname": f"Fault{number}", "service": f"service-{number}", "severity": "critical"},
                "startsAt": (now - timedelta(minutes=number)).isoformat(),
            }
            for number in range(6)
        ]  # fmt: skip
        client.post("/api/v2/alerts", json=alerts).raise_for_status()
        incidents = server.until(lambda: server.get("/api/v1/incidents", status="all")["items"])
        fired = server.until(
            lambda: (
                len(server.get("/api/v1/alerts")["items"]) == len(alerts)
                and server.get("/api/v1/alerts")["items"]
            )
        )
        matcher = [{"name": "service", "value": "nobody"}]
        end = (now + timedelta(hours=2)).isoformat()
        silence = client.post(
            "/api/v1/silences", json={"matchers": matcher, "ends_at": end, "comment": "test"}
        ).json()
        window = client.post(
            "/api/v1/maintenance", json={"matchers": matcher, "ends_at": end, "reason": "test"}
        ).json()
        room = client.post("/api/v1/rooms", json={"title": "test"}).json()
    ids = [each["id"] for each in incidents]
    return {
        "/incidents/": {"key": ids},
        "/alerts/{": {"fingerprint": [each["fingerprint"] for each in fired]},
        "/silence": {"key": [silence["id"]]},
        "/maintenance/": {"key": [window["id"]]},
        "/rooms/": {"key": [room["id"]]},
        "/oncall/": {"schedule": ["day"]},
        "/intake/": {"name": ["shop"]},
    }
