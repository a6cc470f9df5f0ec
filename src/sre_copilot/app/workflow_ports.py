"""The ports of workflows on the product: its toolbox, its telemetry, its receivers, its models, its plans."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from sre_copilot.action.executor import ActionError
from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.toolbox import registered_tools, schema_of
from sre_copilot.app.acting import ActingDesk
from sre_copilot.app.desk import Desk
from sre_copilot.app.workflow_reading import answered, checked
from sre_copilot.app.workflow_tool import RUN_WORKFLOW
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Check
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import OVER, Action, Target
from sre_copilot.errors import UsageError
from sre_copilot.llm.speaking import Material, Question
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import PlanStore
from sre_copilot.workflows.ports import Answered, Asker, PlanState, Proposal, Thought, Told
from sre_copilot.workflows.triggers import WHO

OF_WORKFLOWS = "workflow/"  # how the keys of their plans begin
MOST_KEY = 200  # characters
ROLE = "workflow"  # the name of the instructions that a model is given


@dataclass
class DeskTools:
    """Tools on the live sources, with the role of whoever the run is for."""

    desk: Desk

    def names(self) -> Sequence[str]:
        """Tools there are."""
        return tuple(sorted(self._tools))

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of a tool's arguments."""
        tool = self._tools.get(name)
        return schema_of(tool) if tool is not None else None

    def use(self, name: str, arguments: Mapping[str, Any], *, asker: Asker) -> Answered:
        """Call a tool; a workflow is none, so that none goes round by way of a tool."""
        if name == RUN_WORKFLOW:
            return Answered(outcome="error", problem=f"{name}: is for agents. Use a step of type `workflow`.")
        with self.desk.opened(cast("Role", asker.role), self.desk.service.settings.language) as found:
            return answered(found.toolbox.use(name, arguments))

    @cached_property
    def _tools(self) -> Mapping[str, Any]:
        found = {**registered_tools(), **self.desk.equipment.tools.tools}
        return {name: tool for name, tool in found.items() if name != RUN_WORKFLOW}


@dataclass
class DeskChecks:
    """Statements on the live sources."""

    desk: Desk

    def check(self, check: Check, *, asker: Asker) -> Answered:
        """Read the window of the statement, and evaluate it."""
        with self.desk.opened(cast("Role", asker.role), self.desk.service.settings.language) as found:
            return checked(check, found.scene)


@dataclass
class StoredTell:
    """People are told as they are of incidents: a notification for each receiver, carried by the deliveries."""

    database: Database
    known: Sequence[str]
    clock: Clock

    def receivers(self) -> Sequence[str]:
        """Receivers there are."""
        return tuple(self.known)

    def tell(self, receivers: Sequence[str], told: Told, *, key: str) -> int:
        """Keep a notification for each; a key that is there is told already."""
        if unknown := sorted(set(receivers) - set(self.known)):
            raise UsageError(
                f"receiver {unknown[0]!r}: is not configured. Receivers are: {', '.join(self.known) or 'none'}."
            )
        now = self.clock.now()
        notes = [self._note(receiver, told, key, now) for receiver in dict.fromkeys(receivers)]
        with self.database.write() as connection:
            NotificationStore(self.database).insert(connection, notes)
        return len(notes)

    def _note(self, receiver: str, told: Told, key: str, now: float) -> Notification:
        params = {"workflow": told.workflow, "run": told.run, "text": told.text or told.title}
        content = {
            "title": told.title, "severity": told.severity, "links": dict(told.links),
            "summary": [{"key": "workflow.told", "params": params}],
        }  # fmt: skip
        return Notification(
            key=f"workflow/{key}/{receiver}",
            group=f"workflow/{told.run}",
            receiver=receiver,
            state="updated",
            sequence=1,
            created_at=now,
            content=content,
        )


