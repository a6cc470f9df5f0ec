"""What there is at a server before requests are invented: alerts, incidents, rooms, plans of every standing, a repair, a workflow with runs and an open task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sre_copilot.testing.serving import Serving

Known = dict[str, dict[str, list[str]]]
EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"
ACTION = "notification.tell"
ASKING = """\
workflow:
  id: asks
  triggers:
    - {type: manual}
    - {type: webhook}
  steps:
    - name: ask
      timeout: 1h
      provider: {type: human, with: {title: Restart, form: [{name: sure, type: boolean}]}}
"""


def config(folder: Path) -> dict[str, Any]:
    """A configuration in which every noun of the interface has something to answer about."""
    store = f"sqlite:///{folder / 'data' / 'sre-copilot.db'}"
    return {
        "prometheus": {"url": "http://127.0.0.1:9"},
        "alerting": {
            "notify": {"receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}]},
            "routing": {"route": {"receiver": "team", "group_by": ["alertname"], "group_wait": "1s"}},
            "intake": {"entries": {"shop": {"provider": "alertmanager", "token": "a-word-of-the-shop"}}},
            "people": {
                "persons": {"ann": {"name": "Ann"}, "bob": {"name": "Bob"}},
                "teams": {"shop": {"members": ["ann"]}},
                "schedules": {"day": {"layers": [{"order": ["ann"], "start": "2026-01-01"}]}},
            },
        },
        "actions": {"executors": [{"type": "notification", "store_url": store, "receivers": ["team"]}]},
    }  # fmt: skip


def seeded(server: Serving) -> Known:
    """Make all of it; its names, by a part of the path and the name of the parameter."""
    with httpx.Client(
        base_url=server.url, headers=_bearer(server.token), trust_env=False, timeout=20
    ) as client:
        found = _alerts(server, client) | _muting(client) | _plans(server, client)
        room = client.post("/api/v1/rooms", json={"title": "test"}).raise_for_status().json()
        found |= _workflows(client)
    return {
        **found,
        "/rooms/": {"key": [room["id"]]},
        "/oncall/": {"schedule": ["day"]},
        "/intake/": {"name": ["shop"]},
        "/actions/": {"name": [ACTION]},
    }


def texts() -> list[str]:
    """Workflows that are right, for bodies."""
    return [ASKING, *(path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.yaml")))]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _alerts(server: Serving, client: httpx.Client) -> Known:
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {"alertname": f"Fault{number}", "service": f"service-{number}", "severity": "critical"},
            "startsAt": (now - timedelta(minutes=number)).isoformat(),
        }
        for number in range(6)
    ]
    client.post("/api/v2/alerts", json=alerts).raise_for_status()
    incidents = server.until(lambda: server.get("/api/v1/incidents", status="all")["items"])

    def all_of_them() -> Any:
        found = server.get("/api/v1/alerts")["items"]
        return len(found) == len(alerts) and found

    fired = server.until(all_of_them)
    return {
        "/incidents/": {"key": [each["id"] for each in incidents]},
        "/alerts/{": {"fingerprint": [each["fingerprint"] for each in fired]},
    }


def _muting(client: httpx.Client) -> Known:
    matcher = [{"name": "service", "value": "nobody"}]
    end = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    silence = client.post("/api/v1/silences", json={"matchers": matcher, "ends_at": end, "comment": "test"})
    window = client.post("/api/v1/maintenance", json={"matchers": matcher, "ends_at": end, "reason": "test"})
    return {"/silence": {"key": [silence.json()["id"]]}, "/maintenance/": {"key": [window.json()["id"]]}}


def _plans(server: Serving, client: httpx.Client) -> Known:
    """Plans that wait, one that was refused, and one that another person approved and that was begun."""
    other = client.post("/api/v1/tokens", json={"name": "second", "role": "approver"}).raise_for_status()
    approver = _bearer(other.json()["token"])
    plans = [_plan(client, f"Look at {number}") for number in range(4)]
    for plan, verdict, said in ((plans[0], "approve", "comment"), (plans[1], "reject", "reason")):
        address = f"/api/v1/approvals/{plan}/{verdict}"
        client.post(address, json={said: "seen"}, headers=approver).raise_for_status()
    server.until(lambda: server.get("/api/v1/remediations")["items"])
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    given = client.post(
        "/api/v1/approvals/delegations",
        json={"giver": "ann", "taker": "bob", "end": end, "reason": "away"},
    )
    named = {name: {"plan_id": plans} for name in ("/plans/", "/approvals/{", "/remediations/")}
    return {**named, "/delegations/": {"key": [given.raise_for_status().json()["id"]]}}


def _plan(client: httpx.Client, title: str) -> str:
    asked = {"target": "receiver/team", "parameters": {"title": title}, "reason": "test"}
    made = client.post(f"/api/v1/actions/{ACTION}/plans", json=asked).raise_for_status()
    return str(made.json()["plan_id"])


def _workflows(client: httpx.Client) -> Known:
    client.post("/api/v1/workflows", json={"text": ASKING, "note": "test"}).raise_for_status()
    runs = [client.post("/api/v1/workflows/asks/runs", json={}).raise_for_status().json()["run"] for _ in range(3)]  # fmt: skip
    tasks = [each["id"] for each in client.get("/api/v1/workflow-tasks").json()["items"]]
    return {
        "/workflows/": {"key": ["asks"]},
        "/workflow-runs/": {"run": runs},
        "/workflow-tasks/": {"task": tasks or ["none"]},
    }
