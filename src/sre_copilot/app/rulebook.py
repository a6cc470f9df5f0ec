"""The rules by which actions are judged, as the configuration and its files of policies say them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.record import Standing
from sre_copilot.decision.trial import Offered, Tried, try_all
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan, RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings

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
