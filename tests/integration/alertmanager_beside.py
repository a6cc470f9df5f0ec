"""A real Alertmanager, and random configurations and alerts to be asked of it and of ours."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from sre_copilot.testing.servers.real import RealServer, alertmanager_server

Labels = dict[str, str]
NAMES = ("team", "severity", "zone", "tier", "job")
VALUES = ("a", "b", "ab", "critical", "", 'say "hi"\\', "服务")
PATTERNS = ("a|b", "a.*", ".+", "", "[^a]+", "(?i)CRITICAL", ".*")
RECEIVERS = tuple(f"r{number}" for number in range(6))
LATEST_S = 10.0  # within it Alertmanager has passed alerts to its groups and inhibitor; it takes some 50 ms
TREES, ALERTS = 6, 70
PLAIN = "route: {receiver: r0}\nreceivers: [{name: r0}]\n"


def written(chance: random.Random) -> str:
    operator = chance.choice(["=", "!=", "=~", "!~"])
    value = chance.choice(PATTERNS if "~" in operator else VALUES)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{chance.choice(NAMES)}{operator}"{escaped}"'


def some_route(chance: random.Random, depth: int) -> dict[str, Any]:
    route: dict[str, Any] = {"continue": chance.random() < 0.4}
    form = chance.random()
    if form < 0.6:
        route["matchers"] = [written(chance) for _ in range(chance.randint(1, 2))]
    elif form < 0.8:
        route["match"] = {chance.choice(NAMES): chance.choice(VALUES)}
    else:
        route["match_re"] = {chance.choice(NAMES): chance.choice(PATTERNS)}
    if chance.random() < 0.7:
        route["receiver"] = chance.choice(RECEIVERS)
    if chance.random() < 0.5:
        route["group_by"] = chance.choice([["..."], ["job"], ["team"], ["severity", "zone"]])
    if depth:
        route["routes"] = [some_route(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return route


def some_rule(chance: random.Random) -> dict[str, Any]:
    return {
        "source_matchers": [written(chance) for _ in range(chance.randint(1, 2))],
        "target_matchers": [written(chance) for _ in range(chance.randint(1, 2))],
        "equal": chance.sample(NAMES, chance.randint(0, 2)),
    }


def some_configuration(chance: random.Random) -> str:
    return yaml.safe_dump(
        {
            "route": {
                "receiver": "r0",
                "group_by": ["team"],
                "routes": [some_route(chance, 2) for _ in range(4)],
            },
            "inhibit_rules": [some_rule(chance) for _ in range(3)],
            "receivers": [{"name": name} for name in RECEIVERS],
        }
    )


def some_labels(chance: random.Random, tree: int, number: int) -> Labels:
    given = {name: chance.choice(VALUES) for name in NAMES if chance.random() < 0.7}
    return {"alertname": f"alert{number}", "round": str(tree)} | {k: v for k, v in given.items() if v}


def eventually(check: Callable[[], None]) -> None:
    """Check until it holds: Alertmanager passes alerts on in its own time."""
    until = time.monotonic() + LATEST_S
    while True:
        try:
            check()
        except AssertionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


class Beside:
    """A running Alertmanager, asked through its API."""

    def __init__(self, server: RealServer) -> None:
        self.server = server
        self.client = httpx.Client(base_url=server.url, trust_env=False, timeout=10)

    def post(self, *alerts: Labels, resolved: bool = False) -> None:
        now = time.time()
        times = {"startsAt": at(now - 120), "endsAt": at(now - 1 if resolved else now + 3600)}
        answer = self.client.post("/api/v2/alerts", json=[{"labels": each, **times} for each in alerts])
        assert answer.is_success, answer.text

    @property
    def is_0_25(self) -> bool:
        """Whether it is of that age, whose differences are known."""
        version: str = self.client.get("/api/v2/status").json()["versionInfo"]["version"]
        return version.startswith("0.25.")

    def alerts(self, tree: int) -> dict[str, dict[str, Any]]:
        found = self.client.get("/api/v2/alerts", params={"filter": f'round="{tree}"'}).json()
        return {each["fingerprint"]: each for each in found}

    def groups(self, tree: int) -> list[tuple[str, str, tuple[str, ...]]]:
        found = self.client.get("/api/v2/alerts/groups", params={"filter": f'round="{tree}"'}).json()
        return sorted(
            (
                each["receiver"]["name"],
                json.dumps(each["labels"], sort_keys=True),
                _fingerprints(each["alerts"]),
            )
            for each in found
        )


def _fingerprints(alerts: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(each["fingerprint"] for each in alerts))


@contextmanager
def running(folder: Path, text: str = PLAIN) -> Iterator[Beside]:
    """An Alertmanager of its own: alerts of one test do not mute those of another."""
    with alertmanager_server(folder, config=text) as server:
        beside = Beside(server)
        yield beside
        beside.client.close()
