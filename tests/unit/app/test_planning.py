"""From a recorded incident to a plan that is kept, with nothing but the diagnosis, the catalogue and the present state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import Preview
from sre_copilot.app import investigate_case
from sre_copilot.app.acting import ActingDesk
from sre_copilot.app.planning import Drafting, Planning
from sre_copilot.app.storing import open_database
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.planning.model import NoPlan
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Outcome
from sre_copilot.domain.knowledge import Card
from sre_copilot.domain.plan import Action, Mode, Plan, PlanStatus
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.aggregate import compare
from sre_copilot.incidents.investigation import Investigation
from sre_copilot.incidents.report.words import say
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.settings.document import Settings
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.stated_executor import StatedExecutor

CASES = Path(__file__).parents[3] / "examples/incidents/cases"
SERVICES = ("gateway", "catalogue", "checkout", "payment", "cart", "inventory")
NOW = 1_800_000_000.0


@cache
def investigated(case: str) -> Investigation:
    return investigate_case(CASES / case)


@pytest.fixture
def executor() -> StatedExecutor:
    return StatedExecutor(states={name: {"state": "up", "replicas": 2} for name in SERVICES})


@pytest.fixture
def planning(tmp_path: Path, executor: StatedExecutor) -> Iterator[Planning]:
    binding = {
        "service": "*",
        "executor": "stated",
        "kind": "process",
        "name": "{service}",
        "environment": "lab",
    }
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "actions": {"targets": [binding]}})
    database, clock = open_database(settings), TurnedClock(NOW)
    desk = ActingDesk(settings, database, clock)
    desk.__dict__["catalogue"] = Catalogue([executor])  # it is made of the configuration otherwise
    yield Planning(settings, database, clock, PlanStore(database), desk)
    database.close()


def proposed(planning: Planning, case: str, **more: Any) -> Plan:
    made = planning.propose_for(investigated(case), **{"incident_id": "INC-1", **more})
    assert isinstance(made, Plan)
    return made


def test_a_release_that_broke_the_code_is_rolled_back_to_what_ran_before(planning: Planning) -> None:
    plan = proposed(planning, "lab-05")
    assert (plan.strategy, plan.entity, plan.fault_type) == ("rollback", "payment", "code/exception")
    assert [each.action.name for each in plan.steps] == ["stated.rollback"]
    assert "2.7.1" in say(plan.title, "en") and "2.7.1" in say(plan.title, "zh")  # noqa: PT018 - one title
    assert plan.steps[0].state
    assert plan.risk.mode >= Mode.SEMI_AUTO


def test_a_process_that_hangs_is_restarted_and_watched_by_the_signals_that_named_it(
    planning: Planning,
) -> None:
    plan = proposed(planning, "lab-12")
    assert [each.action.name for each in plan.steps] == ["stated.restart"]
    checks = plan.steps[-1].checks
    assert ("metrics", "value") in {(each.source, each.measure) for each in checks}
    recovery = [each for each in checks if each.role == "recovery"]
    assert {"payment", "checkout", "gateway"} <= {each.entity for each in recovery}
    for each in recovery:
        assert each.observed is not None
        assert not compare(each.observed, each.relation, each.bound), "what is bad now must not count as well"
    for each in checks:
        assert each.role == "recovery" or (
            each.observed is not None and compare(each.observed, each.relation, each.bound)
        )


def test_the_signals_of_the_fault_are_well_on_the_telemetry_before_it(planning: Planning) -> None:
    from sre_copilot.app.live_signals import LiveSignals
    from sre_copilot.perception.recorded import RecordedSource

    plan = proposed(planning, "lab-12")
    found = investigated("lab-12").diagnosis.incident
    assert found.onset is not None
    signals = LiveSignals(lambda: [RecordedSource(CASES / "lab-12")])
    window = found.window
    assert window is not None
    well = [
        each
        for each in plan.steps[-1].checks
        if (value := signals.measure(each, window.start, found.onset - 5.0)) is not None
        and compare(value, each.relation, each.bound)
    ]
    assert len(well) >= 0.8 * len(plan.steps[-1].checks)


def test_without_a_way_that_is_registered_no_plan_is_made_and_that_is_said(planning: Planning) -> None:
    made = planning.draft(investigated("lab-09"))
    assert isinstance(made, NoPlan)
    assert made.reason.key == "planning.none.no_action"
    for lang in ("en", "zh"):
        assert "planning." not in say(made.reason, lang)  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", [Outcome.NO_FAULT, Outcome.INCONCLUSIVE])
def test_what_is_no_fault_makes_no_plan(
    planning: Planning, executor: StatedExecutor, outcome: Outcome
) -> None:
    found = investigated("lab-12")
    other = replace(found, diagnosis=replace(found.diagnosis, outcome=outcome))
    assert isinstance(planning.propose_for(other, incident_id="INC-1"), NoPlan)
    assert (executor.asked, planning.plans.counts()) == ([], {})


def test_a_target_that_is_not_there_or_refuses_makes_no_plan(
    planning: Planning, executor: StatedExecutor
) -> None:
    executor.refuses = ("stated.rollback",)
    made = planning.draft(investigated("lab-05"))
    assert isinstance(made, NoPlan)
    assert [each.key for each in made.details] == ["planning.dropped.refused"]
    executor.states.clear()
    gone = planning.draft(investigated("lab-12"))
    assert isinstance(gone, NoPlan)
    assert [each.key for each in gone.details] == ["planning.dropped.absent"]


class DoneAlready(StatedExecutor):
    """Objects that everything is so already."""

    def preview(self, action: Action) -> Preview:
        """As above, with the objection."""
        nothing = Message(key="process.objection.nothing_to_do")
        return replace(super().preview(action), objections=(nothing,))


def test_what_is_so_already_is_not_proposed_to_be_done_again(planning: Planning) -> None:
    executor = DoneAlready(states={name: {"state": "up"} for name in SERVICES})
    planning.desk.__dict__["catalogue"] = Catalogue([executor])
    made = planning.draft(investigated("lab-05"))
    assert isinstance(made, NoPlan)
    assert [each.key for each in made.details] == ["planning.dropped.nothing"]


def test_the_same_round_proposes_once_and_an_open_plan_is_not_doubled(planning: Planning) -> None:
    first = proposed(planning, "lab-12", key="round 1")
    assert proposed(planning, "lab-12", key="round 1").id == first.id
    again = planning.propose_for(investigated("lab-12"), incident_id="INC-1", key="round 2")
    assert isinstance(again, NoPlan)
    assert again.reason.key == "planning.none.open"


def test_another_diagnosis_makes_the_waiting_plan_give_way_and_that_is_audited(planning: Planning) -> None:
    first = proposed(planning, "lab-12")
    second = proposed(planning, "lab-05")
    kept = planning.plans.get(first.id)
    assert kept is not None
    assert (kept.status, second.id != first.id) == ("cancelled", True)
    verbs = [row["verb"] for row in AuditChain(planning.database).page(limit=10).rows]
    assert verbs.count("plan.propose") == 2


def end(planning: Planning, plan: Plan, status: PlanStatus) -> None:
    assert planning.plans.set_status(plan.id, status, expected="proposed", who="test", at=NOW)


def test_after_a_plan_that_did_not_help_another_way_is_proposed_or_people_take_over(
    planning: Planning,
) -> None:
    planning.look = lambda incident_id: investigated("lab-12")
    first = proposed(planning, "lab-12")
    end(planning, first, "rolled_back")
    second_id = planning.again(first, {})
    assert second_id == "", "a hung process has one way of repair here, and it was tried"
    made = planning.draft(investigated("lab-05"), incident_id="INC-1")
    assert isinstance(made, Plan)
    assert made.attempt == 2


def test_after_a_plan_that_helped_the_next_waits_until_what_is_over_no_longer_shows(
    planning: Planning,
) -> None:
    first = proposed(planning, "lab-12")
    end(planning, first, "succeeded")
    made = planning.draft(investigated("lab-05"), incident_id="INC-1")
    assert isinstance(made, NoPlan)
    assert (made.reason.key, dict(made.reason.params)["plan"]) == ("planning.none.helped", first.id)
    planning.settings = planning.settings.model_copy(update={"remediation": Remediation(rest_seconds=0)})
    assert isinstance(planning.draft(investigated("lab-05"), incident_id="INC-1"), Plan)


def test_a_plan_that_was_carried_out_and_that_nothing_verified_holds_no_other_up(planning: Planning) -> None:
    made = planning.draft(investigated("lab-12"), incident_id="INC-1")
    assert isinstance(made, Plan)
    unchecked = replace(made, steps=tuple(replace(step, checks=()) for step in made.steps))
    end(planning, planning.plans.propose(unchecked), "succeeded")
    assert isinstance(planning.draft(investigated("lab-05"), incident_id="INC-1"), Plan)


def test_what_another_incident_is_at_or_has_just_repaired_is_left_alone(planning: Planning) -> None:
    first = proposed(planning, "lab-12")
    assert isinstance(planning.draft(investigated("lab-12"), incident_id="INC-2"), Plan), (
        "it is only proposed"
    )
    for status, before, key in (("approved", "proposed", "at_it"), ("succeeded", "approved", "helped")):
        assert planning.plans.set_status(first.id, status, expected=before, who="test", at=NOW)
        made = planning.draft(investigated("lab-12"), incident_id="INC-2")
        assert isinstance(made, NoPlan)
        assert made.reason.key == f"planning.none.{key}"
    planning.settings = planning.settings.model_copy(update={"remediation": Remediation(rest_seconds=0)})
    assert isinstance(planning.draft(investigated("lab-12"), incident_id="INC-2"), Plan)


@pytest.mark.parametrize(("seconds", "key"), [(60.0, "planning.none.helped"), (-60.0, "")])
def test_a_fault_of_another_type_that_began_after_a_plan_had_helped_is_another_one(
    planning: Planning, seconds: float, key: str
) -> None:
    found = investigated("lab-05")
    onset = found.diagnosis.incident.onset
    assert onset is not None
    first = proposed(planning, "lab-12", incident_id="INC-9")
    assert (first.entity, first.fault_type != "code/exception") == ("payment", True)
    planning.clock = TurnedClock(onset + 180.0)
    assert planning.plans.set_status(
        first.id, "succeeded", expected="proposed", who="test", at=onset + seconds
    )
    made = planning.draft(found, incident_id="INC-2")
    assert (made.reason.key if isinstance(made, NoPlan) else "") == key


def test_what_is_well_again_when_it_was_looked_at_is_not_repaired(planning: Planning) -> None:
    found = investigated("lab-12")
    window = found.observation.incident.window
    assert window is not None
    planning.clock = TurnedClock(window.end)
    assert isinstance(planning.draft(found), Plan), "it hangs to the end of what was recorded"
    onset = found.diagnosis.incident.onset
    assert onset is not None
    earlier = replace(found.observation.incident, window=Window(window.start, onset - 30))
    before = replace(found, observation=replace(found.observation, incident=earlier))
    planning.clock = TurnedClock(onset - 30)
    made = planning.draft(before)
    assert isinstance(made, NoPlan)
    assert made.reason.key == "planning.none.recovered"


def test_an_accepted_card_is_followed_and_named(planning: Planning) -> None:
    card = Card(
        id="hung-payment", title="Hung", root_cause="r", manifestation="m", measure="重启 checkout，然后重启 payment。",
        fault_type="process/hung", standing="accepted", trust=0.9, lang="zh",
    )  # fmt: skip
    Experience(planning.database, planning.clock).save(card, by="test", note="")
    plan = proposed(planning, "lab-12")
    assert plan.origin == "card:hung-payment"
    assert [each.action.target.name for each in plan.steps] == ["checkout", "payment"]
    assert plan.steps[1].needs == ("s1",)


def test_the_difference_is_that_of_now_and_says_when_the_target_changed(
    planning: Planning, executor: StatedExecutor
) -> None:
    plan = proposed(planning, "lab-12")
    (before,) = planning.difference(plan)
    assert (before["changed"], before["problem"]) == (False, "")
    executor.states["payment"] = {"state": "down"}
    (after,) = planning.difference(plan)
    assert after["changed"] is True
    executor.refuses = ("stated.restart",)
    assert "nothing to go back to" in planning.difference(plan)[0]["problem"]


def test_a_plan_survives_as_text_between_the_steps_of_a_round(planning: Planning) -> None:
    drafting = Drafting(planning)
    told = drafting.draft("INC-1", "I-1", investigated("lab-12"))
    made = drafting.propose(told["plan"], key="investigation/INC-1/1/plan")
    kept = planning.plans.get(made["id"])
    assert kept is not None
    assert (kept.plan.incident_id, kept.plan.investigation_id) == ("INC-1", "I-1")
    assert drafting.propose(told["plan"], key="investigation/INC-1/1/plan")["id"] == made["id"]