class ModelAnswer(BaseModel):
    """What a model answers."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(min_length=1, max_length=8_000)


@dataclass
class DeskModel:
    """A question to the configured models."""

    desk: Desk

    def ask(
        self,
        question: str,
        material: Mapping[str, Any],
        *,
        choices: Sequence[str] = (),
        model: str = "",
        asker: Asker,
    ) -> Thought | None:
        """The answer; None when no model is configured or none answers. What the workflow's author wrote is the question, what steps gave is material."""
        speaker = self.desk.equipment.speaker
        if not speaker.available:
            return None
        allowed = f"\nAnswer with exactly one of: {', '.join(choices)}" if choices else ""
        given = tuple(
            Material(text=str(value)[:20_000], provenance=f"step {name}") for name, value in material.items()
        )
        reply = speaker.ask(
            Question(
                role=ROLE, instructions=prompt(ROLE, self.desk.service.settings.language), text=question + allowed, result=ModelAnswer,
                material=given, tier="strong" if model == "strong" else "fast",
            ),
            ledger=speaker.ledger(),
        )  # fmt: skip
        return Thought(answer=reply.value.answer, model=reply.model) if reply.value is not None else None


@dataclass
class DeskDecide:
    """Plans of one action, which wait for an approver like those of a person."""

    desk: ActingDesk
    plans: PlanStore

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """Propose it, once for each key; the action is checked against the catalogue."""
        made = Action(
            name=proposal.action, target=self._target(proposal.target), parameters=dict(proposal.parameters)
        )
        try:
            action = self.desk.catalogue.check(made)
        except ActionError as error:
            raise UsageError(str(error)) from None
        # whoever started the run is the requester, so that nobody approves their own wish by way of a workflow
        who = f"workflow {proposal.asker.workflow}" if proposal.asker.who == WHO else proposal.asker.who
        return self.desk.propose(
            action, who=who, plans=self.plans, reason=proposal.reason, key=plan_key(key)
        ).id

    def outcome(self, plan_id: str) -> PlanState:
        """How it stands."""
        kept = self.plans.get(plan_id)
        if kept is None:
            return PlanState(
                plan_id=plan_id, status="cancelled", over=True, reason="the plan is not there any more"
            )
        return PlanState(plan_id=plan_id, status=kept.status, over=kept.status in OVER, reason=kept.reason)

    def withdraw(self, plan_id: str, *, who: str) -> None:
        """Take it back, where nobody has decided on it yet."""
        reason = f"taken back by {who}"
        self.plans.set_status(
            plan_id, "cancelled", expected="proposed", who=who, at=self.desk.clock.now(), reason=reason
        )

    def withdraw_all(self, run: str, *, who: str) -> None:
        """The same for all that a run has proposed, also what it does not know of: it may end while it proposes."""
        for plan_id in self.plans.under_way(f"{OF_WORKFLOWS}{run}/"):
            self.withdraw(plan_id, who=who)

    def names(self) -> Sequence[str]:
        """Names of actions."""
        return tuple(each.name for each in self.desk.catalogue.specs)

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of an action's parameters."""
        return next((each.parameters for each in self.desk.catalogue.specs if each.name == name), None)

    def _target(self, target: Target) -> Target:
        """With the environment that the configuration knows of it; what a workflow says of that counts only where nothing is configured."""
        for each in self.desk.settings.actions.targets:
            if (each.executor, each.kind, each.namespace, each.name) == (
                target.executor,
                target.kind,
                target.namespace,
                target.name,
            ):
                return replace(target, environment=each.environment)
        return replace(target, environment="")


def plan_key(effect: str) -> str:
    """The key of a plan that a step proposes: it names the run, and is no longer than a key may be."""
    run, _, label = effect.partition("/")
    if len(effect) + len(OF_WORKFLOWS) > MOST_KEY:
        label = hashlib.blake2b(label.encode(), digest_size=16).hexdigest()
    return f"{OF_WORKFLOWS}{run}/{label}"


def run_of(key: str) -> str:
    """The run that proposed a plan, by the plan's key."""
    return key.removeprefix(OF_WORKFLOWS).partition("/")[0]
