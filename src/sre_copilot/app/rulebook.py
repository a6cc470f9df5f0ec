"""The rules by which actions are judged, as the configuration and its files of policies say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.decision.approval.model import service_of
from sre_copilot.decision.assess import Rulebook, rulings_now
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.record import Standing
from sre_copilot.decision.ruling import Verdict, strictest_of
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.decision.trial import Offered, Tried, try_all
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import ActionSpec, Mode, Plan, PlanStep, RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database

LABELS = ("severity", "priority")
LARGEST = 1_000_000  # bytes of a file; a thousand rules with their tests have some hundred thousand


def rulebook_of(settings: Settings) -> Rulebook:
    """The rules of a configuration; every file has passed its own tests.

    Raises
    ------
    SettingsError : names the file, the line and the way out; or the tests that failed
    """
    read = []
    for place, file in enumerate(settings.decision.policies):
        policies = read_policies(file)
        if failed := [each for each in try_all(policies) if not each.passed]:
            said = "; ".join(failure(each) for each in failed)
            raise SettingsError(
                f"decision.policies.{place}: {file} fails its own tests: {said}. `sre-copilot policy test {file}` shows why."
            )
        read.append(policies)
    return Rulebook(risk=settings.risk, decision=settings.decision, policies=Policies.together(read))


def offered_by(settings: Settings) -> Offered | None:
    """What the configured executors can do; None without any: then nothing is known of what may be meant.

    Raises
    ------
    SettingsError : when an executor cannot be made
    """
    specs = open_catalogue(settings.actions.executors).specs
    return Offered(specs) if specs else None


def read_policies(file: Path) -> Policies:
    """The policies of a file.

    Raises
    ------
    SettingsError : everything that is wrong, each with file, line, path and the way out
    """
    try:
        if file.stat().st_size > LARGEST:
            raise SettingsError(f"{file}: is larger than {LARGEST:,} bytes. Name a file of policies.")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}. Name another file.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is no UTF-8 text. Save it as UTF-8.") from None
    return Policies.read(text, str(file))


def failure(tried: Tried) -> str:
    """What came otherwise than a test expects."""
    wrong = ", ".join(f"{name} is {found}, expected {wanted}" for name, wanted, found in tried.wrong)
    return f"{tried.test.name!r}: {wrong}"


def frozen_by(rules: Rulebook) -> Callable[[Plan, float], Message | None]:
    """Why a plan may not be carried out at a time, for a freeze on one of its targets; one that only reads always may."""

    def judgement(plan: Plan, now: float) -> Message | None:
        if plan.risk.level <= RiskLevel.LOW:
            return None
        found = (rules.freeze_at(now, step.action.target) for step in plan.steps)
        return next((each.message for each in found if each is not None), None)

    return judgement


def ruling_by(
    rules: Rulebook,
    specs: Callable[[], Sequence[ActionSpec]],
    standing: Callable[[str, str], Standing],
    labels: Callable[[str], Mapping[str, str]],
) -> Callable[[Plan, float], Verdict]:
    """What black list, policies and autonomy ask for a plan now, whatever they asked for when it was made: the strictest of all its steps.

    Parameters
    ----------
    specs : the catalogue as it is now
    standing : what came of an action (its name) against a fault type
    labels : those of an incident, by its id
    """

    def judgement(plan: Plan, now: float) -> Verdict:
        known, told = {each.name: each for each in specs()}, labels(plan.incident_id)
        return strictest_of(
            rulings_now(
                ActionSituation(
                    action=step.action,
                    spec=known.get(step.action.name) or _unlisted(plan, step),
                    confidence=plan.confidence,
                    standing=standing(step.action.name, plan.fault_type),
                    service=service_of(plan, step),
                    labels=told,
                    fault_type=plan.fault_type,
                ),
                rules=rules,
                now=now,
            )
            for step in plan.steps
        )

    return judgement


def labels_of(database: Database, incident_id: str) -> dict[str, str]:
    """What rules may ask of an incident."""
    row = AlertRecords(database).incident(incident_id) if incident_id else None
    return {name: str(row[name]) for name in LABELS if row and row.get(name)}


def _unlisted(plan: Plan, step: PlanStep) -> ActionSpec:
    """What is known of an action that is in the catalogue no more."""
    return ActionSpec(
        name=step.action.name,
        level=plan.risk.level,
        parameters={},
        kinds=(step.action.target.kind,),
        does=step.expected,
        reversible=step.reversible,
        exactly_once=False,
    )


def trusted_by(rules: Rulebook, standing: Callable[[str, str], Standing]) -> Callable[[Plan, float], bool]:
    """Whether a plan that was judged `auto` still may begin without a person: what can have changed since is looked at again.

    Parameters
    ----------
    standing : what came of an action (its name) against a fault type, as it is known now; one that has failed meanwhile is trusted no more
    """
    needed = rules.decision.autonomy.cases_after_failure
    frozen = frozen_by(rules)

    def judgement(plan: Plan, now: float) -> bool:
        risk = plan.risk
        if (
            not rules.risk.auto_remediation_enabled
            or risk.mode != Mode.AUTO
            or risk.forbidden
            or risk.four_eyes
        ):
            return False
        if risk.level <= RiskLevel.LOW:
            return True
        actions = [step.action for step in plan.steps]
        return (
            risk.level < RiskLevel.HIGH
            and frozen(plan, now) is None
            and all(rules.care_at(now, each.target) is None for each in actions)
            and not any(standing(each.name, plan.fault_type).failed_lately(needed) for each in actions)
        )

    return judgement
