"""Which rules fit a situation, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sre_copilot.decision.environment import lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.decision.policy.model import DAYS, Hours, Policy, When, level_of
from sre_copilot.decision.ruling import Ruling
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode
from sre_copilot.settings.acting.decision import EnvironmentClass

Environments = Mapping[str, EnvironmentClass]
NONE: Environments = {}


def fitting(
    rules: Iterable[Policy], situation: ActionSituation, now: float, *, known: Environments = NONE
) -> tuple[Policy, ...]:
    """The rules that fit, in their order; `known` says what environments are."""
    return tuple(each for each in rules if _fits(each.when, situation, now, known))


def rulings(fitting_rules: Iterable[Policy]) -> Iterator[Ruling]:
    """What they ask for; permission of autonomy asks for nothing, but is told where it counted."""
    for rule in fitting_rules:
        params = (("policy", rule.name), ("because", rule.because))
        yield Ruling(
            message=Message(key=f"decision.policy.{rule.effect}", params=params),
            mode=Mode[rule.mode.upper()] if rule.mode else Mode.AUTO,
            four_eyes=rule.effect == "four_eyes",
            forbidden=rule.effect == "forbid",
        )


def allowing(fitting_rules: Iterable[Policy]) -> str:
    """Name of the first rule that allows autonomy; '' when none does."""
    return next((each.name for each in fitting_rules if each.effect == "allow_auto"), "")


def within(hours: Hours, now: float) -> bool:
    """Whether a moment lies in hours, by the clock on the wall."""
    here = datetime.fromtimestamp(now, ZoneInfo(hours.time_zone))
    clock = f"{here:%H:%M}"
    today = DAYS[here.weekday()] in hours.days
    if hours.start < hours.end:
        return today and hours.start <= clock < hours.end
    yesterday = DAYS[(here - timedelta(days=1)).weekday()] in hours.days
    return (today and clock >= hours.start) or (yesterday and clock < hours.end)


def _fits(when: When, situation: ActionSituation, now: float, known: Environments) -> bool:
    return (
        _named(when, situation, known)
        and all(fits(situation.labels.get(name, ""), (pattern,)) for name, pattern in when.labels.items())
        and _levels(when, situation)
        and (when.hours is None or within(when.hours, now))
        and (when.outside_hours is None or not within(when.outside_hours, now))
        and _numbers(when, situation)
    )


def _named(when: When, situation: ActionSituation, known: Environments) -> bool:
    target = situation.action.target
    return (
        fits(situation.action.name, when.actions)
        and fits(target.key, when.targets)
        and lies_in(target, when.environments, known)
        and fits(target.namespace, when.namespaces)
        and fits(situation.service, when.services)
        and fits(situation.fault_type, when.faults)
    )


def _levels(when: When, situation: ActionSituation) -> bool:
    low, high = when.level_at_least, when.level_at_most
    return (low is None or situation.level >= level_of(low)) and (
        high is None or situation.level <= level_of(high)
    )


def _numbers(when: When, situation: ActionSituation) -> bool:
    certainty = 0.0 if situation.inconclusive else situation.certainty
    certain, total = situation.standing.certain, situation.standing.record.total
    return (
        (when.confidence_below is None or certainty < when.confidence_below)
        and (when.confidence_at_least is None or certainty >= when.confidence_at_least)
        and (when.cases_below is None or total < when.cases_below)
        and (when.success_below is None or certain < when.success_below)
        and (when.success_at_least is None or certain >= when.success_at_least)
    )
