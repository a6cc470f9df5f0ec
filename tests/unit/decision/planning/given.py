"""A shop whose services are processes of one manager."""

from __future__ import annotations

from typing import Any

from sre_copilot.decision.planning.filling import filled
from sre_copilot.decision.planning.model import Draft, Estate, Fault, Known, NoPlan, Ready, Seen
from sre_copilot.domain.signals import Change
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.acting.actions import Repair, TargetBinding
from sre_copilot.testing.stated_executor import spec, usual_specs

ONSET = 1_700_000_700.0
TOPOLOGY = Topology.of([("entry", "cart"), ("entry", "billing"), ("cart", "billing")])


def estate(**changes: Any) -> Estate:
    specs = (*usual_specs("manager"), spec("sql.run", kinds=("database",), required=("statement",), properties={"statement": {"type": "string"}}))  # fmt: skip
    bindings = (
        TargetBinding(service="ledger", executor="sql", kind="database", name="main"),
        TargetBinding(service="*", executor="manager", kind="process", name="{service}", environment="test"),
    )
    repairs = (Repair(faults=["database/*"], action="sql.run", parameters={"statement": "unlock {service}"}),)
    given: dict[str, Any] = {
        "specs": {each.name: each for each in specs},
        "bindings": bindings,
        "repairs": repairs,
    }
    return Estate(**{**given, **changes})


def fault(fault_type: str = "process/hung", entity: str = "billing", **changes: Any) -> Fault:
    given: dict[str, Any] = {"probability": 0.95, "path": (entity, "entry"), "onset": ONSET}
    return Fault(entity=entity, fault_type=fault_type, **{**given, **changes})


def known(**changes: Any) -> Known:
    return Known(**{"topology": TOPOLOGY, **changes})


def change(
    kind: str = "deploy", *, service: str = "billing", before_s: float = 300.0, **detail: str
) -> Change:
    return Change(ts=ONSET - before_s, service=service, kind=kind, text=f"{service} {kind}", detail=detail)


def ready(draft: Draft, there: Estate, *, replicas: int = 2) -> Ready | None:
    made = [
        filled(each, there.specs[each.action.name], Seen(state={"replicas": replicas}))
        for each in draft.wishes
    ]
    actions = tuple(each for each in made if not isinstance(each, NoPlan))
    return (
        Ready(draft=draft, actions=actions, digests=("state",) * len(actions))
        if len(actions) == len(made)
        else None
    )
