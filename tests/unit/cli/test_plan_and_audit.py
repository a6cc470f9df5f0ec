"""`sre-copilot plan` decisions and `sre-copilot audit` in a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from sre_copilot.cli.audit import app as audit
from sre_copilot.cli.plan import app as plan
from sre_copilot.clock import rfc3339
from sre_copilot.testing.alerting_service import Deciding, deciding, listening
from sre_copilot.testing.plans import a_plan


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("plans")) as found:
        yield found


@pytest.fixture(scope="module")
def config(there: Deciding) -> Iterator[Path]:
    with listening(there) as path:
        yield path


def run(app: object, config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])  # type: ignore[arg-type]


def test_plans_are_listed_approved_and_rejected_and_the_audit_is_whole_until_it_is_changed(
    there: Deciding, config: Path
) -> None:
    store = there.application.state.approving.plans
    one, two = (store.propose(a_plan(now=there.service.clock.now(), id="")) for _ in range(2))
    shown = run(plan, config, "pending", "--output", "json")
    assert (shown.exit_code, [each["plan_id"] for each in json.loads(shown.output)["items"]]) == (
        1,
        [one.id, two.id],
    )
    assert "was approved by admin" in run(plan, config, "approve", one.id, "--lang", "en").output
    again = run(plan, config, "approve", one.id, "--lang", "en")
    assert "approved already" in str(again.exception)
    assert run(plan, config, "reject", two.id, "--reason", "no need").exit_code == 0
    assert run(plan, config, "pending").exit_code == 0
    head = run(audit, config, "head").output.strip()
    assert run(audit, config, "verify", "--anchor", head).exit_code == 0
    listed = json.loads(run(audit, config, "list", "--subject", two.id, "--output", "json").output)["items"]
    assert [each["verb"] for each in listed] == ["plan.reject", "plan.propose"]
    with there.service.database.begin() as connection:
        connection.execute(text("UPDATE audit SET who = 'mallory' WHERE id = 2"))
    broken = run(audit, config, "verify", "--output", "json")
    assert (broken.exit_code, json.loads(broken.output)["broken"]["number"]) == (1, 2)


def test_who_stands_in_is_listed_and_ended(there: Deciding, config: Path) -> None:
    there.client("responder")
    made = run(plan, config, "delegate", "responder", "--to", _later(there), "--service", "cart")
    assert made.exit_code == 0, made.output
    items = json.loads(run(plan, config, "delegations", "--output", "json").output)["items"]
    assert [(each["giver"], each["taker"]) for each in items] == [("admin", "responder")]
    assert "is over" in run(plan, config, "undelegate", items[0]["id"]).output
    assert "Nobody stands in" in run(plan, config, "delegations").output


def _later(there: Deciding) -> str:
    return rfc3339(there.service.clock.now() + 7200) or ""
