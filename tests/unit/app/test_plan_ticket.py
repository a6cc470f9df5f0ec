"""`remediation.ticket`: which plans a ticket goes along with, and what is wrong with the configuration is said at the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app.action_checks import check_actions
from sre_copilot.app.approving_made import plans_of
from sre_copilot.app.plan_ticket import with_ticket
from sre_copilot.domain.plan import Target, Ticket
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.plans import plan_of, text_of
from sre_copilot.testing.plans import a_plan, a_step

JIRA = {"type": "tickets", "name": "desk", "system": "jira", "url": "http://127.0.0.1:9", "queue": "OPS", "states": ["Done"]}  # fmt: skip


def settings(**ticket: Any) -> Settings:
    """A configuration with one ticket system."""
    return Settings.model_validate({"actions": {"executors": [JIRA]}, "remediation": {"ticket": ticket}})


def test_by_default_no_plan_has_a_ticket() -> None:
    assert with_ticket(Settings())(a_plan(incident_id="INC-1")).ticket is None
    assert with_ticket(settings())(a_plan(incident_id="INC-1")).ticket is None


def test_a_plan_of_an_incident_gets_the_ticket_and_is_otherwise_the_same() -> None:
    plan = a_plan(incident_id="INC-1")
    made = with_ticket(settings(executor="desk", closed="Done", required=True))(plan)
    queue = Target(executor="desk", kind="queue", name="OPS")
    assert made == replace(plan, ticket=Ticket(queue=queue, required=True, closed="Done"))


def test_a_plan_without_an_incident_and_one_that_writes_tickets_get_none() -> None:
    add = with_ticket(settings(executor="desk"))
    step = a_step(executor="desk")
    writes = replace(step, action=replace(step.action, name="desk.create"))
    assert add(a_plan()).ticket is None
    assert add(a_plan(writes, incident_id="INC-1")).ticket is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"executor": "desc"}, "'desc' is no executor of type tickets; there are: desk"),
        ({"executor": "desk", "closed": "Gone"}, "'Gone' is none of the states of desk (Done)"),
        ({"required": True}, "remediation.ticket.executor: is missing"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_key_at_the_start(given: dict[str, Any], said: str) -> None:
    for look in (with_ticket, check_actions):
        with pytest.raises(SettingsError) as told:
            look(settings(**given))
        assert said in str(told.value)


def test_the_check_of_the_configuration_says_where_tickets_are_opened() -> None:
    assert "remediation.ticket: each plan opens one in OPS (desk)" in check_actions(settings(executor="desk"))


def test_a_plan_is_kept_with_its_ticket_and_what_was_kept_before_reads_as_it_did(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    plans = plans_of(settings(executor="desk"), database)
    kept = plans.propose(a_plan(incident_id="INC-1", id=""))
    found = plans.get(kept.id)
    assert found is not None
    assert found.plan.ticket is not None
    assert found.plan.fingerprint == found.fingerprint
    database.close()
    old = a_plan()
    text = text_of(old).replace(',"ticket":null', "")
    assert "ticket" not in text
    assert plan_of(text).fingerprint == old.fingerprint
