"""A service whose door for decisions is tried, and what is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service, make_service
from sre_copilot.bus.schemas import event_type, normal_form
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.approval.model import Refused
from sre_copilot.domain.plan import Plan
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.alerting.tables import outbox
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.plans import NOW
from sre_copilot.testing.synthetic import SyntheticSource


class ManualClock(TurnedClock):
    """A clock that is set by hand."""

    def set(self, at: float) -> None:
        self._now = at


RECEIVERS: list[dict[str, Any]] = [{"name": name, "notifiers": []} for name in ("team", "payments", "lead")]
PEOPLE = {
    "persons": {
        "ann": {"name": "Ann Lee", "slack": "U1"},
        "bob": {"name": "Bob", "slack": "U2"},
        "carl": {"slack": "U3"},
    }
}


def service_of(folder: Path, clock: ManualClock, **approval: Any) -> Service:
    keys = {
        "store": {"folder": folder},
        "decision": {"approval": approval},
        "alerting": {
            "people": PEOPLE,
            "routing": {"route": {"receiver": "team"}},
            "notify": {"receivers": RECEIVERS, "external_url": "https://sre.example.org"},
        },
    }
    return make_service(
        Settings.model_validate(keys), sources=[SyntheticSource(services=1, metrics=1)], clock=clock
    )


def decide(
    door: Approving, service: Service, plan: Plan, name: str = "ann", role: Role = "approver", **more: Any
) -> Any:
    """Decide with a new token of a name."""
    token, _ = service.tokens.create(name, role=role, now=NOW)
    verdict = more.pop("verdict", "approve")
    return door.decide(plan.id, verdict, by=door.people.of_token(token), who=actor(token), way="rest", **more)


def refused(found: Any) -> str:
    assert isinstance(found, Refused), found
    return found.code


def status(door: Approving, plan: Plan) -> str:
    kept = door.plans.get(plan.id)
    assert kept is not None
    return kept.status


def last_entry(service: Service) -> dict[str, Any]:
    return AuditChain(service.database).page(limit=1).rows[0]


def events(service: Service) -> list[str]:
    with service.database.begin() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.id)).mappings().all()
    for row in rows:
        normal_form(event_type(row["type"]), orjson.loads(row["data"]))
    return [row["type"].split(".")[2] for row in rows]
