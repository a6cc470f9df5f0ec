from __future__ import annotations

from typing import Any

import pytest
from tests.unit.decision.situations import NOON, situation, spec, standing

from sre_copilot.decision.assess import Rulebook, assess, together
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.plan import Mode, Risk, RiskLevel
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import LANGUAGES, say
from sre_copilot.settings.acting.decision import (
    AutonomousAction,
    Autonomy,
    BlackListEntry,
    Decision,
)
from sre_copilot.settings.acting.decision import Risk as RiskSettings
from sre_copilot.settings.acting.freezes import FreezeWindow

TRUSTED = Autonomy(actions=[AutonomousAction(action="supervisor.restart")])


def rules(*, on: bool = True, policies: str = "", **decision: Any) -> Rulebook:
    return Rulebook(
        risk=RiskSettings(auto_remediation_enabled=on),
        decision=Decision(**{"autonomy": TRUSTED, **decision}),
        policies=Policies.read(policies, "p.yaml") if policies else Policies(),
    )


def judged(given: ActionSituation, book: Rulebook | None = None) -> Risk:
    found = assess(given, rules=book or rules(), now=NOON)
    for reason in found.reasons:
        for language in LANGUAGES:
            assert reason.key not in say(reason, language)
    return found


def keys(risk: Risk) -> list[str]:
    return [each.key.removeprefix("decision.") for each in risk.reasons]


def test_a_proven_repair_of_a_sure_cause_runs_by_itself_where_that_is_allowed() -> None:
    found = judged(situation())
    assert (found.mode, found.four_eyes, found.forbidden) == (Mode.AUTO, False, False)
    assert keys(found) == ["band.auto", "earned"]


def test_nothing_runs_by_itself_by_default() -> None:
    for level in RiskLevel:
        found = judged(situation(level), Rulebook())
        assert found.mode >= Mode.SEMI_AUTO
    assert "autonomy.off" in keys(judged(situation(), Rulebook()))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"inconclusive": True}, "inconclusive"),
        ({"confidence": 0.69}, "unsure"),
        ({"confidence": None}, "unsure"),
        ({"standing": standing(4, 4)}, "autonomy.few"),
        ({"standing": standing(60, 100, 40)}, "autonomy.unproven"),
        ({"standing": standing(98, 99, 2)}, "autonomy.failed"),
        ({"entry": {"exactly_once": False}}, "autonomy.at_least_once"),
    ],
)
def test_what_is_missing_for_autonomy_is_named(given: dict[str, Any], why: str) -> None:
    found = judged(situation(**given))
    assert found.mode == Mode.SEMI_AUTO
    assert why in keys(found)


def test_an_action_that_nobody_named_needs_a_person() -> None:
    assert keys(judged(situation(), rules(autonomy=Autonomy()))) == ["autonomy.not_allowed"]
    elsewhere = Autonomy(actions=[AutonomousAction(action="*", environments=["staging"])])
    assert judged(situation(), rules(autonomy=elsewhere)).mode == Mode.SEMI_AUTO


def test_after_a_failure_trust_comes_back_with_cases_that_went_well() -> None:
    assert judged(situation(standing=standing(98, 99, 0))).mode == Mode.SEMI_AUTO
    assert judged(situation(standing=standing(98, 99, 3))).mode == Mode.AUTO


def test_a_laboratory_may_let_an_action_run_without_a_record() -> None:
    lab = Autonomy(actions=[AutonomousAction(action="*", minimum_cases=0)])
    found = judged(situation(at={"environment": "lab"}, standing=standing(0, 0)), rules(autonomy=lab))
    assert found.mode == Mode.AUTO


@pytest.mark.parametrize("level", [RiskLevel.HIGH, RiskLevel.CRITICAL])
def test_what_cannot_be_undone_needs_a_person_whatever_its_score(level: RiskLevel) -> None:
    book = Rulebook(
        risk=RiskSettings(auto_remediation_enabled=True, auto_threshold=1.0, approval_threshold=1.0),
        decision=Decision(autonomy=TRUSTED),
    )
    found = judged(situation(level, at={"environment": "dev"}, standing=standing(500, 500)), book)
    assert found.mode == Mode.SEMI_AUTO
    assert found.four_eyes is (level == RiskLevel.CRITICAL)


