"""What may be done to other systems, as people ask for it: the catalogue, previews, plans of one action, and the kill switch. Nothing here has an effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from sre_copilot.action.catalogue import Catalogue, open_catalogue
from sre_copilot.action.executor import ActionError, Preview
from sre_copilot.action.switch import Standing, Switch
from sre_copilot.app.rulebook import rulebook_of
from sre_copilot.app.sentences import register_sentences
from sre_copilot.app.wish_judged import judged_row, limits_met
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.decision.assess import Rulebook, assess
from sre_copilot.decision.planning.binding import actions_of, is_pattern, service_of, targets_of
from sre_copilot.decision.planning.model import Estate
from sre_copilot.decision.record import standing_of
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import (
    Action,
    ActionSpec,
    Mode,
    Plan,
    PlanStep,
    Risk,
    Target,
)
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.outcomes import Outcomes
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered
from sre_copilot.store.plans import plan_of as plan_kept
from sre_copilot.store.remediation import Remediations, ask

DAY_S = 86_400.0


class Proposes(Protocol):
    """Where plans are kept."""

    def propose(self, plan: Plan, *, key: str = "") -> Plan:
        """Keep a plan under the next free id."""
        ...


class Keeps(Protocol):
    """Where plans are read."""

    def all_of(self, statuses: Collection[str]) -> tuple[Row, ...]:
        """Every plan of some statuses, the earliest first."""
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

    @cached_property
    def estate(self) -> Estate:
        """What can be done to what."""
        actions = self.settings.actions
        specs = {each.name: each for each in self.catalogue.specs}
        return Estate(specs=specs, bindings=tuple(actions.targets), repairs=tuple(actions.repairs))

    @cached_property
    def rules(self) -> Rulebook:
        """By what actions are judged."""
        return rulebook_of(self.settings)

    def specs(self, lang: Language) -> list[dict[str, Any]]:
        """Every action with what is known of it beforehand."""
        return [{**spec_row(spec, lang), "targets": self._targets_of(spec)} for spec in self.catalogue.specs]

    def action(self, name: str, target: str, parameters: Mapping[str, Any]) -> Action:
        """An action as people name it: a service that `actions.targets` binds, or `KIND/NAME`, `KIND/NAMESPACE/NAME`.

        Raises
        ------
        UsageError : names what cannot be used, and the way out
        """
        made = Action(name=name, target=self._target(name, target), parameters=dict(parameters))
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

    def propose(
        self,
        action: Action,
        *,
        who: str,
        plans: Proposes,
        reason: str = "",
        key: str = "",
        incident: str = "",
    ) -> Plan:
        """Make a plan of one action, which waits for an approver whoever asks for it.

        Parameters
        ----------
        incident : the incident, by its id or number, during which it is done

        Raises
        ------
        UsageError : when nobody may do that, with the reason, and the audit says who wanted it; when there is no such incident, or the target does not answer
        """
        spec, now = self.catalogue.spec(action.name), self.clock.now()
        risk = self.risk(action, spec, now=now)
        if risk.forbidden:
            because = " ".join(say(each, self.settings.language) for each in risk.reasons)
            detail = {"action": action.name, "target": action.target.key, "reason": because}
            chain = AuditChain(self.database)
            chain.note(who, "plan.propose", action.target.key, outcome="refused", detail=detail, at=now)
            raise UsageError(f"action {action.name} on {action.target.key}: {because}")
        made = plan_of(action, spec, risk=risk, service=self._service(action.target), who=who, reason=reason, now=now)  # fmt: skip
        step = replace(made.steps[0], state=self._state(action))
        return plans.propose(replace(made, steps=(step,), incident_id=self._incident(incident)), key=key)

    def waiting(self, action: Action, plans: Keeps) -> Plan | None:
        """The plan that does the same to the same target with the same parameters, and waits for an approver."""
        now = self.clock.now()
        found = (each for row in plans.all_of(("proposed",)) if (each := _readable(row)) is not None)
        return next((each for each in found if each.expires_at > now and does_only(each, action)), None)

    def risk(self, action: Action, spec: ActionSpec, *, now: float) -> Risk:
        """The judgement of an action that somebody wishes, by the same rules as of any other: nothing is known of a fault, and that counts as it does there."""
        outcomes = Outcomes(self.database).history(action.name, fault_type="")
        situation = ActionSituation(
            action=action,
            spec=spec,
            standing=standing_of(good for good, _ in outcomes),
            service=self._service(action.target),
        )
        return asked_for(assess(situation, rules=self.rules, now=now))

    def judgement(self, action: Action, lang: Language) -> dict[str, Any]:
        """Who would have to agree to it now, what forbids it, and which limits are reached; nothing is kept of it."""
        now = self.clock.now()
        risk = self.risk(action, self.catalogue.spec(action.name), now=now)
        met = limits_met(self.database, action, self.settings.actions.limits, now=now)
        return judged_row(risk, met, self.standing(), lang)

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
        with self.database.write() as connection:
            asked = ask(connection, plan_id, wish, who=who, now=now)
            outcome = "done" if asked else "refused"
            AuditChain.append(connection, who, f"plan.{wish}", plan_id, outcome, None, now)
        return asked

    def _target(self, name: str, given: str) -> Target:
        """What is meant: a service by its name, then a target as it is written, then a service that only a pattern fits."""
        executor = name.partition(".")[0]
        named = any(each.service == given for each in self.estate.bindings)
        kind, *rest = given.split("/", 2)
        if not named and rest and all(rest):
            namespace = rest[0] if len(rest) > 1 else ""
            return Target(executor=executor, kind=kind, name=rest[-1], namespace=namespace)
        here = [each for each in targets_of(given, self.estate) if each.executor == executor]
        found = (*actions_of(given, name, self.estate), *here)  # of several kinds that which the action takes
        if not found:
            raise UsageError(
                f"target: {given[:80]!r} is no service of actions.targets for {executor}; name one, or write KIND/NAME or KIND/NAMESPACE/NAME"
            )
        return found[0]

    def _targets_of(self, spec: ActionSpec) -> list[str]:
        """Services of `actions.targets` that it can be done to, as they are given for a target; a pattern names none."""
        named = dict.fromkeys(each.service for each in self.estate.bindings if not is_pattern(each.service))
        return [each for each in named if actions_of(each, spec.name, self.estate)]

    def _state(self, action: Action) -> str:
        """Digest of what is to be changed: whoever changes it before the plan is carried out is not overruled. '' where the executor shows no state."""
        try:
            return self.catalogue.executor(action).look(action).digest
        except ActionError as error:
            raise UsageError(str(error)) from None

    def _incident(self, key: str) -> str:
        found = AlertRecords(self.database).incident(key) if key else None
        if key and found is None:
            raise UsageError(f"incident {key[:40]!r}: there is none; name one of `sre-copilot incident list`")
        return str(found["id"]) if found else ""

    def _service(self, target: Target) -> str:
        """What the topology calls a target; '' where nobody knows."""
        return service_of(target, self.estate)


def open_desk(settings: Settings, database: Database, clock: Clock | None = None) -> ActingDesk:
    """The desk of a configuration."""
    register_sentences()
    return ActingDesk(settings, database, clock or SystemClock())


def asked_for(risk: Risk) -> Risk:
    """What a person wishes another person agrees to, whatever its risk."""
    if risk.mode > Mode.AUTO:
        return risk
    return replace(risk, mode=Mode.SEMI_AUTO, reasons=(*risk.reasons, Message(key="acting.asked_for")))


def plan_of(
    action: Action, spec: ActionSpec, *, risk: Risk, service: str, who: str, reason: str, now: float
) -> Plan:
    """One action as a plan."""
    step = PlanStep(
        id="s1",
        action=action,
        expected=spec.does,
        timeout_seconds=spec.timeout_seconds,
        reversible=spec.reversible,
        service=service,
    )
    said = (("action", action.name), ("target", action.target.key), ("reason", reason[:300]))
    return Plan(
        id="",
        created_at=now,
        strategy="single_action",
        title=Message(key="acting.single" if reason.strip() else "acting.single_plain", params=said),
        steps=(step,),
        risk=risk,
        requester=who,
        expires_at=now + DAY_S,
        origin="person",
        entity=service or action.target.name,
        verify_seconds=0.0,
    )


def does_only(plan: Plan, action: Action) -> bool:
    """Whether a plan is nothing but this action."""
    return [
        (each.action.name, each.action.target.key, dict(each.action.parameters)) for each in plan.steps
    ] == [(action.name, action.target.key, dict(action.parameters))]


def _readable(row: Row) -> Plan | None:
    try:
        plan = plan_kept(row["document"])
    except PlanAltered:  # it is never carried out: nobody waits for it
        return None
    return plan if plan.fingerprint == row["fingerprint"] else None


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
