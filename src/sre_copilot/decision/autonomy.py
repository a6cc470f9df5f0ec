"""Whether an action has earned to run without a person: switched on, allowed by name, proven, and not failed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sre_copilot.decision.environment import lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.decision.ruling import Ruling, ruling
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.plan import Mode
from sre_copilot.settings.acting.decision import AutonomousAction, Autonomy, EnvironmentClass, Risk

ASKS = Mode.SEMI_AUTO


def allowed(
    situation: ActionSituation, autonomy: Autonomy, known: Mapping[str, EnvironmentClass]
) -> AutonomousAction | None:
    """The entry that lets an action earn autonomy; None when nobody wrote one."""
    action = situation.action
    return next(
        (
            each
            for each in autonomy.actions
            if fits(action.name, (each.action,)) and lies_in(action.target, each.environments, known)
        ),
        None,
    )


def by_autonomy(
    situation: ActionSituation,
    risk: Risk,
    autonomy: Autonomy,
    *,
    known: Mapping[str, EnvironmentClass],
    by_policy: str = "",
) -> Iterator[Ruling]:
    """Everything that is missing for autonomy; what is complete says so.

    Parameters
    ----------
    known : what environments are
    by_policy : name of the policy that allows it, as an entry of the configuration would, with the usual demands on the record
    """
    name = situation.spec.name
    entry = allowed(situation, autonomy, known) or (AutonomousAction(action="*") if by_policy else None)
    missing = list(_missing(situation, risk, autonomy, entry))
    if missing:
        yield from missing
        return
    record = situation.standing.record
    yield ruling("earned", action=name, good=record.good, total=record.total)


def _missing(
    situation: ActionSituation, risk: Risk, autonomy: Autonomy, entry: AutonomousAction | None
) -> Iterator[Ruling]:
    name = situation.spec.name
    if not risk.auto_remediation_enabled:
        yield ruling("autonomy.off", ASKS)
        return
    if situation.changes and not situation.spec.exactly_once:
        yield ruling("autonomy.at_least_once", ASKS, action=name)
    if entry is None:
        yield ruling("autonomy.not_allowed", ASKS, action=name)
    elif situation.changes:  # a reading has no effect that could prove itself
        yield from _unproven(situation, autonomy, entry)


def _unproven(situation: ActionSituation, autonomy: Autonomy, entry: AutonomousAction) -> Iterator[Ruling]:
    name, standing = situation.spec.name, situation.standing
    record = standing.record
    if standing.failed_lately(autonomy.cases_after_failure):
        yield ruling(
            "autonomy.failed",
            ASKS,
            action=name,
            since_failure=standing.since_failure or 0,
            needed=autonomy.cases_after_failure,
        )
    if record.total < entry.minimum_cases:
        yield ruling("autonomy.few", ASKS, action=name, total=record.total, needed=entry.minimum_cases)
    elif entry.minimum_cases and standing.certain < entry.minimum_success:
        yield ruling(
            "autonomy.unproven",
            ASKS,
            action=name,
            good=record.good,
            total=record.total,
            certain=standing.certain,
            needed=entry.minimum_success,
        )
