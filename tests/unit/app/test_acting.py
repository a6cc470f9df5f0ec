"""What people wish to be done: understood by the configuration, judged like everything else, and never done at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app.acting import ActingDesk
from sre_copilot.app.approving_made import plans_of
from sre_copilot.app.storing import open_database
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.assess import assess
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.plan import Mode
from sre_copilot.errors import UsageError
from sre_copilot.incidents.delivery.wording import message
from sre_copilot.settings.document import Settings
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.limits import hold
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.stated_executor import StatedExecutor, spec, usual_specs

NOW = 1_800_000_000.0
TARGETS = [
    {"service": "cart", "executor": "stated", "kind": "process", "name": "cart-1", "environment": "prod"},
    {"service": "*", "executor": "stated", "kind": "host", "name": "{service}-host", "environment": "lab"},
    {"service": "*", "executor": "stated", "kind": "process", "name": "{service}", "namespace": "g-{service}", "environment": "lab"},
]  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(Settings.model_validate({"store": {"folder": tmp_path}}))
    yield made
    made.close()


def desk_of(database: Database, tmp_path: Path, **keys: Any) -> ActingDesk:
    receivers = {"notify": {"receivers": [{"name": "team", "notifiers": []}]}, "routing": {"route": {"receiver": "team"}}}  # fmt: skip
    document = {"store": {"folder": tmp_path}, "actions": {"targets": TARGETS}, "alerting": receivers, **keys}
    desk = ActingDesk(Settings.model_validate(document), database, TurnedClock(NOW))
    executor = StatedExecutor(specs=(*usual_specs("stated"), spec("stated.reboot", kinds=("host",))))
    desk.__dict__["catalogue"] = Catalogue([executor])  # it is made of the configuration otherwise
    return desk


@pytest.mark.parametrize(
    ("action", "given", "known"),
    [
        ("stated.restart", "cart", ("stated//process/cart-1", "prod")),
        ("stated.restart", "bank", ("stated/g-bank/process/bank", "lab")),
        ("stated.reboot", "bank", ("stated//host/bank-host", "lab")),
        ("stated.restart", "process/g/x", ("stated/g/process/x", "")),
    ],
)
def test_a_target_is_a_service_by_name_or_by_pattern_or_written_out(
    database: Database, tmp_path: Path, action: str, given: str, known: tuple[str, str]
) -> None:
    target = desk_of(database, tmp_path).action(action, given, {}).target
    assert (target.key, target.environment) == known


def test_a_wish_is_judged_by_the_rules_that_judge_every_action(database: Database, tmp_path: Path) -> None:
    desk = desk_of(database, tmp_path)
    plans = plans_of(desk.settings, database)
    action = desk.action("stated.restart", "cart", {})
    plan = desk.propose(action, who="ann", plans=plans, reason="slow")
    situation = ActionSituation(action=action, spec=desk.catalogue.spec(action.name), service="cart")
    judged = assess(situation, rules=desk.rules, now=NOW)
    assert (plan.risk, plan.entity) == (judged, "cart")
    assert len(plan.risk.parts) > 1
    (told,) = NotificationStore(database).page().rows
    assert told["receiver"] == "team"


def test_a_wish_never_begins_by_itself_even_where_everything_may(database: Database, tmp_path: Path) -> None:
    desk = desk_of(
        database, tmp_path,
        risk={"auto_remediation_enabled": True, "auto_threshold": 1.0, "approval_threshold": 1.0, "minimum_confidence": 0},
        decision={"autonomy": {"actions": [{"action": "*", "minimum_cases": 0}]}},
    )  # fmt: skip
    plan = desk.propose(desk.action("stated.restart", "bank", {}), who="ann", plans=plans_of(desk.settings, database))  # fmt: skip
    assert plan.risk.mode == Mode.SEMI_AUTO
    assert plan.risk.reasons[-1].key == "acting.asked_for"


def test_what_nobody_may_do_is_not_proposed_and_the_audit_says_who_wanted_it(
    database: Database, tmp_path: Path
) -> None:
    black = [{"actions": ["stated.*"], "environments": ["production"], "because": "It is the bank's."}]
    desk = desk_of(database, tmp_path, decision={"black_list": black})
    plans = plans_of(desk.settings, database)
    with pytest.raises(UsageError, match="It is the bank's"):
        desk.propose(desk.action("stated.restart", "cart", {}), who="ann", plans=plans)
    entry = AuditChain(database).page(limit=1).rows[0]
    assert (entry["who"], entry["verb"], entry["outcome"]) == ("ann", "plan.propose", "refused")
    assert plans.counts() == {}
    assert desk.propose(desk.action("stated.restart", "bank", {}), who="ann", plans=plans).id


def test_a_target_that_is_nothing_is_named_with_the_way_out(database: Database, tmp_path: Path) -> None:
    desk = desk_of(database, tmp_path, actions={"targets": TARGETS[:1]})
    with pytest.raises(UsageError, match=r"'bank' is no service of actions\.targets for stated"):
        desk.action("stated.restart", "bank", {})


def test_a_plan_of_one_action_holds_the_state_that_it_was_made_for(
    database: Database, tmp_path: Path
) -> None:
    desk = desk_of(database, tmp_path)
    executor = StatedExecutor(states={"cart-1": {"replicas": 4}})
    desk.__dict__["catalogue"] = Catalogue([executor])
    action = desk.action("stated.restart", "cart", {})
    plan = desk.propose(action, who="ann", plans=plans_of(desk.settings, database))
    assert plan.steps[0].state == executor.look(action).digest != ""
    executor.states["cart-1"] = {"replicas": 12}
    assert plan.steps[0].state != executor.look(action).digest


def test_an_executor_that_shows_no_state_leaves_the_step_without_one(
    database: Database, tmp_path: Path
) -> None:
    desk = desk_of(database, tmp_path)
    plan = desk.propose(desk.action("stated.restart", "cart", {}), who="ann", plans=plans_of(desk.settings, database))  # fmt: skip
    assert plan.steps[0].state == ""


def test_the_plan_that_waits_with_the_same_wish_is_found_and_no_other(
    database: Database, tmp_path: Path
) -> None:
    desk = desk_of(database, tmp_path)
    plans = plans_of(desk.settings, database)
    wish = desk.action("stated.scale", "cart", {"replicas": 3})
    assert desk.waiting(wish, plans) is None
    made = desk.propose(wish, who="ann", plans=plans)
    assert desk.waiting(wish, plans) == made
    assert desk.waiting(desk.action("stated.scale", "cart", {"replicas": 4}), plans) is None
    assert desk.waiting(desk.action("stated.scale", "bank", {"replicas": 3}), plans) is None
    plans.set_status(made.id, "cancelled", expected="proposed", who="ann", at=NOW, reason="enough")
    assert desk.waiting(wish, plans) is None


def test_a_dry_run_tells_the_freeze_the_limits_and_the_switch(database: Database, tmp_path: Path) -> None:
    freeze = {"name": "end of year", "starts_at": "2027-01-01T00:00:00Z", "ends_at": "2027-02-01T00:00:00Z"}
    desk = desk_of(database, tmp_path, decision={"freezes": [freeze]})
    action = desk.action("stated.restart", "cart", {})
    plain = desk.judgement(action, "en")
    assert any("end of year" in each for each in plain["reasons"])
    assert plain["limits"] == []
    with database.write() as connection:
        hold(connection, "PLAN-1", [action.target.key], now=NOW)
    desk.switch.throw(who="ann", reason="too much")
    held = desk.judgement(action, "en")["limits"]
    assert [any(word in each for each in held) for word in ("kill switch", "Another plan")] == [True, True]


def test_the_catalogue_names_the_services_that_an_action_can_be_done_to(
    database: Database, tmp_path: Path
) -> None:
    rows = {each["name"]: each["targets"] for each in desk_of(database, tmp_path).specs("en")}
    assert (rows["stated.restart"], rows["stated.reboot"]) == (["cart"], [])


def test_a_plan_that_a_person_asked_for_claims_no_cause(database: Database, tmp_path: Path) -> None:
    desk = desk_of(database, tmp_path)
    plans = plans_of(desk.settings, database)
    for reason, words in (("slow", "Asked for by ann: slow"), ("", "Asked for by ann")):
        desk.propose(desk.action("stated.restart", "cart", {}), who="ann", plans=plans, reason=reason)
        told = NotificationStore(database).page().rows[0]
        lines = message(told, key="k", language="en").text.splitlines()
        assert words in lines
        assert not any("ause" in each for each in lines)
        assert any("the action can be undone" in each for each in lines)


def test_an_incident_that_is_not_there_is_named_and_nothing_is_proposed(
    database: Database, tmp_path: Path
) -> None:
    desk = desk_of(database, tmp_path)
    plans = plans_of(desk.settings, database)
    with pytest.raises(UsageError, match="incident '77': there is none"):
        desk.propose(desk.action("stated.restart", "cart", {}), who="ann", plans=plans, incident="77")
    assert plans.counts() == {}