def test_the_black_list_forbids_by_action_target_environment_and_namespace() -> None:
    entry = BlackListEntry(
        targets=["*/process/CART"], environments=["prod*"], because="It holds the carts of customers."
    )
    found = judged(situation(), rules(black_list=[entry]))
    assert (found.forbidden, found.mode, keys(found)) == (True, Mode.MANUAL, ["black_listed"])
    assert not judged(situation(at={"environment": "staging"}), rules(black_list=[entry])).forbidden
    unnamed = judged(situation(at={"environment": ""}), rules(black_list=[entry]))
    assert unnamed.forbidden  # what names no environment is production
    assert not judged(situation(at={"name": "search"}), rules(black_list=[entry])).forbidden
    named = BlackListEntry(namespaces=["pay"], actions=["supervisor.*"])
    assert judged(situation(at={"namespace": "pay"}), rules(black_list=[named])).forbidden


@pytest.mark.parametrize("name", ["", "prod", "PRD", "eu-7", "production"])
def test_what_forbids_production_forbids_it_under_every_name(name: str) -> None:
    here = situation(at={"environment": name})
    book = rules(black_list=[BlackListEntry(environments=["production"])], environments={"eu-8": "staging"})
    policy = "policies: [{name: p, when: {environments: [production]}, effect: forbid}]"
    freeze = FreezeWindow(
        name="f",
        starts_at="2026-01-07T00:00Z",
        ends_at="2026-01-08T00:00Z",
        environments=["production"],  # type: ignore[arg-type]
    )
    assert judged(here, book).forbidden
    assert judged(here, rules(policies=policy)).forbidden
    assert judged(here, rules(freezes=[freeze])).forbidden
    assert not judged(situation(at={"environment": "eu-8"}), book).forbidden


def test_a_freeze_forbids_changes_and_lets_read() -> None:
    freeze = FreezeWindow(name="sale", starts_at="2026-01-07T00:00Z", ends_at="2026-01-08T00:00Z")  # type: ignore[arg-type]
    book = rules(freezes=[freeze])
    found = judged(situation(), book)
    assert found.forbidden
    assert keys(found) == ["frozen"]
    reading = judged(situation(RiskLevel.LOW), book)
    assert (reading.forbidden, reading.mode) == (False, Mode.AUTO)


def test_a_time_of_care_needs_a_person_and_raises_the_risk() -> None:
    care = FreezeWindow(name="peak", starts_at="2026-01-07T00:00Z", ends_at="2026-01-08T00:00Z", effect="approval")  # type: ignore[arg-type]  # fmt: skip
    found, usual = judged(situation(), rules(freezes=[care])), judged(situation())
    assert (found.mode, found.forbidden) == (Mode.SEMI_AUTO, False)
    assert found.score > usual.score
    assert "care" in keys(found)


def test_of_policies_the_strictest_counts_wherever_it_stands() -> None:
    text = """
policies:
  - {name: may, when: {actions: [supervisor.*]}, effect: allow_auto}
  - {name: hand, when: {services: [cart]}, effect: require, mode: manual, because: It is old.}
  - {name: two, when: {environments: [production]}, effect: four_eyes}
"""
    found = judged(situation(), rules(policies=text))
    assert (found.mode, found.four_eyes) == (Mode.MANUAL, True)
    assert keys(found) == ["policy.require", "policy.four_eyes"]
    other = judged(situation(service="shop"), rules(policies=text))
    assert (other.mode, other.four_eyes) == (Mode.SEMI_AUTO, True)


def test_a_policy_may_let_an_action_earn_autonomy_and_overrules_nothing() -> None:
    text = "policies: [{name: may, when: {actions: [supervisor.*]}, effect: allow_auto}]"
    book = rules(policies=text, autonomy=Autonomy())
    assert judged(situation(), book).mode == Mode.AUTO
    assert judged(situation(standing=standing(1, 1)), book).mode == Mode.SEMI_AUTO
    assert judged(situation(RiskLevel.HIGH), book).mode == Mode.SEMI_AUTO
    assert judged(situation(), rules(on=False, policies=text)).mode == Mode.SEMI_AUTO


def test_a_plan_is_as_risky_as_its_riskiest_step_and_as_strict_as_its_strictest() -> None:
    mild, hard = judged(situation(at={"environment": "dev"})), judged(situation(RiskLevel.CRITICAL))
    both = together([mild, hard])
    assert (both.score, both.level, both.mode, both.four_eyes) == (hard.score, RiskLevel.CRITICAL, hard.mode, True)  # fmt: skip
    assert both.parts == hard.parts
    banned = judged(situation(), rules(black_list=[BlackListEntry(actions=["*"])]))
    assert together([mild, banned]).forbidden
    assert keys(together([mild, banned])) == ["black_listed"]


def test_an_entry_of_another_action_is_refused() -> None:
    wrong = situation(spec=spec(name="supervisor.stop"))
    with pytest.raises(UsageError, match=r"supervisor\.restart: the entry given is supervisor\.stop"):
        assess(wrong, rules=rules(), now=NOON)
