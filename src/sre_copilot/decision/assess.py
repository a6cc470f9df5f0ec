"""The judgement of an action: its risk with all parts, and who must agree, by the strictest of all rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sre_copilot.decision.autonomy import by_autonomy
from sre_copilot.decision.bands import by_diagnosis, by_kind, by_score
from sre_copilot.decision.blacklist import black_listed
from sre_copilot.decision.environment import class_of
from sre_copilot.decision.freeze import Freeze, care_at, freeze_at
from sre_copilot.decision.policy.matching import allowing, fitting, rulings
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.risk import parts_of, score
from sre_copilot.decision.ruling import Ruling, Verdict, strictest
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.plan import Mode, Risk, Target
from sre_copilot.errors import UsageError
from sre_copilot.settings.acting.decision import Decision
from sre_copilot.settings.acting.decision import Risk as RiskSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Everything by which is judged: the keys `risk` and `decision`, and the policies of all files."""

    risk: RiskSettings = field(default_factory=RiskSettings)
    decision: Decision = field(default_factory=Decision)
    policies: Policies = field(default_factory=Policies)

    def freeze_at(self, now: float, target: Target) -> Freeze | None:
        """The freeze in which a target may not be changed."""
        return freeze_at(now, target, windows=self.decision.freezes, known=self.decision.environments)

    def care_at(self, now: float, target: Target) -> Freeze | None:
        """The time of care in which a person must agree to a change."""
        return care_at(now, target, windows=self.decision.freezes, known=self.decision.environments)


def assess(situation: ActionSituation, *, rules: Rulebook, now: float) -> Risk:
    """Judge an action at a time.

    The mode is the strictest that score, kind, diagnosis, black list, freezes, policies and autonomy ask for; `reasons` are the sentences of those that decided.

    Raises
    ------
    UsageError : when the entry of the catalogue is that of another action
    """
    if situation.spec.name != situation.action.name:
        raise UsageError(
            f"action {situation.action.name}: the entry given is {situation.spec.name}; look it up in the catalogue"
        )
    target = situation.action.target
    frozen = rules.freeze_at(now, target) if situation.changes else None
    care = rules.care_at(now, target) if situation.changes else None
    environment = class_of(target, rules.decision.environments)
    parts = parts_of(situation, environment, frozen or care)
    total = score(parts)
    found = strictest(
        (
            by_score(total, rules.risk),
            *by_kind(situation, environment),
            *by_diagnosis(situation, rules.risk),
            *black_listed(situation.action, rules.decision.black_list, rules.decision.environments),
            *_by_time(frozen, care),
            *_by_rules(situation, rules, now),
        )
    )
    return Risk(
        score=total,
        level=situation.level,
        parts=parts,
        mode=found.mode,
        reasons=found.reasons,
        four_eyes=found.four_eyes,
        forbidden=found.forbidden,
    )


def rulings_now(situation: ActionSituation, *, rules: Rulebook, now: float) -> Verdict:
    """What black list, policies and autonomy ask for at a time, without the score: for what was judged before, and may have to be judged otherwise now."""
    listed = black_listed(situation.action, rules.decision.black_list, rules.decision.environments)
    return strictest((*listed, *_by_rules(situation, rules, now)))


def together(risks: Sequence[Risk]) -> Risk:
    """The risk of a plan: score and parts of its riskiest step, of everything else the strictest.

    Steps do not add up: they share environment, time, diagnosis and mostly the target, which would be counted again and again.

    Raises
    ------
    ValueError : without a step
    """
    worst = max(risks, key=lambda each: each.score)
    forbidden = any(each.forbidden for each in risks)
    mode = max(each.mode for each in risks)
    deciding = [
        each for each in risks if (each.forbidden if forbidden else each.mode == mode or each.four_eyes)
    ]
    return Risk(
        score=worst.score,
        level=max(each.level for each in risks),
        parts=worst.parts,
        mode=mode,
        reasons=tuple(dict.fromkeys(reason for each in deciding for reason in each.reasons)),
        four_eyes=any(each.four_eyes for each in risks),
        forbidden=forbidden,
    )


def _by_time(frozen: Freeze | None, care: Freeze | None) -> Iterator[Ruling]:
    if frozen is not None:
        yield Ruling(message=frozen.message, forbidden=True)
    if care is not None:
        yield Ruling(message=care.message, mode=Mode.SEMI_AUTO)


def _by_rules(situation: ActionSituation, rules: Rulebook, now: float) -> Iterator[Ruling]:
    """What policies ask for, and what is missing for autonomy, which one of them may allow."""
    environments = rules.decision.environments
    fit = fitting(rules.policies.rules, situation, now, known=environments)
    yield from rulings(fit)
    yield from by_autonomy(
        situation, rules.risk, rules.decision.autonomy, known=environments, by_policy=allowing(fit)
    )
