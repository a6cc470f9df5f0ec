"""Workflows made of what is written or was found: a procedure, a recorded case, an incident of the store; by rules, and by a model where there is one. What comes out is a draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.agents.prompts import prompt
from sre_copilot.app import investigate_case
from sre_copilot.app.planning_known import Gathering
from sre_copilot.app.workflow_desk import known_of_settings
from sre_copilot.clock import Clock
from sre_copilot.decision.planning.model import Fault
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.plan import Plan, Target
from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.knowledge.sops import parse_sop
from sre_copilot.llm.speaking import Ledger, Material, Question, Speaker
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database
from sre_copilot.store.plans import PlanStore, plan_of
from sre_copilot.store.records import investigation_records
from sre_copilot.workflows.generation.diagnosis import (
    HOLDS,
    Conclusion,
    Statement,
    workflow_of_conclusion,
    workflow_of_diagnosis,
)
from sre_copilot.workflows.generation.means import Means
from sre_copilot.workflows.generation.procedure import workflow_of
from sre_copilot.workflows.generation.proposal import ProposedWorkflow, workflow_of_proposal
from sre_copilot.workflows.generation.repair import Repaired, repaired
from sre_copilot.workflows.lint.known import Known

Document = dict[str, Any]
ROLE = "workflow_draft"  # the name of the instructions that a model is given
BY_RULES = "rules"
MOST_MATERIAL = 20_000  # characters of what a model reads: a long procedure
TOOL_WORDS = 300  # characters of a schema, by which a model chooses arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A text with how it came about: `by` is `rules` or the name of a model; `why_rules` says why not by a model, where one was asked."""

    repaired: Repaired
    by: str = BY_RULES
    why_rules: str = ""

    @property
    def text(self) -> str:
        """The YAML."""
        return self.repaired.text


@dataclass
class Making:
    """Makes texts; nothing is kept by it, and nothing run."""

    settings: Settings
    database: Database
    clock: Clock
    speaker: Speaker | None = None

    def from_procedure(self, text: str, *, name: str) -> Made:
        """Of a semi-structured procedure.

        Raises
        ------
        UsageError : names the file, the field and the way out
        """
        sop = parse_sop(text, name=name)
        services = sop.scope.services
        means = means_of(self.settings, services[0] if len(services) == 1 else "")
        return self._made(
            workflow_of(sop, means), means, Material(text=text, provenance=f"procedure {name}"), sop.lang
        )

    def from_case(self, case: Path) -> Made:
        """Of what is found on a recorded case: the statements that would confirm it."""
        found = investigate_case(case)
        document = workflow_of_diagnosis(found.diagnosis, key=case.name)
        return Made(repaired=repaired(document, self.known))

    def from_incident(self, incident_id: str) -> Made:
        """Of an incident as the store has it: its diagnosis, its plan, else what people wrote down as a measure.

        Raises
        ------
        UsageError : there is no such incident, or no fault was found in it
        """
        found = self.conclusion(incident_id)
        means = means_of(self.settings, found.entity)
        document = workflow_of_conclusion(found, means)
        told = {"entity": found.entity, "fault_type": found.fault_type, "measures": list(found.measures),
                "statements": [f"{each.kind} at {each.entity}" for each in found.statements]}  # fmt: skip
        if (
            found.plan is not None or not found.measures
        ):  # of a plan all is said, and of nothing a model would only guess
            return Made(repaired=repaired(document, self.known))
        material = Material(text=json.dumps(told, ensure_ascii=False), provenance=f"incident {incident_id}")
        return self._made(document, means, material, found.lang, confirmed=True)

    def conclusion(self, incident_id: str) -> Conclusion:
        """What the store has of an incident that a workflow can be made of.

        Raises
        ------
        UsageError : there is no such incident, or no fault was found in it
        """
        picture = reading(AlertRecords(self.database))(incident_id)
        row = AlertRecords(self.database).incident(incident_id)
        if picture is None or row is None:
            raise UsageError(f"incident {incident_id[:64]!r}: is not there. `sre-copilot incident list --status all` lists them.")  # fmt: skip
        diagnosis = row.get("diagnosis") or {}
        investigation = investigation_records(self.database).get(str(diagnosis.get("investigation_id", "")))
        if investigation is None or investigation["outcome"] != "fault":
            raise UsageError(f"incident {incident_id}: its investigation found no fault, so that there is nothing to confirm. Investigate it again, or choose another.")  # fmt: skip
        entity, fault_type = investigation["cause"], investigation["fault_type"]
        fault = Fault(entity=entity, fault_type=fault_type, probability=investigation["confidence"], onset=picture.started_at)  # fmt: skip
        advice = Gathering(self.database, self.clock).advice(fault)
        leading = picture.leading
        return Conclusion(
            key=f"{fault_type or 'fault'}-{entity}",
            entity=entity,
            fault_type=fault_type,
            statements=statements_of(investigation["report"]["document"], entity),
            plan=self._plan(incident_id),
            measures=tuple(each.text for each in advice if each.fits(fault)),
            alert=leading.name if leading else "",
            service=leading.service if leading else "",
            lang=self.settings.language,
        )

    @property
    def known(self) -> Known:
        """What lint knows."""
        return known_of_settings(self.settings, self.database)

    def _plan(self, incident_id: str) -> Plan | None:
        """The last plan of an incident that helped, else the last that is not known to have been wrong."""
        plans = PlanStore(self.database)
        done = plans.page(statuses=("succeeded",), incident_id=incident_id, limit=100).rows
        carried_out = [plan_of(row["document"]) for row in done]
        if helped := next((plan for plan in carried_out if plan.verifiable), None):
            return helped
        still = ("proposed", "approved", "running", "paused", "expired", "succeeded")
        rows = plans.page(statuses=still, incident_id=incident_id, limit=1).rows
        return plan_of(rows[0]["document"]) if rows else None

    def _made(
        self, base: Document, means: Means, material: Material, lang: Lang, *, confirmed: bool = False
    ) -> Made:
        """By a model where there is one and lint finds no error left; else by rules. With `confirmed`, its steps come after what confirms the fault."""
        by_rules = repaired(base, self.known)
        if self.speaker is None or not self.speaker.available:
            return Made(repaired=by_rules)
        proposed, model, problem = self._proposed(means, material, lang)
        if proposed is None:
            return Made(repaired=by_rules, why_rules=problem)
        document = workflow_of_proposal(proposed, base, means)
        made = repaired(behind(base, document) if confirmed else document, self.known)
        if wrong := next((each for each in made.remarks if each.weight == "error"), None):
            return Made(repaired=by_rules, why_rules=str(wrong))
        return Made(repaired=made, by=model)

    def _proposed(
        self, means: Means, material: Material, lang: Lang
    ) -> tuple[ProposedWorkflow | None, str, str]:
        """What a model proposes, its name, and why it proposes nothing."""
        assert self.speaker is not None  # noqa: S101 - asked for by the caller
        ledger: Ledger = self.speaker.ledger()
        reply = self.speaker.ask(
            Question(
                role=ROLE,
                instructions=prompt(ROLE, lang),
                text="Propose the steps.",
                result=ProposedWorkflow,
                material=(Material(text=material.text[:MOST_MATERIAL], provenance=material.provenance), _means_in_words(means)),
                tier="strong",
            ),
            ledger=ledger,
        )  # fmt: skip
        return reply.value, reply.model, reply.problem


