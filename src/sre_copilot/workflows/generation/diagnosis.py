"""From a conclusion to a workflow: the statements that it rests on, asked again of what is measured now, and what is done against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.incident import Diagnosis
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.plan import Plan
from sre_copilot.errors import UsageError
from sre_copilot.workflows.generation.means import HUMAN_TIMEOUT, Means, human, looked, of_deed, plain

Document = dict[str, Any]
MOST_CHECKS = 8  # the strongest findings: more would only repeat them
MOST_MEASURES = 3  # of cards and procedures: more ways than three nobody weighs
LEAST_WINDOW_S, MOST_WINDOW_S = 60.0, 86_400.0
HOLDS = "steps.verdict.output.held > 0"
WORDS = {
    "confirm": ("Confirm {fault} at {entity}", "确认 {entity} 的 {fault}"),
    "fault": ("a fault", "故障"),
    "how many": ("How many of the statements hold", "仍成立的陈述数"),
    "lately": ("changes before it", "此前的变更"),
    "decide": ("Nothing is known that helped. Decide what is done about {entity}", "没有已知的有效措施，请决定如何处理 {entity}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A finding as it is asked again."""

    kind: str
    entity: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a workflow is made of: a fault, the statements that it rests on (the strongest first), and what is known to be done against it.

    `measures` are in the words of people; `alert` and `service` are of the alert that began it, '' where there was none.
    """

    key: str
    entity: str
    fault_type: str
    statements: tuple[Statement, ...]
    plan: Plan | None = None
    measures: tuple[str, ...] = ()
    alert: str = ""
    service: str = ""
    lang: Lang = "en"


def conclusion_of(diagnosis: Diagnosis, *, key: str) -> Conclusion:
    """The conclusion of a diagnosis.

    Raises
    ------
    UsageError : when it names no fault
    """
    culprit = diagnosis.culprit
    if culprit is None:
        raise UsageError("diagnosis: names no fault, so that there is nothing to confirm. Choose another.")
    found = sorted(diagnosis.findings, key=lambda each: -each.weight)
    statements = tuple(
        Statement(kind=each.kind, entity=each.entity, checks=each.checks)
        for each in found
        if each.entity == culprit.entity
    )
    return Conclusion(
        key=key, entity=culprit.entity, fault_type=culprit.fault_type or "", statements=statements
    )


def workflow_of_conclusion(found: Conclusion, means: Means | None = None) -> Document:
    """The document of a workflow: a check for each statement, then what is done: the plan, else the measures, else a person decides.

    Raises
    ------
    UsageError : when nothing can be asked again, and no tool is there to look with
    """
    means = means or Means()
    checks = list(_checks(found.statements))[:MOST_CHECKS]
    looks = _looks(found, means)
    if not checks and not looks:
        raise UsageError("diagnosis: none of its statements can be asked again on live telemetry.")
    steps = [*checks, *looks, *([_verdict([each["name"] for each in checks], found)] if checks else [])]
    words = {"fault": found.fault_type or _say("fault", found), "entity": found.entity}
    service = {"name": "service", "default": found.entity}
    deeds = list(_deeds(found, means, confirmed=bool(checks)))
    held = "{{ steps.verdict.output.held }}"
    made = {
        "id": f"confirm-{re.sub(r'[^a-z0-9_-]+', '-', found.key.casefold()).strip('-_')[:50] or 'diagnosis'}",
        "name": plain(_say("confirm", found).format(**words)),
        "triggers": _triggers(found),
        "inputs": [service],
        "steps": steps,
        **({"actions": deeds} if deeds else {}),
        **({"outputs": {"held": held, "of": len(checks)}} if checks else {}),
    }
    return {"workflow": made}


def workflow_of_diagnosis(diagnosis: Diagnosis, *, key: str) -> Document:
    """The document of a workflow that confirms a diagnosis.

    Raises
    ------
    UsageError : when it found no fault, or nothing of it can be asked again
    """
    return workflow_of_conclusion(conclusion_of(diagnosis, key=key))


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


def _checks(statements: Sequence[Statement]) -> Iterator[Document]:
    for number, found in enumerate(statements, 1):
        for place, check in enumerate(found.checks, 1):
            if (given := written(check)) is not None:
                yield {
                    "name": f"check_{number}_{place}",
                    "title": plain(f"{found.kind} at {found.entity}"),
                    "needs": [],
                    "provider": {"type": "check", "with": given},
                    "on_failure": "continue",
                }


def _looks(found: Conclusion, means: Means) -> list[Document]:
    """What changed lately: what a fault of this kind is taken back by."""
    read = looked(_say("lately", found), means, named="query_changes")
    if read is None:
        return []
    title = plain(f"{found.entity}: {_say('lately', found)}")
    return [
        {"name": "changes", "title": title, "needs": [], "provider": read, "on_failure": "continue"},
    ]


def _triggers(found: Conclusion) -> list[Document]:
    """By hand; and by the alert that began it, which is what it is bound to once a person has applied it."""
    triggers: list[Document] = [{"type": "manual"}]
    if found.alert:
        filters = [{"key": "alertname", "value": found.alert}]
        filters += [{"key": "service", "value": found.service}] if found.service else []
        triggers.append({"type": "alert", "filters": filters})
    return triggers


def _can(query: Query) -> bool:
    columns = [column for column, _ in query.where]
    text = "".join(value for _, value in query.where)
    return query.origin == "incident" and len(set(columns)) == len(columns) and "{{" not in text


def _measured(query: Query) -> Document:
    return {"source": query.source, "measure": query.measure, "where": dict(query.where)}


def _verdict(names: Sequence[str], found: Conclusion) -> Document:
    """How many hold; one that could not be asked does not."""
    terms = [f"(steps.{name}.status == 'succeeded' && steps.{name}.output.holds ? 1 : 0)" for name in names]
    provider = {"type": "set", "with": {"held": "{{ " + " + ".join(terms) + " }}"}}
    return {
        "name": "verdict",
        "title": _say("how many", found),
        "needs": list(names),
        "provider": provider,
    }


def _deeds(found: Conclusion, means: Means, *, confirmed: bool) -> Iterator[Document]:
    """What is done, each only when something of the diagnosis still holds."""
    condition = {"if": HOLDS} if confirmed else {}
    if found.plan is not None and found.plan.steps:
        yield from _actions(found.plan, condition)
        return
    measures = tuple(dict.fromkeys(each for each in found.measures if each.strip()))[:MOST_MEASURES]
    for number, measure in enumerate(measures, 1):
        providers = of_deed(measure, means)
        for place, provider in enumerate(providers, 1):
            name = f"measure_{number}" + (f"_{place}" if len(providers) > 1 else "")
            yield _deed(name, measure, provider, condition)
    if not measures and confirmed:
        title = _say("decide", found).format(entity=found.entity)
        yield _deed("decide", title, human(title), condition)


def _deed(name: str, title: str, provider: Document, condition: Document) -> Document:
    patient = {"timeout": HUMAN_TIMEOUT} if provider["type"] == "human" else {}
    return {"name": name, "title": plain(title), **condition, "provider": provider, **patient}


def _actions(plan: Plan, condition: Document) -> Iterator[Document]:
    for number, step in enumerate(plan.steps, 1):
        target = step.action.target
        where = {key: getattr(target, key) for key in ("kind", "name", "namespace") if getattr(target, key)}
        given = {"target": where, "parameters": dict(step.action.parameters), "reason": f"as in {plan.id}"}
        provider = {"type": f"action.{step.action.name}", "with": given}
        yield _deed(f"act_{number}", f"{step.action.name} on {target.key}", provider, condition)


def _say(key: str, found: Conclusion) -> str:
    return WORDS[key][found.lang == "zh"]
