"""Which ways of repairing are found, and when none is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.decision.planning.given import ONSET, change, estate, fault, known

from sre_copilot.decision.planning.candidates import drafts, fault_of, missing
from sre_copilot.decision.planning.filling import told
from sre_copilot.decision.planning.model import Advice, Estate, Fault, NoPlan, Suggestion
from sre_copilot.decision.planning.strategies import BY_FAMILY, BY_TYPE, UNDOES, VERBS
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.incident import Diagnosis, Incident, Outcome, Suspect
from sre_copilot.domain.signals import Change
from sre_copilot.testing.stated_executor import spec

CHANGES = st.lists(
    st.builds(
        Change,
        ts=st.floats(ONSET - 10_000, ONSET + 10_000),
        service=st.sampled_from(["billing", "cart"]),
        kind=st.sampled_from(["deploy", "config", "flag", "change", ""]),
        text=st.just("changed"),
    ),
    max_size=4,
)


def strategies(*given_: object, **more: object) -> list[str]:
    return [each.strategy for each in drafts(*given_, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", [Outcome.NO_FAULT, Outcome.INCONCLUSIVE])
def test_no_plan_is_made_where_no_fault_was_named(outcome: Outcome) -> None:
    suspect = Suspect(entity="billing", score=9.0, fault_type="process/hung")
    told = Diagnosis(
        incident=Incident(id="i"), outcome=outcome, probability=0.9, suspects=(suspect,), findings=()
    )
    found = fault_of(told)
    assert isinstance(found, NoPlan)
    assert found.reason.key == f"planning.none.{outcome.value}"


def test_no_plan_is_made_where_the_type_of_the_fault_is_not_known() -> None:
    suspect = Suspect(entity="billing", score=9.0)
    told = Diagnosis(incident=Incident(id="i"), outcome=Outcome.FAULT, probability=0.9, suspects=(suspect,), findings=())  # fmt: skip
    assert isinstance(fault_of(told), NoPlan)


def test_a_hung_process_is_restarted() -> None:
    (found,) = drafts(fault(), estate(), known())
    assert (found.strategy, found.wishes[0].action.name) == ("restart", "manager.restart")
    assert found.wishes[0].action.target.name == "billing"


def test_code_is_rolled_back_only_when_a_release_came_before_the_onset() -> None:
    broken = fault("code/exception")
    assert strategies(broken, estate(), known()) == []
    assert missing(broken, estate(), known()).reason.key == "planning.none.no_change"
    assert strategies(broken, estate(), known(changes=(change(),))) == ["rollback"]
    late = change(before_s=-600)
    others = change(service="cart")
    old = change(before_s=7200)
    assert strategies(broken, estate(), known(changes=(late, others, old))) == []
    assert strategies(fault("code/exception", onset=None), estate(), known(changes=(change(),))) == []


def test_a_changed_configuration_is_restored_and_not_rolled_out_anew() -> None:
    found = drafts(fault("code/exception"), estate(), known(changes=(change("config"),)))
    assert [each.wishes[0].action.name for each in found] == ["manager.restore_configuration"]


@pytest.mark.parametrize(("load", "expected"), [(None, ["restart"]), (1.1, ["restart"]), (2.0, ["scale_out", "restart"])])  # fmt: skip
def test_replicas_are_added_only_under_more_load(load: float | None, expected: list[str]) -> None:
    assert strategies(fault("resource/cpu"), estate(), known(load=load)) == expected


def test_what_people_bound_to_a_fault_comes_first_and_knows_the_service() -> None:
    (found,) = drafts(fault("database/lock", "ledger"), estate(), known())
    assert found.wishes[0].action.parameters == {"statement": "unlock ledger"}
    assert found.wishes[0].action.target.key == "sql//database/main"


def test_a_card_is_followed_in_its_order_and_on_the_services_that_it_names() -> None:
    card = Advice(
        kind="card", id="c1", text="Restart billing. Then restart cart.", fault_type="process/hung", trust=0.8
    )
    found = drafts(fault(), estate(), known(advice=(card,)))[0]
    assert found.origin == "card:c1"
    assert [each.action.target.name for each in found.wishes] == ["billing", "cart"]


@pytest.mark.parametrize(
    "text", ["Restart it or roll it back.", "If it hangs, restart it.", "Do not restart it.", "Call the owner.", "不要重启。", "如果挂起则重启。"]
)  # fmt: skip
def test_a_card_that_can_be_read_in_two_ways_makes_no_plan(text: str) -> None:
    card = Advice(kind="card", id="c1", text=text, fault_type="process/hung")
    assert all(each.origin == "fault_type" for each in drafts(fault(), estate(), known(advice=(card,))))


def test_a_card_that_names_what_cannot_be_done_makes_no_plan() -> None:
    card = Advice(kind="card", id="c1", text="Restart it. Free disk space.", fault_type="process/hung")
    assert all(each.origin == "fault_type" for each in drafts(fault(), estate(), known(advice=(card,))))


def test_the_team_proposes_out_of_the_catalogue_or_not_at_all() -> None:
    told = (Suggestion(action="manager.start", service="billing"), Suggestion(action="manager.format", service="billing"), Suggestion(action="sql.run", service="billing"))  # fmt: skip
    found = [each for each in drafts(fault(), estate(), known(suggestions=told)) if each.origin == "team"]
    assert [each.wishes[0].action.name for each in found] == ["manager.start"]


@pytest.mark.parametrize(
    ("there", "fault_type", "key"),
    [
        (Estate(specs={}), "process/hung", "no_catalogue"),
        (estate(bindings=()), "process/hung", "no_target"),
        (estate(), "admission/quota-cpu", "no_way"),
        (estate(), "resource/disk", "no_action"),
    ],
)
def test_why_there_is_no_plan_is_said(there: Estate, fault_type: str, key: str) -> None:
    assert drafts(fault(fault_type), there, known()) == ()
    assert missing(fault(fault_type), there, known()).reason.key == f"planning.none.{key}"


def test_every_way_of_the_table_names_a_strategy_and_a_fault_that_there_are() -> None:
    assert set(BY_TYPE) <= set(FAULT_TYPES)
    assert set(BY_FAMILY) <= {each.family for each in FAULT_TYPES.values()}
    assert {way.strategy for ways in (*BY_TYPE.values(), *BY_FAMILY.values()) for way in ways} <= set(VERBS)


@settings(max_examples=200, deadline=None)
@given(
    fault_type=st.sampled_from(sorted(FAULT_TYPES)),
    changes=CHANGES,
    text=st.text(max_size=60),
    action=st.sampled_from(["manager.restart", "manager.nothing", "sql.run", "x"]),
    load=st.none() | st.floats(0, 10),
)
def test_every_action_of_every_way_is_in_the_catalogue_and_fits_its_target(
    fault_type: str, changes: list[Change], text: str, action: str, load: float | None
) -> None:
    there, broken = estate(), Fault(entity="billing", fault_type=fault_type, probability=0.9, onset=ONSET)
    card = Advice(kind="card", id="c", text=f"Restart it. {text}", fault_type=fault_type)
    told = known(changes=tuple(changes), advice=(card,), suggestions=(Suggestion(action=action, service="billing"),), load=load)  # fmt: skip
    for draft in drafts(broken, there, told):
        assert draft.wishes
        assert 0 < draft.prior < 1
        for wish in draft.wishes:
            spec = there.specs[wish.action.name]
            assert wish.action.target.kind in spec.kinds
            assert wish.action.target.executor == wish.action.executor
            if draft.origin == "fault_type" and wish.strategy in UNDOES and wish.change is not None:
                assert wish.change.service == "billing"
                assert wish.change.ts <= ONSET + 120


def test_a_target_is_looked_at_with_what_the_change_tells_of_itself() -> None:
    there = estate(specs={
        "manager.revert_commit": spec(
            "manager.revert_commit", required=("commit",), properties={"commit": {"type": "string"}}
        )
    })  # fmt: skip
    made = change(commit="c0ffee")
    (found,) = drafts(fault("code/exception"), there, known(changes=(made,)))
    (wish,) = found.wishes
    assert wish.action.parameters == {}
    assert told(wish, there.specs[wish.action.name]).parameters == {"commit": "c0ffee"}
