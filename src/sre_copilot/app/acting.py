"""What may be done to other systems, as people ask for it: the catalogue, previews, plans of one action, and the kill switch. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

from sre_copilot.action.catalogue import Catalogue, open_catalogue
from sre_copilot.action.executor import ActionError, Preview
from sre_copilot.action.switch import Standing, Switch
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import (
    Action,
    ActionSpec,
    Mode,
    Plan,
    PlanStep,
    Risk,
    RiskLevel,
    RiskPart,
    Target,
)
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.document import Settings
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.outcomes import Outcomes
from sre_copilot.store.remediation import Remediations

DAY_S = 86_400.0
LEVEL_RISK = {RiskLevel.LOW: 0.1, RiskLevel.MEDIUM: 0.6, RiskLevel.HIGH: 0.8, RiskLevel.CRITICAL: 1.0}
"""What the kind of an action alone says, where nothing else was judged: whatever changes something is at least in the band that needs an approver."""
WISHES = ("pause", "resume", "cancel")


class Proposes(Protocol):
    """Where plans are kept."""

    def propose(self, plan: Plan, *, key: str = "") -> Plan:
        """Keep a plan under the next free id."""
        ...


@dataclass
class ActingDesk:
    """Answers for actions; executors are made when they are asked for first."""

    settings: Settings
    database: Database
    clock: Clock

    def __post_init__(self) -> None:
        self.switch = Switch(self.database, AuditChain(self.database), self.clock)
        self.rows = Remediations(self.database)

    @cached_property
    def catalogue(self) -> Catalogue:
        """All that is configured."""
        return open_catalogue(self.settings.actions.executors)

    def specs(self, lang: Language) -> list[dict[str, Any]]:
        """Every action with what is known of it beforehand."""
        return [spec_row(spec, lang) for spec in self.catalogue.specs]

    def action(self, name: str, target: str, parameters: Mapping[str, Any]) -> Action:
        """An action as people name it: a service that `actions.targets` binds, or `KIND/NAME`, `KIND/NAMESPACE/NAME`.

        Raises
        ------
        UsageError : names what cannot be used, and the way out
        """
        executor = name.partition(".")[0]
        made = Action(name=name, target=self._target(executor, target), parameters=dict(parameters))
        try:
            return self.catalogue.check(made)
        except ActionError as error:
            raise UsageError(str(error)) from None

    def preview(self, action: Action) -> Preview:
        """What it would do now; nothing is changed.

        Raises
        ------
        UsageError : when the system refuses, or does not answer
        """
        try:
            return self.catalogue.executor(action).preview(action)
        except ActionError as error:
            raise UsageError(str(error)) from None

    def propose(self, action: Action, *, who: str, plans: Proposes, reason: str = "", key: str = "") -> Plan:
        """Make a plan of one action, which waits for an approver whoever asks for it."""
        spec, now = self.catalogue.spec(action.name), self.clock.now()
        return plans.propose(plan_of(action, spec, who=who, reason=reason, now=now), key=key)

    def standing(self) -> Standing:
        """How the kill switch stands."""
        return self.switch.standing()

    def wish(self, plan_id: str, wish: str, *, who: str) -> bool:
        """Pause a plan, let it go on, or call it off; the worker that is at it does so before its next step.

        Raises
        ------
        UsageError : when the plan was never begun
        """
        if self.rows.get(plan_id) is None:
            raise UsageError(f"plan {plan_id[:40]!r}: is not being carried out")
        now = self.clock.now()
        asked = self.rows.ask(plan_id, wish, who=who, now=now)
        outcome = "done" if asked else "refused"
        AuditChain(self.database).note(who, f"plan.{wish}", plan_id, outcome=outcome, at=now)
        return asked

    def _target(self, executor: str, given: str) -> Target:
        for each in self.settings.actions.targets:
            if each.service == given and each.executor == executor:
                return Target(
                    executor=executor, kind=each.kind, name=each.name, namespace=each.namespace, environment=each.environment,
                )  # fmt: skip
        kind, *rest = given.split("/", 2)
        if not rest or not all(rest):
            raise UsageError(
                f"target: {given[:80]!r} is no service of actions.targets; name one, or write KIND/NAME or KIND/NAMESPACE/NAME"
            )
        return Target(executor=executor, kind=kind, name=rest[-1], namespace=rest[0] if len(rest) > 1 else "")


def open_desk(settings: Settings, database: Database, clock: Clock | None = None) -> ActingDesk:
    """The desk of a configuration."""
    return ActingDesk(settings, database, clock or SystemClock())


def plan_of(action: Action, spec: ActionSpec, *, who: str, reason: str, now: float) -> Plan:
    """One action as a plan; its risk is that of its kind, as nothing else is known of a single wish, and it is never carried out without an approver."""
    score = LEVEL_RISK[spec.level]
    kind = RiskPart(name="kind", value=score, weight=1.0, reason=spec.does)
    risk = Risk(
        score=score,
        level=spec.level,
        parts=(kind,),
        mode=Mode.MANUAL if spec.level >= RiskLevel.CRITICAL else Mode.SEMI_AUTO,
        four_eyes=spec.level >= RiskLevel.CRITICAL,
    )
    step = PlanStep(
        id="s1",
        action=action,
        expected=spec.does,
        timeout_seconds=spec.timeout_seconds,
        reversible=spec.reversible,
    )
    said = (("action", action.name), ("target", action.target.key), ("reason", reason[:300]))
    return Plan(
        id="",
        created_at=now,
        strategy="single_action",
        title=Message(key="acting.single", params=said),
        steps=(step,),
        risk=risk,
        requester=who,
        expires_at=now + DAY_S,
        origin="person",
        entity=action.target.name,
        verify_seconds=0.0,
    )


def spec_row(spec: ActionSpec, lang: Language) -> dict[str, Any]:
    """An entry of the catalogue, to be shown."""
    return {
        "name": spec.name,
        "does": say(spec.does, lang),
        "level": spec.level.name,
        "kinds": list(spec.kinds),
        "reversible": spec.reversible,
        "exactly_once": spec.exactly_once,
        "fenced": spec.fenced,
        "idempotent": spec.idempotent,
        "data_loss": spec.data_loss,
        "timeout_seconds": spec.timeout_seconds,
        "parameters": dict(spec.parameters),
    }


def preview_row(action: Action, preview: Preview, lang: Language) -> dict[str, Any]:
    """A preview, to be shown."""
    return {
        "action": action.name,
        "target": asdict(action.target),
        "parameters": dict(action.parameters),
        "before": dict(preview.before),
        "after": dict(preview.after),
        "difference": list(preview.difference),
        "objections": [say(each, lang) for each in preview.objections],
        "checked_by_target": preview.checked_by_target,
        "dry_run": True,
    }


def records(database: Database) -> list[dict[str, Any]]:
    """How often each action has helped."""
    found = Outcomes(database).records()
    names = ("action", "fault_type", "service")
    return [{**dict(zip(names, key, strict=True)), **asdict(each)} for key, each in found.items()]
