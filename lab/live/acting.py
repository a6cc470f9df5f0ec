"""What SRE Copilot is told so that it may repair the shop by itself: executors, targets, autonomy. A laboratory; nobody should write this for a shop with customers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import releases
from lab.cluster import SPACE
from lab.layout import SERVICES
from lab.live import machine

ENVIRONMENT = "test"
AUTO_BELOW = 0.7  # all of the shop calls what is restarted, and nothing has a record yet: 0.63 for the cart
COOLDOWN_S = 30.0  # a drill breaks the same process every few minutes
ACTIONS_PER_HOUR = 60
SETTLE_S = 30.0  # six scrapes: what is known of the last fifteen seconds is not complete
VERIFY_S = 30.0  # six scrapes
IDLE_S = 10  # so long has a session done nothing in its transaction: no request of the shop takes a second
DATABASE = "postgres"
PAUSE_S = 50.0  # until a further look: what the first one saw too early is seen then


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """By what the shop is repaired: its folder, the API server of its cluster ('': supervisor runs it), the port of SSH, and its database."""

    shop: Path
    cluster: str = ""
    ssh_port: int
    database: str


def with_hands(settings: dict[str, Any], reach: Reach) -> dict[str, Any]:
    """The configuration of `serve` with executors, targets and autonomy added."""
    alerting = {
        **settings.get("alerting", {}),
        "investigations": {"settle_seconds": SETTLE_S, "pause_seconds": PAUSE_S},
        "lifecycle": {"reopen_within_seconds": 0},  # the next fault is another incident
    }
    return {**settings, **configuration(reach), "alerting": alerting}


def configuration(reach: Reach) -> dict[str, Any]:
    """The keys of its own: everything that has earned nothing yet may be done, to the lab alone."""
    first = {"type": "kubernetes", "url": reach.cluster} if reach.cluster else _git(reach.shop)
    return {
        "risk": {"auto_remediation_enabled": True, "auto_threshold": AUTO_BELOW, "minimum_confidence": 0.5},
        "decision": {"autonomy": {"actions": [{"action": "*", "environments": [ENVIRONMENT], "minimum_cases": 0}]}},
        "remediation": {"verify_seconds": VERIFY_S},
        "actions": {
            "executors": [
                first,
                _supervisor(reach.shop),
                machine.executor(reach.shop, reach.ssh_port),
                _sql(reach.database),
            ],
            "targets": _targets(reach.cluster),
            "repairs": [{"faults": ["security/certificate"], "action": "ssh.renew_certificate"}],
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


def _sql(database: str) -> dict[str, Any]:
    """Sessions that hold a transaction open and do nothing may be ended. What they had not committed is lost: no undo, and so never without a person."""
    idle = (
        "FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        f" AND state_change < now() - interval '{IDLE_S} seconds'"
    )
    return {
        "type": "sql",
        "url": database.replace("postgresql://", "postgresql+psycopg://", 1),
        "database": DATABASE,
        "statements": [
            {
                "name": "end_sessions",
                "statement": f"SELECT pg_terminate_backend(pid) {idle}",
                "level": "irreversible",
                "most_rows": 3,  # more would be a fault of whoever opens them all
                "look": f"SELECT pid, application_name {idle} ORDER BY pid",
                "check": f"SELECT count(*) = 0 {idle}",
            }
        ],
    }


def _targets(cluster: str) -> list[dict[str, Any]]:
    others = [
        _target("redis", "supervisor", "process"),
        _target(DATABASE, "sql", "database"),
        *(_target(name, "ssh", "host") for name in machine.MACHINES),
    ]
    if cluster:
        return [
            *(_target(name, "kubernetes", "Deployment", namespace=SPACE) for name in SERVICES),
            *others,
        ]
    return [
        *(_target(name, "supervisor", "process") for name in SERVICES),
        *(_target(name, "git", "branch", named=releases.BRANCH) for name in SERVICES),
        *others,
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
