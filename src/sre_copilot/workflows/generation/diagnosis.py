"""From a diagnosis to a workflow: the statements that it rests on, asked again of what is measured now, and what is planned against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Diagnosis
from sre_copilot.domain.plan import Plan
from sre_copilot.errors import UsageError
from sre_copilot.workflows.generation.means import plain

Document = dict[str, Any]
MOST_CHECKS = 8  # the strongest findings: more would only repeat them
LEAST_WINDOW_S, MOST_WINDOW_S = 60.0, 86_400.0


def workflow_of_diagnosis(diagnosis: Diagnosis, *, key: str, plan: Plan | None = None) -> Document:
    """The document of a workflow: a check for each finding, then the plan's actions, which go the way of every plan.

    Raises
    ------
    UsageError : when it found no fault, or nothing of it can be asked again
    """
    culprit = diagnosis.culprit
    if culprit is None:
        raise UsageError("diagnosis: names no fault, so that there is nothing to confirm. Choose another.")
    found = sorted(diagnosis.findings, key=lambda each: -each.weight)
    own = [each for each in found if each.entity == culprit.entity]
    checks = list(_checks(own))[:MOST_CHECKS]
    if not checks:
        raise UsageError("diagnosis: none of its statements can be asked again on live telemetry.")
    steps = [*checks, _verdict([each["name"] for each in checks])]
    made = {
        "id": f"confirm-{re.sub(r'[^a-z0-9_-]+', '-', key.casefold()).strip('-_')[:50] or 'diagnosis'}",
        "name": plain(f"Confirm {culprit.fault_type or 'a fault'} at {culprit.entity}"),
        "triggers": [{"type": "manual"}],
        "steps": steps,
        **({"actions": list(_actions(plan))} if plan is not None and plan.steps else {}),
        "outputs": {"held": "{{ steps.verdict.output.held }}", "of": len(checks)},
    }
    return {"workflow": made}


def _checks(findings: Sequence[Finding]) -> Iterator[Document]:
    for number, finding in enumerate(findings, 1):
        for place, check in enumerate(finding.checks, 1):
            if (given := written(check)) is not None:
                yield {
                    "name": f"check_{number}_{place}",
                    "title": plain(f"{finding.kind} at {finding.entity}"),
                    "needs": [],
                    "provider": {"type": "check", "with": given},
                    "on_failure": "continue",
                }


def written(check: Check) -> Document | None:
    """A statement as a step writes it; None for one that compares with a reference, has no window, or names a column twice."""
    parts = [check.query, *([check.against] if check.against else [])]
    if any(not _can(each) for each in parts) or check.query.window is None:
        return None
    window = check.query.window
    length = min(max(window.end - window.start, LEAST_WINDOW_S), MOST_WINDOW_S)
    given = {**_measured(check.query), "aggregate": check.aggregate, "relation": check.relation, "bound": check.bound, "window": round(length, 3)}  # fmt: skip
    if check.against is not None:
        given |= {"against": _measured(check.against), "combine": check.combine}
    return given


def _can(query: Query) -> bool:
    columns = [column for column, _ in query.where]
    text = "".join(value for _, value in query.where)
    return query.origin == "incident" and len(set(columns)) == len(columns) and "{{" not in text


def _measured(query: Query) -> Document:
    return {"source": query.source, "measure": query.measure, "where": dict(query.where)}


def _verdict(names: Sequence[str]) -> Document:
    """How many hold; one that could not be asked does not."""
    terms = [f"(steps.{name}.status == 'succeeded' && steps.{name}.output.holds ? 1 : 0)" for name in names]
    provider = {"type": "set", "with": {"held": "{{ " + " + ".join(terms) + " }}"}}
    return {
        "name": "verdict",
        "title": "How many of the statements hold",
        "needs": list(names),
        "provider": provider,
    }


def _actions(plan: Plan) -> Iterator[Document]:
    """Each only when something of the diagnosis still holds."""
    for number, step in enumerate(plan.steps, 1):
        target = step.action.target
        where = {key: getattr(target, key) for key in ("kind", "name", "namespace") if getattr(target, key)}
        given = {"target": where, "parameters": dict(step.action.parameters), "reason": f"as in {plan.id}"}
        yield {
            "name": f"act_{number}",
            "title": plain(f"{step.action.name} on {target.key}"),
            "if": "steps.verdict.output.held > 0",
            "provider": {"type": f"action.{step.action.name}", "with": given},
        }
