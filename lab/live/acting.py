"""What SRE Copilot is told so that it may repair the shop by itself: executors, targets, autonomy. A laboratory; nobody should write this for a shop with customers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab import releases
from lab.cluster import SPACE
from lab.layout import SERVICES

ENVIRONMENT = "staging"
COOLDOWN_S = 30.0  # a drill breaks the same process every few minutes
ACTIONS_PER_HOUR = 60
SETTLE_S = 20.0  # four scrapes, as the default is four samples of the slowest usual source
VERIFY_S = 30.0  # six scrapes
PAUSE_S = 45.0  # until a further look: what the first one saw too early is seen then


def with_hands(settings: dict[str, Any], shop: Path, cluster: str = "") -> dict[str, Any]:
    """The configuration of `serve` with executors, targets and autonomy added."""
    alerting = {
        **settings.get("alerting", {}),
        "investigations": {"settle_seconds": SETTLE_S, "pause_seconds": PAUSE_S},
        "lifecycle": {"reopen_within_seconds": 0},  # the next fault is another incident
    }
    return {**settings, **configuration(shop, cluster), "alerting": alerting}


def configuration(shop: Path, cluster: str = "") -> dict[str, Any]:
    """The keys of its own: everything that has earned nothing yet may be done, to the lab alone."""
    first = {"type": "kubernetes", "url": cluster} if cluster else _git(shop)
    return {
        "risk": {"auto_remediation_enabled": True, "minimum_confidence": 0.5},
        "decision": {"autonomy": {"actions": [{"action": "*", "environments": [ENVIRONMENT], "minimum_cases": 0}]}},
        "remediation": {"verify_seconds": VERIFY_S},
        "actions": {
            "executors": [first, _supervisor(shop)],
            "targets": _targets(cluster),
            "limits": {
                "per_target_per_hour": ACTIONS_PER_HOUR,
                "per_hour": ACTIONS_PER_HOUR,
                "cooldown_seconds": COOLDOWN_S,
            },
        },
    }  # fmt: skip


def _supervisor(shop: Path) -> dict[str, Any]:
    return {
        "type": "supervisor",
        "url": f"unix://{shop}/supervisor.sock",
        "processes": [*SERVICES, "redis"],
        "action_timeout_seconds": 20,  # `stopwaitsecs` is 2
    }


def _git(shop: Path) -> dict[str, Any]:
    return {
        "type": "git",
        "url": str(releases.repository(shop)),
        "branch": releases.BRANCH,
        "revert_paths": [releases.PATTERN],
        "revert_level": "reversible",  # the release before it ran here
    }


def _targets(cluster: str) -> list[dict[str, Any]]:
    if cluster:
        return [
            *(_target(name, "kubernetes", "Deployment", namespace=SPACE) for name in SERVICES),
            _target("redis", "supervisor", "process"),
        ]
    return [
        *(_target(name, "supervisor", "process") for name in (*SERVICES, "redis")),
        *(_target(name, "git", "branch", named=releases.BRANCH) for name in SERVICES),
    ]


def _target(
    service: str, executor: str, kind: str, *, named: str = "", namespace: str = ""
) -> dict[str, Any]:
    return {
        "service": service,
        "executor": executor,
        "kind": kind,
        "name": named or service,
        "namespace": namespace,
        "environment": ENVIRONMENT,
    }
