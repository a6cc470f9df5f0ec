"""Which plan is recommended, and what stands beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.decision.planning.given import ONSET, change, estate, fault, known, ready

from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.planning.binding import service_of
from sre_copilot.decision.planning.candidates import drafts
from sre_copilot.decision.planning.filling import filled
from sre_copilot.decision.planning.model import Advice, Estate, Fault, Known, NoPlan, Seen, Suggestion
from sre_copilot.decision.planning.propose import propose
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.record import standing_of
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.plan import Mode, Plan, Record, SignalCheck, Target
from sre_copilot.settings.acting.actions import TargetBinding
from sre_copilot.settings.acting.decision import Decision
from sre_copilot.settings.acting.decision import Risk as RiskSettings

NOW = ONSET + 300.0


def planned(broken: Fault, told: Known, *, rules: Rulebook | None = None, **more: Any) -> Plan | NoPlan:
    there = estate()
    found = [each for draft in drafts(broken, there, told) if (each := ready(draft, there)) is not None]
    return propose(found, broken, estate=there, known=told, rules=rules or Rulebook(), now=NOW, expires_at=NOW + 60, **more)  # fmt: skip


def made(broken: Fault, told: Known, **more: Any) -> Plan:
    found = planned(broken, told, **more)
    assert isinstance(found, Plan)
    return found


def test_doing_nothing_is_always_weighed_with_what_is_known_of_it() -> None:
    told = made(fault(), known(untouched=Record(good=2, total=8)))
    last = told.options[-1]
    assert (last.strategy, last.score, last.success, last.steps) == ("nothing", 0.0, 0.25, ())
    assert made(fault(), known()).options[-1].success is None


def test_the_more_specific_way_is_recommended_and_the_other_is_shown_with_why_not() -> None:
    told = made(fault("resource/memory"), known(changes=(change(**{"from": "1.2"}),)))
    assert (told.strategy, dict(told.title.params)["version"]) == ("rollback", "1.2")
    assert [each.strategy for each in told.options] == ["restart", "nothing"]
    assert told.options[0].reason.key == "planning.option.less"


HANDS_OFF = Policies.read(
    """policies:
  - name: no billing
    when: {services: [billing]}
    effect: forbid
    because: its owners repair it themselves
tests:
  - name: it is left alone
    given: {action: manager.restart, service: billing}
    expect: {forbidden: true}
