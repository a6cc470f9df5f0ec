"""What a model proposes against a fault: out of the catalogue or not at all, never alone, and never at the cost of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app import investigate_case
from sre_copilot.app.acting import ActingDesk
from sre_copilot.app.planning import Planning
from sre_copilot.app.storing import open_database
from sre_copilot.app.suggesting import Suggesting
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.planning.model import NoPlan
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.investigation import Investigation
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.settings.document import Settings
from sre_copilot.settings.llm import LanguageModel, Llm
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.servers.openai import OpenAIServer, calls, openai_server
from sre_copilot.testing.stated_executor import StatedExecutor, spec, usual_specs

CASES = Path(__file__).parents[3] / "examples/incidents/cases"
SERVICES = ("gateway", "catalogue", "checkout", "payment", "cart", "inventory", "postgres")
NOW = 1_800_000_000.0
BY_RULES, NO_RULES = "lab-12", "lab-09"
"""A fault that rules have a way against, and one that they have none against."""


@cache
def investigated(case: str) -> Investigation:
    return investigate_case(CASES / case)


@pytest.fixture
def planning(tmp_path: Path) -> Iterator[Planning]:
    binding = {"service": "*", "executor": "stated", "kind": "process", "name": "{service}", "environment": "lab"}  # fmt: skip
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "actions": {"targets": [binding]}})
    database, clock = open_database(settings), TurnedClock(NOW)
    specs = (*usual_specs("stated"), spec("stated.look", level=1), spec("stated.free_disk"), spec("stated.drain", properties={"seconds": {"type": "integer"}}))  # fmt: skip
    executor = StatedExecutor(specs=specs, states={name: {"state": "up", "replicas": 2} for name in SERVICES})
    desk = ActingDesk(settings, database, clock)
    desk.__dict__["catalogue"] = Catalogue([executor])  # it is made of the configuration otherwise
    yield Planning(settings, database, clock, PlanStore(database), desk)
    database.close()


def proposing(*proposals: dict[str, Any]) -> Any:
    return calls("answer", {"proposals": list(proposals)})


def speaking(server: OpenAIServer) -> Speaker:
    model = LanguageModel(model="openai/any", url=server.url, timeout_seconds=1.0, retries=0)
    return make_speaker(Llm(models={"any": model}))


def drafted(planning: Planning, server: OpenAIServer, case: str, **more: Any) -> Plan | NoPlan:
    planning.team = Suggesting(lambda: speaking(server))
    return planning.draft(investigated(case), **more)


def culprit(case: str) -> str:
    found = investigated(case).diagnosis.culprit
    assert found is not None
    return found.entity


def test_where_rules_have_no_way_a_proposal_out_of_the_catalogue_becomes_a_plan_that_needs_a_person(
    planning: Planning,
) -> None:
    wish = {"action": "stated.drain", "service": culprit(NO_RULES), "parameters": {"seconds": 30}}
    with openai_server(proposing(wish)) as server:
        plan = drafted(planning, server, NO_RULES, incident_id="INC-1")
    assert isinstance(plan, Plan)
    assert (plan.origin, [each.action.name for each in plan.steps]) == ("team", ["stated.drain"])
    assert dict(plan.steps[0].action.parameters) == {"seconds": 30}
    assert plan.risk.mode >= Mode.SEMI_AUTO
    entry = AuditChain(planning.database).page(limit=1).rows[0]
    assert (entry["verb"], entry["detail"]["proposed"]) == ("plan.suggest", ["stated.drain"])


def test_the_model_sees_the_diagnosis_and_actions_that_change_something_and_nothing_else_is_offered(
    planning: Planning,
) -> None:
    with openai_server(proposing()) as server:
        assert isinstance(drafted(planning, server, NO_RULES), NoPlan)
        said = str(server.asked[-1]["messages"])
    assert culprit(NO_RULES) in said
    assert "stated.drain" in said
    assert "stated.look" not in said


@pytest.mark.parametrize(
    "wish",
    [
        {"action": "shell.run", "service": "payment", "parameters": {"command": "rm -rf /"}},
        {"action": "stated.drain", "service": "bank", "parameters": {"seconds": 1}},
        {"action": "stated.look", "service": "payment"},
        {"action": "stated.drain", "service": "payment", "parameters": {"force": True}},
    ],
)
def test_what_is_not_in_the_catalogue_is_dropped_and_said(planning: Planning, wish: dict[str, Any]) -> None:
    if wish["service"] == "payment":
        wish = {**wish, "service": culprit(NO_RULES)}
    with openai_server(proposing(wish)) as server:
        made = drafted(planning, server, NO_RULES)
    assert isinstance(made, NoPlan)
    assert made.reason.key == "planning.none.no_action"
    said = made.details[-1]
    assert said.key in ("planning.dropped.not_offered", "planning.dropped.refused")
    assert wish["action"] in say(said, "en")
    entry = AuditChain(planning.database).page(limit=1).rows[0]
    assert (entry["verb"], entry["outcome"]) == ("plan.suggest", "refused")


def test_the_way_of_the_rules_goes_before_that_of_the_team_which_is_shown_beside_it(
    planning: Planning,
) -> None:
    alone = planning.draft(investigated(BY_RULES))
    wish = {"action": "stated.drain", "service": culprit(BY_RULES), "parameters": {"seconds": 30}}
    with openai_server(proposing(wish)) as server:
        plan = drafted(planning, server, BY_RULES)
    assert isinstance(plan, Plan)
    assert isinstance(alone, Plan)
    assert (plan.steps, plan.risk, plan.origin) == (alone.steps, alone.risk, alone.origin)
    others = [step.action.name for option in plan.options for step in option.steps]
    assert "stated.drain" in others


@pytest.mark.parametrize(
    "manner",
    [
        pytest.param("silent", marks=pytest.mark.integration),
        "broken",
        "garbage",
        "odd",
        "empty",
        "hang up",
        "unauthorised",
    ],
)
def test_a_model_that_is_away_or_silly_costs_no_plan(planning: Planning, manner: Any) -> None:
    alone = planning.draft(investigated(BY_RULES))
    with openai_server(proposing()) as server:
        server.misbehave(manner)
        assert drafted(planning, server, BY_RULES) == alone


def test_without_a_model_or_with_settings_that_cannot_be_used_rules_go_on(planning: Planning) -> None:
    alone = planning.draft(investigated(BY_RULES))

    def broken() -> Speaker:
        raise SettingsError("llm: cannot be used")

    for speaker in (Silent, broken):
        planning.team = Suggesting(speaker)
        assert planning.draft(investigated(BY_RULES)) == alone


def test_what_may_begin_at_once_waits_for_no_model(planning: Planning) -> None:
    freely = Settings.model_validate(
        {
            "risk": {"auto_remediation_enabled": True, "auto_threshold": 0.8, "minimum_confidence": 0},
            "decision": {"autonomy": {"actions": [{"action": "stated.*", "minimum_cases": 0}]}},
        }
    )
    chosen = {"risk": freely.risk, "decision": freely.decision}
    planning.settings = planning.desk.settings = planning.settings.model_copy(update=chosen)
    with openai_server(proposing()) as server:
        plan = drafted(planning, server, BY_RULES)
        assert isinstance(plan, Plan)
        assert plan.risk.mode == Mode.AUTO
        assert server.asked == []
