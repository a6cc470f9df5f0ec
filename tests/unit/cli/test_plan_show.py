"""`sre-copilot plan list|show|diff|simulate` in a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app.acting import open_desk
from sre_copilot.cli.plan import app
from sre_copilot.domain.plan import Plan
from sre_copilot.testing.alerting_service import Deciding, deciding, listening
from sre_copilot.testing.plans import a_plan
from sre_copilot.testing.stated_executor import StatedExecutor, spec


@pytest.fixture(scope="module")
def executor() -> StatedExecutor:
    restart = spec("kubernetes.rollout_restart", kinds=("Deployment",), properties={"grace": {}})
    return StatedExecutor("kubernetes", specs=[restart], states={"cart": {"replicas": 2}})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, executor: StatedExecutor) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("plans")) as found:
        desk = open_desk(found.service.settings, found.service.database, found.service.clock)
        desk.__dict__["catalogue"] = Catalogue([executor])
        found.application.state.acting = desk
        yield found


@pytest.fixture(scope="module")
def config(there: Deciding) -> Iterator[Path]:
    with listening(there) as path:
        yield path


@pytest.fixture(scope="module")
def plan(there: Deciding) -> Plan:
    made: Plan = there.application.state.approving.plans.propose(a_plan(now=there.service.clock.now(), id=""))
    return made


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def test_plans_are_listed_and_one_is_shown_with_its_signals(config: Path, plan: Plan) -> None:
    assert plan.id in run(config, "list", "--lang", "en").output
    assert json.loads(run(config, "list", "--status", "running", "--output", "json").output)["items"] == []
    shown = run(config, "show", plan.id, "--lang", "en")
    assert shown.exit_code == 0
    for part in (
        plan.id,
        "strategy restart; recommended: Restart cart",
        "helped in 19 of 20",
        "error_rate",
        "Nothing else was weighed",
    ):
        assert part in shown.output


def test_a_plan_says_how_it_ended_who_decided_and_how_risky_it_is_in_words(
    there: Deciding, config: Path
) -> None:
    door = there.application.state.approving
    now = there.service.clock.now()
    made = door.plans.propose(
        replace(a_plan(now=now, id=""), requester="cleo", fault_type="", confidence=0.0)
    )
    path = f"/api/v1/approvals/{made.id}/reject"
    assert there.client("admin").post(path, json={"reason": "not today"}).status_code == 200
    shown = run(config, "show", made.id, "--lang", "en").output
    for part in ("asked for by cleo", "rejected by admin", "not today", "no diagnosis", "can be undone"):
        assert part in shown
    assert "0%" not in shown.splitlines()[4]


def test_the_difference_ends_with_one_when_a_step_could_not_be_carried_out(
    config: Path, plan: Plan, executor: StatedExecutor
) -> None:
    same = run(config, "diff", plan.id.lower())
    assert (same.exit_code, "grace: None -> 30" in same.output) == (0, True)
    executor.refuses = ("kubernetes.rollout_restart",)
    refused = run(config, "diff", plan.id)
    executor.refuses = ()
    assert (refused.exit_code, "cannot be carried out now" in refused.output) == (1, True)


def test_a_simulation_of_nothing_says_so(config: Path, plan: Plan) -> None:
    shown = run(config, "simulate", "--days", "7")
    assert (shown.exit_code, "No fault of that time has a confirmed measure." in shown.output) == (0, True)