""",
    "policies.yaml",
)
ELSEWHERE = Advice(kind="card", id="C1", text="Restart billing.", fault_type="process/hung", trust=0.9)


def test_a_step_is_judged_as_what_it_is_done_to_not_as_the_culprit() -> None:
    told = known(advice=(ELSEWHERE,), rates={"entry": 100.0, "cart": 1.0, "billing": 100.0})
    plan = made(fault(entity="cart"), told)
    there = [step for option in plan.options for step in option.steps] + list(plan.steps)
    assert {each.service for each in there} == {"cart", "billing"}
    assert all(each.action.target.name == each.service for each in there)
    forbidding = made(fault(entity="cart"), told, rules=Rulebook(policies=Policies.together([HANDS_OFF])))
    assert {each.service for each in forbidding.steps} == {"cart"}
    (forbidden,) = [each for each in forbidding.options if each.reason.key == "planning.option.forbidden"]
    assert {each.service for each in forbidden.steps} == {"billing"}


def test_the_service_of_a_target_is_read_out_of_the_bindings() -> None:
    def bound(service: str, name: str, namespace: str = "") -> TargetBinding:
        return TargetBinding(service=service, executor="sql", kind="database", name=name, namespace=namespace)

    def read(name: str, *bindings: TargetBinding, first: str = "", namespace: str = "") -> str:
        there = Target(executor="sql", kind="database", name=name, namespace=namespace, environment="any")
        return service_of(there, Estate(specs={}, bindings=bindings), first=first)

    made_of = bound("*", "db-{service}")
    assert read("db-cart", made_of) == "cart"
    assert read("other", made_of) == ""
    assert read("main", bound("team-*", "main", "{service}"), namespace="team-a") == "team-a"
    assert read("main", bound("team-*", "main", "{service}"), namespace="shop") == ""
    assert read("main", bound("payment", "main"), bound("ledger", "main"), first="ledger") == "ledger"
    assert read("main", bound("*", "main"), bound("payment", "main"), first="cart") == "payment"
    assert read("main", bound("*", "main"), first="cart") == "cart"


def test_a_record_outweighs_what_is_expected_in_general() -> None:
    standings = {"manager.rollback": standing_of([False] * 4 + [True]), "manager.restart": standing_of([True] * 8, median_seconds=40.0)}  # fmt: skip
    told = made(fault("resource/memory"), known(changes=(change(),), standings=standings))
    assert (told.strategy, told.record.good, told.estimated_seconds) == ("restart", 8, 40.0)


def test_what_was_tried_in_vain_is_not_proposed_again() -> None:
    tried = frozenset({("manager.restart", "manager//process/billing")})
    found = planned(fault(), known(tried=tried))
    assert isinstance(found, NoPlan)
    assert [each.key for each in found.details] == ["planning.option.tried"]
    hopeless = planned(fault(), known(standings={"manager.restart": standing_of([False] * 3)}))
    assert isinstance(hopeless, NoPlan)


def test_what_nobody_may_do_is_not_recommended() -> None:
    rules = Rulebook(decision=Decision.model_validate({"black_list": [{"actions": ["manager.restart"]}]}))
    found = planned(fault(), known(), rules=rules)
    assert isinstance(found, NoPlan)
    assert found.details[0].key == "planning.option.forbidden"


def test_what_the_team_proposed_never_runs_by_itself() -> None:
    rules = Rulebook(
        risk=RiskSettings(auto_remediation_enabled=True),
        decision=Decision.model_validate({"autonomy": {"actions": [{"action": "*", "minimum_cases": 0}]}}),
    )
    standings = {"manager.start": standing_of([True] * 40), "manager.restart": standing_of([True] * 40)}
    rates = {"entry": 100.0, "cart": 10.0, "billing": 1.0}
    proven = known(standings=standings, rates=rates)
    assert made(fault(), proven, rules=rules).risk.mode == Mode.AUTO
    by_team = replace(proven, suggestions=(Suggestion(action="manager.start", service="billing"),))
    there = estate()
    own = [each for each in drafts(fault(), there, by_team) if each.origin == "team"]
    alone = propose([each for draft in own if (each := ready(draft, there))], fault(), estate=there, known=by_team, rules=rules, now=NOW, expires_at=NOW + 60)  # fmt: skip
    assert isinstance(alone, Plan)
    assert alone.risk.mode >= Mode.SEMI_AUTO


def test_recovery_is_watched_after_the_last_step_and_guards_after_each() -> None:
    recovery = SignalCheck(
        role="recovery", entity="billing", source="metrics", measure="value", relation="<", bound=1
    )
    guard = replace(recovery, role="guard", entity="entry")
    told = made(fault(), known(recovery=(recovery,), guards=(guard,)))
    assert told.steps[-1].checks == (recovery, guard)
    assert told.steps[-1].state == "state"


@pytest.mark.parametrize(("present", "wanted"), [(0, 1), (1, 2), (2, 3), (4, 6), (7, 8)])
def test_half_as_many_replicas_are_added_within_what_is_allowed(present: int, wanted: int) -> None:
    there, told = estate(), known(load=2.0)
    wish = drafts(fault("resource/cpu"), there, told)[0].wishes[0]
    found = filled(wish, there.specs[wish.action.name], Seen(state={"replicas": present}))
    assert not isinstance(found, NoPlan)
    assert found.parameters == {"replicas": wanted}


@pytest.mark.parametrize("state", [{"replicas": 8}, {}, {"replicas": "many"}, {"replicas": True}])
def test_replicas_that_cannot_be_known_or_added_are_not_made_up(state: dict[str, Any]) -> None:
    there = estate()
    wish = drafts(fault("resource/cpu"), there, known(load=2.0))[0].wishes[0]
    assert isinstance(filled(wish, there.specs[wish.action.name], Seen(state=state)), NoPlan)


@settings(max_examples=150, deadline=None)
@given(
    fault_type=st.sampled_from(sorted(FAULT_TYPES)),
    kinds=st.lists(st.sampled_from(["deploy", "config", "flag"]), max_size=3),
    outcomes=st.dictionaries(st.sampled_from(["manager.restart", "manager.rollback"]), st.lists(st.booleans(), max_size=8)),
    load=st.none() | st.floats(0, 5),
)  # fmt: skip
def test_every_plan_is_whole(
    fault_type: str, kinds: list[str], outcomes: dict[str, list[bool]], load: float | None
) -> None:
    standings = {name: standing_of(each) for name, each in outcomes.items()}
    told = known(changes=tuple(change(kind) for kind in kinds), standings=standings, load=load)
    found = planned(fault(fault_type), told)
    if isinstance(found, NoPlan):
        assert found.reason.key.startswith("planning.none.")
        return
    specs = estate().specs
    for number, step in enumerate(found.steps):
        schema = specs[step.action.name].parameters
        assert set(schema["required"]) <= set(step.action.parameters) <= set(schema["properties"])
        assert step.action.target.kind in specs[step.action.name].kinds
        assert step.needs == ((found.steps[number - 1].id,) if number else ())
        assert step.timeout_seconds > 0
    assert found.options[-1].strategy == "nothing"
    assert found.risk.mode >= Mode.SEMI_AUTO  # autonomy is off
    assert 0 <= found.risk.score < 1
    assert found.fingerprint == replace(found).fingerprint