def behind(base: Document, proposed: Document) -> Document:
    """What confirms a fault first, then the steps that were proposed, each only when something still holds."""
    own, more = base["workflow"], proposed["workflow"]
    taken = {each["name"] for each in own["steps"]}
    held = [_held(each) for each in more["steps"] if each["name"] not in taken]
    return {"workflow": {**more, "steps": own["steps"], "actions": held, "outputs": own.get("outputs", {})}}


def _held(step: Document) -> Document:
    """The step with its condition in its place, as people write them."""
    known = {key: step[key] for key in ("name", "title")}
    return {**known, "if": _both(HOLDS, step.get("if", "")), **{key: value for key, value in step.items() if key not in ("name", "title", "if")}}  # fmt: skip


def statements_of(document: Mapping[str, Any], entity: str) -> tuple[Statement, ...]:
    """The statements about an entity in a report that is kept, those that the conclusion rests on first, each with its checks."""
    rows = [row for row in document.get("evidence", ()) if row["entity"] == entity]
    ordered = sorted(rows, key=lambda row: (not row["cited"], -(row["weight"] or 0.0)))
    return tuple(
        Statement(
            kind=row["kind"], entity=entity, checks=tuple(_check(each["check"]) for each in row["checks"])
        )
        for row in ordered
    )


def means_of(settings: Settings, service: str) -> Means:
    """What a configuration has to do things with; an action only on the one target that is bound to the service."""
    known = known_of_settings(settings)
    actions = {}
    for spec in open_catalogue(settings.actions.executors).specs:
        targets = [
            Target(executor=each.executor, kind=each.kind, name=each.name, namespace=each.namespace)
            for each in settings.actions.targets
            if service and each.service == service and each.executor == spec.name.partition(".")[0] and each.kind in spec.kinds
        ]  # fmt: skip
        if len(targets) == 1:
            actions[spec.name] = (spec.parameters, targets[0])
    return Means(tools=known.tools or {}, receivers=known.receivers or (), actions=actions)


def _both(one: str, other: str) -> str:
    return f"{one} && ({other})" if other else one


def _means_in_words(means: Means) -> Material:
    """Tools, actions and receivers that there are, each with its arguments."""
    lines = [f"tool {name}: {_fields(schema)}" for name, schema in sorted(means.tools.items())]
    lines += [f"action {name} on {target.key}: {_fields(schema)}" for name, (schema, target) in sorted(means.actions.items())]  # fmt: skip
    lines.append(f"receivers: {', '.join(means.receivers) or 'none'}")
    return Material(text="\n".join(lines)[:MOST_MATERIAL], provenance="what there is to do steps with")


def _fields(schema: Mapping[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    names = [f"{name}{' (required)' if name in needed else ''}" for name in schema.get("properties", {})]
    return (", ".join(names) or "no arguments")[:TOOL_WORDS]


def _check(kept: Mapping[str, Any]) -> Check:
    against = kept.get("against")
    return Check(**{**kept, "query": _query(kept["query"]), "against": _query(against) if against else None})


def _query(kept: Mapping[str, Any]) -> Query:
    window = kept.get("window")
    where = tuple((column, value) for column, value in kept["where"])
    return Query(**{**kept, "where": where, "window": Window(**window) if window else None})
